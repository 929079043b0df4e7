package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/trailbeat/trailbeat/internal/terminal"
	"github.com/trailbeat/trailbeat/internal/verify"
)

// shownPlaces is how many accounts and regions are listed where nothing was found in them.
const shownPlaces = 40

// Text writes the report for people.
func (r *Report) Text(w io.Writer, style terminal.Style) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%s, %s UTC\n\n", terminal.Clean(r.Source), span(r.From, r.To))
	fmt.Fprintf(&out, "digests    %s\n", counts(r.Digests))
	fmt.Fprintf(&out, "log files  %s (%s)\n", counts(r.Logs), terminal.Bytes(float64(r.Bytes)))
	fmt.Fprintf(&out, "hours      %s, %s of them valid with all their files\n", thousands(r.Hours), thousands(r.HoursOK))
	r.places(&out)
	r.findings(&out, style)
	if len(r.Gaps) > 0 {
		fmt.Fprint(&out, "\nTime without digests (UTC):\n")
		for _, g := range r.Gaps {
			fmt.Fprintf(&out, "  %s  %s  %s\n", where(g.Place), span(g.From, g.To), gapText[g.Kind])
		}
		more(&out, r.GapsLeftOut)
	}
	if len(r.Faults) > 0 {
		fmt.Fprint(&out, "\nWhat could not be listed:\n")
		for _, f := range r.Faults {
			fmt.Fprintf(&out, "  %s  %s\n", where(f.Place), terminal.Clean(f.Error))
		}
		more(&out, r.FaultsLeftOut)
	}
	verdict := verdictText[r.Verdict]
	switch r.Verdict {
	case verify.VerdictValid:
		verdict = style.Good(verdict)
	case verify.VerdictRefuted:
		verdict = style.Bad(verdict)
	default:
		verdict = style.Warning(verdict)
	}
	if r.Error != "" {
		verdict = style.Bad("It ended early: "+terminal.Clean(r.Error)) + "\nUp to there: " + verdict
	}
	fmt.Fprintf(&out, "\n%s\n", verdict)
	_, err := io.WriteString(w, out.String())
	return err
}

func more(out *strings.Builder, n int64) {
	if n > 0 {
		fmt.Fprintf(out, "  and %s more\n", thousands(n))
	}
}

func (r *Report) places(out *strings.Builder) {
	list := r.Places
	if len(list) > shownPlaces {
		list = nil
		for _, p := range r.Places {
			if !p.OK() && len(list) < shownPlaces {
				list = append(list, p)
			}
		}
	}
	if len(r.Places) < 2 || len(list) == 0 {
		return
	}
	fmt.Fprintf(out, "\nAccounts and regions, %d of %d:\n", len(list), len(r.Places))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, p := range list {
		fmt.Fprintf(table, "  %s\tdigests: %s\tlog files: %s\n", where(p.Place), counts(p.Digests), counts(p.Logs))
	}
	_ = table.Flush() // into memory
}

func (r *Report) findings(out *strings.Builder, style terminal.Style) {
	if len(r.Findings) == 0 {
		return
	}
	fmt.Fprint(out, "\nFindings:\n")
	for _, f := range r.Findings {
		result := resultText[f.Result]
		if f.Result == verify.NotCovered || f.Result == verify.Unchecked {
			result = style.Warning(result)
		} else {
			result = style.Bad(result)
		}
		fmt.Fprintf(out, "  %s: %s %s (%s)", result, kindText[f.Kind], terminal.Clean(address(f)), reasonText[f.Reason])
		if f.Detail != "" {
			fmt.Fprintf(out, ": %s", terminal.Clean(f.Detail))
		}
		fmt.Fprintln(out)
	}
	more(out, r.FindingsLeftOut)
}
