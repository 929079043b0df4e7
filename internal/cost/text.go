package cost

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trailbeat/trailbeat/internal/terminal"
)

// The widths of columns, in characters.
const (
	nameWidth = 44
	barWidth  = 16
)

// WriteText prints a Report for people.
func (r *Report) WriteText(w io.Writer, style terminal.Style) error {
	var b strings.Builder
	r.head(&b, style)
	for i := range r.Tables {
		r.writeTable(&b, style, &r.Tables[i])
	}
	r.writeRules(&b, style)
	if r.Own != nil {
		r.writeOwn(&b, style)
	}
	b.WriteString("\n")
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "%s\n", style.Dim("* "+n))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) head(b *strings.Builder, style terminal.Style) {
	i := &r.Sample
	fmt.Fprintf(b, "%s events", style.Bold(Thousands(i.Events)))
	if i.Objects > 0 {
		fmt.Fprintf(b, " in %s objects", Thousands(i.Objects))
	}
	fmt.Fprintf(b, ": %s of records, %s of documents\n", size(i.Raw), size(i.Document))
	if i.First != "" {
		fmt.Fprintf(b, "from %s to %s; the sample stands for %s (%s)\n", i.First, i.Last, terminal.Duration(seconds(i.SpanSeconds)), spanFrom(i.SpanFrom))
	}
	if r.Day == nil {
		return
	}
	fmt.Fprintf(b, "a day      %s\n", r.rateText(r.Day))
	fmt.Fprintf(b, "a month    %s\n", r.rateText(r.Month))
}

func spanFrom(s string) string {
	switch s {
	case "given":
		return "as --span says"
	case "range":
		return "--from to --to"
	}
	return "first event to last"
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (r *Report) rateText(v *Rate) string {
	text := fmt.Sprintf("%s events, %s of records, %s of documents", terminal.Count(v.Events), terminal.Bytes(v.Raw), terminal.Bytes(v.Document))
	if v.Price != nil {
		text += fmt.Sprintf(": %s at %g for each GB of %s", Money(*v.Price), r.Price.PerGB, r.Price.Of)
	}
	return text
}

// columns are what stands behind the name and the bar of each line.
func (r *Report) columns(a Amount, month *Rate) string {
	text := fmt.Sprintf("%12s %10s %10s", Thousands(a.Events), size(a.Raw), size(a.Document))
	if month != nil {
		text += fmt.Sprintf(" %10s", terminal.Bytes(month.Document))
		if month.Price != nil {
			text += fmt.Sprintf(" %11s", Money(*month.Price))
		}
	}
	return text
}

func (r *Report) header(b *strings.Builder, style terminal.Style, title string) {
	text := fmt.Sprintf("%12s %10s %10s", "events", "records", "documents")
	if r.Month != nil {
		text += fmt.Sprintf(" %10s", "docs/month")
		if r.Price != nil {
			text += fmt.Sprintf(" %11s", "price/month")
		}
	}
	fmt.Fprintf(b, "\n%s %s\n", style.Bold(terminal.Pad(title, nameWidth+barWidth+6)), text)
}

func (r *Report) line(b *strings.Builder, style terminal.Style, name string, share float64, a Amount, month *Rate) {
	fmt.Fprintf(b, "%s %s %s %s\n", terminal.Pad(shorten(name, nameWidth), nameWidth), style.Accent(bar(share, barWidth)), percent(share), r.columns(a, month))
}

func (r *Report) writeTable(b *strings.Builder, style terminal.Style, t *Table) {
	r.header(b, style, "By "+t.Title)
	for _, row := range t.Rows {
		r.line(b, style, row.Key, row.Share, row.Amount, row.Month)
	}
	for _, rest := range []struct {
		name string
		a    Amount
	}{{fmt.Sprintf("(%d more)", t.Keys-len(t.Rows)), t.More}, {"(others)", t.Others}} {
		if rest.a.Events > 0 {
			r.line(b, style, rest.name, float64(rest.a.Document)/float64(max(1, r.Sample.Document)), rest.a, r.rate(rest.a, monthDays))
		}
	}
}

func (r *Report) writeRules(b *strings.Builder, style terminal.Style) {
	if len(r.Rules) == 0 {
		fmt.Fprintf(b, "\n%s\n", style.Bold("No rule would save much."))
		return
	}
	r.header(b, style, "What rules would save, each by itself")
	for _, f := range r.Rules {
		r.line(b, style, f.ID, f.Share, f.Alone, f.Month)
		fmt.Fprintf(b, "  %s. %s\n", terminal.Clean(f.Title), style.Dim("Gone: "+terminal.Clean(f.Loses)+"."))
	}
	r.line(b, style, "all of them, each event once", r.Together.Share, r.Together.Alone, r.Together.Month)
	fmt.Fprintf(b, "\n%s\n%s", style.Bold("Take of this what you can do without; failures are kept by all of them:"), indent(r.YAML))
}

func (r *Report) writeOwn(b *strings.Builder, style terminal.Style) {
	r.header(b, style, "What --rules saves")
	for _, rule := range r.Own.Rules {
		if rule.Dropped.Events == 0 && rule.Processor != "drop_event" && rule.Processor != "sample" {
			continue
		}
		share := float64(rule.Dropped.Document) / float64(max(1, r.Sample.Document))
		r.line(b, style, rule.ID, share, rule.Dropped, r.rate(rule.Dropped, monthDays))
	}
	r.line(b, style, "all, with what processors take out of documents", r.Own.Share, r.Own.Saved, r.Own.Month)
	fmt.Fprintf(b, "left: %s events, %s of documents\n", Thousands(r.Own.Kept.Events), size(r.Own.Kept.Document))
	if len(r.Own.Streams) > 1 {
		for _, d := range r.Own.Streams {
			fmt.Fprintf(b, "  to output %s %s: %s events, %s of documents\n", terminal.Clean(d.Output), terminal.Clean(d.Name), Thousands(d.Events), size(d.Document))
		}
	}
}

// eighths are the ends of bars.
var eighths = [...]string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}

// bar draws a share of width characters, to an eighth of one: a bar that is not empty for all that is not nothing.
func bar(share float64, width int) string {
	n := int(min(1, max(0, share))*float64(width)*8 + 0.5)
	if share > 0 {
		n = max(n, 1)
	}
	return terminal.Pad(strings.Repeat("█", n/8)+eighths[n%8], width)
}

func indent(text string) string {
	return "  " + strings.TrimSuffix(strings.ReplaceAll(text, "\n", "\n  "), "  ")
}

func size(n int64) string { return terminal.Bytes(float64(n)) }

func percent(share float64) string {
	if share > 0 && share < 0.0005 {
		return "<0.1 %"
	}
	return fmt.Sprintf("%4.1f %%", 100*share)
}

// Money writes a price with two digits behind the point, or with three that count where it is small.
func Money(v float64) string {
	if v > 0 && v < 0.095 {
		return fmt.Sprintf("%.2g", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// shorten keeps the end of a name, which tells more than its beginning.
func shorten(text string, width int) string {
	text = terminal.Clean(text)
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	runes := []rune(text)
	return "…" + string(runes[len(runes)-width+1:])
}

// Thousands writes a number with separators.
func Thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
