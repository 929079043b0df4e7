package app

import (
	"fmt"
	"io"
	"strings"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

// printTotals prints what each input found and read, where it tells, and what went wrong last in it.
func printTotals(w io.Writer, sources []shipper.Source) {
	for _, s := range sources {
		told, ok := s.Input.(input.Reporter)
		if !ok {
			continue
		}
		r := told.Report()
		fmt.Fprintf(w, "  %s: %s\n", s.ID, totals(r))
		if r.LastError != "" && r.LastErrorKind != input.KindReturned { // why an output took nothing is said once, at the end
			fmt.Fprintf(w, "    last error (%s): %s\n", r.LastErrorKind, r.LastError)
		}
	}
}

// totals is a line of what is worth telling: what was found and read, and of the rest what is not zero.
func totals(r input.Report) string {
	parts := []string{countOf(r.Listed, strings.ReplaceAll(r.Unit, "_", " ")) + " listed", fmt.Sprintf("%d read", r.Read)}
	for _, n := range []struct {
		count int64
		what  string
	}{
		{r.Skipped, "skipped"}, {r.Missing, "missing"}, {r.Failed, "failed"}, {r.Failing, "still failing"}, {r.InFlight, "in flight"},
	} {
		if n.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n.count, n.what))
		}
	}
	parts = append(parts, countOf(r.Records, "record"), countOf(r.Bytes, "byte"))
	if r.Calls > 0 {
		parts = append(parts, countOf(r.Calls, "call"))
	}
	if r.Throttled > 0 {
		parts = append(parts, fmt.Sprintf("%d throttled", r.Throttled))
	}
	return strings.Join(parts, ", ")
}

// printFailing names the inputs that had things left which they could not read.
func printFailing(w io.Writer, sources []shipper.Source) {
	for _, s := range sources {
		if told, ok := s.Input.(input.Reporter); ok {
			if r := told.Report(); r.Failing > 0 {
				fmt.Fprintf(w, "input %s: %d could not be read so far and are tried again after the next start; last error (%s): %s\n",
					s.ID, r.Failing, r.LastErrorKind, r.LastError)
			}
		}
	}
}
