package backfill

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/trailbeat/trailbeat/internal/terminal"
)

// Text is the line of a plan while it is made.
func (p Planning) Text() string {
	if p.Folders == 0 {
		return "planning: looking for accounts and regions"
	}
	return fmt.Sprintf("planning: %d of %d folders, %s objects, %d calls", p.FoldersListed, p.Folders, terminal.Count(float64(p.Objects)), p.Calls)
}

// mostAccounts are shown; of the others only the sum.
const mostAccounts = 20

// WriteText says for people what a plan found.
func (e Estimate) WriteText(w io.Writer) error {
	from := "the beginning"
	if !e.From.IsZero() {
		from = e.From.Format(time.RFC3339)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	row("source", "%s", e.Source)
	row("range", "%s to %s", from, e.To.Format(time.RFC3339))
	row("in it", "%d objects, %s, of %d accounts in %d folders on %d days", e.Objects, terminal.Bytes(float64(e.Bytes)), e.Accounts, e.Folders, e.Days)
	row("to do", "%d objects, %s", e.LeftObjects, terminal.Bytes(float64(e.LeftBytes)))
	if e.Failed > 0 {
		row("", "%d that could not be read before are tried first", e.Failed)
	}
	if e.Archived > 0 {
		what := "left out; --archived restore restores them"
		if e.Restores {
			what = "to be restored, and read by a later call"
		}
		noun := "objects"
		if e.Archived == 1 {
			noun = "object"
		}
		row("archived", "%d %s, %s in GLACIER or DEEP_ARCHIVE: %s", e.Archived, noun, terminal.Bytes(float64(e.ArchivedBytes)), what)
	}
	if e.Tiered > 0 {
		row("tiered", "%d objects in INTELLIGENT_TIERING, about %d of them in an archive tier (%d of %d that were looked at)", e.Tiered, e.TieredArchived, e.Sample.TieredArchived, e.Sample.Tiered)
	}
	if e.Sample.Records > 0 {
		row("records", "about %d, by %.0f bytes a record in a sample of %d objects with %d records", e.Records, e.BytesPerRecord, e.Sample.Objects, e.Sample.Records)
	}
	row("requests", "%s so far; to come: %s", requestsText(e.Planned), requestsText(e.ToCome))
	if e.Cost != nil {
		row("cost", "%.4g for these requests, by the prices that were given", *e.Cost)
	}
	if e.Seconds > 0 {
		row("time", "about %s, by %s", terminal.Duration(time.Duration(e.Seconds*float64(time.Second)).Round(time.Second)), e.SecondsFrom)
	}
	return t.Flush()
}

func requestsText(r Requests) string {
	text := fmt.Sprintf("%d LIST, %d GET", r.List, r.Get)
	for _, n := range []struct {
		count int64
		name  string
	}{{r.Head, "HEAD"}, {r.Restore, "RESTORE"}, {r.Send, "SendMessageBatch"}} {
		if n.count > 0 {
			text += fmt.Sprintf(", %d %s", n.count, n.name)
		}
	}
	return text
}

// WriteText says for people how far a job has come, by account. did is what was done with the objects: shipped, or sent.
func (r Result) WriteText(w io.Writer, did string) error {
	fmt.Fprintf(w, "\n%s: %d objects in this call, %d of %d in all; requests: %s\n", did, r.Objects, r.DoneObjects, r.OfObjects, requestsText(r.Requests))
	for _, n := range []struct {
		count int64
		text  string
	}{
		{r.Missing, "were gone"}, {int64(r.Failed), "could not be read, the next call tries them first"},
		{r.SkippedArchived, "are archived and were left out; --archived restore restores them"},
		{r.Restoring, "are being restored; run it again when they are"},
	} {
		if n.count > 0 {
			fmt.Fprintf(w, "  %d %s\n", n.count, n.text)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.Failures)) {
		fmt.Fprintf(w, "    %s: %s\n", key, r.Failures[key])
	}
	accounts := slices.Clone(r.Accounts)
	slices.SortStableFunc(accounts, func(a, b AccountProgress) int { return int(b.Objects - a.Objects) })
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "account\tobjects\tof\tfolder days\tof\tarchived\trecords\t")
	for i, a := range accounts {
		if i == mostAccounts {
			break
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", a.Account, a.DoneObjects, a.Objects, a.DoneDays, a.Days, a.LeftArchived, a.Records)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if n := len(accounts) - mostAccounts; n > 0 {
		fmt.Fprintf(w, "and %d more accounts; --output json has all\n", n)
	}
	return nil
}
