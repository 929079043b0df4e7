package audit

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// maxLines bounds the rows of a table for people.
const maxLines = 40

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-13s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("range", "%s", r.rangeText())
	line("data stream", "%s", strings.Join(r.Indices, ", "))
	t := &r.Total
	line("source", "%s, %s", count(t.Records, "record"), count(t.Events, "distinct event"))
	line("stored", "%d", t.Stored)
	line("dead letters", "%d", t.DeadLettered)
	line("filtered", "%d%s%s", t.Filtered, listed(r.Rules), also(t.FilteredStored, "of them stored all the same"))
	if t.Elsewhere > 0 {
		line("other outputs", "%d%s, not searched", t.Elsewhere, listed(r.Outputs))
	}
	line("missing", "%d", t.Missing)
	line("extra", "%d", t.Extra)
	line("duplicate", "%d", t.Duplicate)
	if len(r.Parts) > 0 {
		b.WriteString("\n")
		table(&b, "", r.Parts, "ACCOUNT", "REGION")
	}
	if t.differs() && len(r.Hours) > 0 {
		b.WriteString("\n")
		table(&b, "hours", r.Hours, "ACCOUNT", "REGION", "HOUR")
		if r.HoursLeftOut > 0 {
			fmt.Fprintf(&b, "and at least %d hours more\n", r.HoursLeftOut)
		}
	}
	if len(r.Objects) > 0 {
		b.WriteString("\nmissing from\n")
		for _, o := range r.Objects {
			fmt.Fprintf(&b, "%9d  %s\n", o.Events, o.Name)
		}
		if r.ObjectsLeftOut > 0 {
			fmt.Fprintf(&b, "           and %s more\n", count(int64(r.ObjectsLeftOut), "object"))
		}
	}
	r.verdict(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) rangeText() string {
	from, to := r.From, r.To
	if from == "" {
		from = "the beginning"
	}
	if to == "" {
		to = "now"
	}
	text := from + " to " + to + ", by the time of the events"
	for _, only := range []struct {
		what   string
		values []string
	}{{"accounts", r.Accounts}, {"regions", r.Regions}} {
		if len(only.values) > 0 {
			text += "; " + only.what + " " + strings.Join(only.values, ", ")
		}
	}
	return text
}

// verdict is what matters, at the end, where terminals show it.
func (r *Report) verdict(b *strings.Builder) {
	b.WriteString("\n")
	if p := r.Repair; p != nil {
		fmt.Fprintf(b, "repaired: %s missing before; sent %s: %d indexed, %d duplicate, %d dead letters, %d returned; %d missing now\n",
			count(p.Missing, "event"), count(p.Sent, "record"), p.Indexed, p.Duplicate, p.DeadLettered, p.Returned, p.StillMissing)
	}
	for _, in := range r.NotRead {
		fmt.Fprintf(b, "not read: input %s has no past that can be read again; what came by it alone is extra here\n", in)
	}
	if r.ReadErrors > 0 {
		fmt.Fprintf(b, "the source could not be read as a whole: %s, see the log\n", count(r.ReadErrors, "error"))
	}
	switch {
	case r.Complete && r.Total.Events == 0:
		b.WriteString("nothing is missing, as the source has no events in this range\n")
	case r.Complete:
		b.WriteString("complete: every event of the source is stored, a dead letter, or left out on purpose\n")
	case r.Total.Missing > 0 && r.Repair == nil:
		fmt.Fprintf(b, "INCOMPLETE: %s missing; the same command with --repair ships what is missing\n", isOrAre(r.Total.Missing, "event"))
	case r.Total.Missing > 0:
		fmt.Fprintf(b, "INCOMPLETE: %s missing\n", isOrAre(r.Total.Missing, "event"))
	default:
		b.WriteString("NOT PROVEN: nothing that could be read is missing\n")
	}
	if !r.Final {
		b.WriteString("not final: the range has no end, or ended less than an hour ago; events of it may still be on their way to the source or to the output\n")
	}
}

func table(b *strings.Builder, what string, list []Part, names ...string) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, name := range append(names, "EVENTS", "STORED", "DEAD", "FILTERED", "OTHER", "MISSING", "EXTRA", "DUPLICATE") {
		fmt.Fprintf(w, "%s\t", name)
	}
	fmt.Fprintln(w)
	for _, p := range list[:min(len(list), maxLines)] {
		fmt.Fprintf(w, "%s\t%s\t", orNone(p.Account), orNone(p.Region))
		if len(names) == 3 {
			fmt.Fprintf(w, "%s\t", orNone(p.Hour))
		}
		for _, n := range []int64{p.Events, p.Stored, p.DeadLettered, p.Filtered, p.Elsewhere, p.Missing, p.Extra, p.Duplicate} {
			fmt.Fprintf(w, "%d\t", n)
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // into memory
	if more := len(list) - maxLines; more > 0 {
		if what == "" {
			what = "rows"
		}
		fmt.Fprintf(b, "and %d %s more; -o json has them\n", more, what)
	}
}

func orNone(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func count(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

func isOrAre(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return fmt.Sprintf("%d %ss are", n, noun)
}

func listed(list []Named) string {
	var parts []string
	for _, n := range list {
		parts = append(parts, fmt.Sprintf("%s: %d", orNone(n.Name), n.Events))
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func also(n int64, what string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %d %s", n, what)
}
