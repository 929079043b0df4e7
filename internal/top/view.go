package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/terminal"
)

// Screen is what a View is made for.
type Screen struct {
	// Width in characters, at least 40. Height in lines; 0: as many as it takes.
	Width, Height int
	Style         terminal.Style
}

// view gathers lines.
type view struct {
	Screen
	s     *api.Status
	out   strings.Builder
	lines int
}

// The most that lists show.
const (
	mostPlaces  = 8
	mostReasons = 5
	mostRules   = 12
	mostTop     = 8
)

// View is the text of a status, and of the series of the last minutes where there is one. It ends with a newline and fits the
// screen: sections that do not fit any more are left out and it is said; problems come first.
func View(s *api.Status, series *api.Series, screen Screen) string {
	screen.Width = max(40, screen.Width)
	v := &view{Screen: screen, s: s}
	sections := [][]string{v.head(), v.flow(series), v.problems(), v.inputs(), v.output(), v.rules(), v.places(), v.letters(), v.top()}
	for i, lines := range sections {
		if !v.section(lines, i == len(sections)-1) {
			break
		}
	}
	return v.out.String()
}

// section writes lines, and an empty one before them. It reports whether more fits.
func (v *view) section(lines []string, last bool) bool {
	if len(lines) == 0 {
		return true
	}
	if v.lines > 0 {
		lines = append([]string{""}, lines...)
	}
	for i, line := range lines {
		if v.Height > 0 && v.lines == v.Height-1 && (i < len(lines)-1 || !last) {
			v.out.WriteString(v.Style.Dim(terminal.Fit("(more below: make the window larger, or use --once)", v.Width)) + "\n")
			return false
		}
		v.out.WriteString(line + "\n")
		v.lines++
	}
	return true
}

// fit cuts a line without colours to the width.
func (v *view) fit(text string) string { return terminal.Fit(text, v.Width) }

// title heads a section.
func (v *view) title(name, rest string) string {
	if rest == "" {
		return v.Style.Bold(name)
	}
	return v.Style.Bold(name) + "  " + v.Style.Dim(terminal.Fit(rest, v.Width-len(name)-2))
}

func (v *view) head() []string {
	p := &v.s.Program
	text := fmt.Sprintf("%s %s  %s  up %s", p.Name, p.Version, terminal.Clean(p.Agent), seconds(p.Uptime))
	state := strings.ToUpper(terminal.Clean(v.s.State))
	room := v.Width - len(state) - 1
	return []string{v.Style.Bold(terminal.Pad(text, room)) + " " + v.stateStyle(v.s.State)(state)}
}

func (v *view) stateStyle(state string) func(string) string {
	switch state {
	case api.StateRunning, "reading", "waiting":
		return v.Style.Good
	case api.StateBlocked, "failed":
		return v.Style.Bad
	case api.StateDegraded, "failing":
		return v.Style.Warning
	}
	return func(text string) string { return text }
}

func (v *view) flow(series *api.Series) []string {
	f := &v.s.Flow
	lines := []string{
		v.title("flow", ""),
		v.fit(fmt.Sprintf("  received %d", f.Received)),
		v.fit(fmt.Sprintf("  = %d indexed + %d duplicate + %d filtered + %d dead letters", f.Indexed, f.Duplicate, f.Filtered, f.DeadLettered)),
		v.fit(fmt.Sprintf("    + %d in flight + %d returned", f.InFlight, f.Returned)),
	}
	if !f.Balanced() {
		lines = append(lines, v.Style.Bad("  these numbers do not balance: that is a fault of trailbeat, please report it"))
	}
	if f.ReadErrors > 0 {
		lines = append(lines, v.Style.Warning(v.fit(fmt.Sprintf("  %d errors while reading", f.ReadErrors))))
	}
	rate := fmt.Sprintf("  rate %s/s", terminal.Count(v.s.Rate.Indexed+v.s.Rate.Duplicate+v.s.Rate.Filtered+v.s.Rate.DeadLettered))
	if spark := rates(series, v.Width-len(rate)-12); spark != "" {
		rate = terminal.Pad(rate, 16) + "  " + v.Style.Accent(spark)
	}
	lines = append(lines, rate)
	if l := &v.s.Lag; l.Events > 0 {
		lines = append(lines, v.fit(fmt.Sprintf("  lag  %s median, %s p95, %s at most (from the event to the output, last 5 minutes)",
			seconds(l.P50), seconds(l.P95), seconds(l.Max))))
	}
	return lines
}

// rates draws what was settled in each of the last points of a series.
func rates(series *api.Series, width int) string {
	if series == nil || width < 10 {
		return ""
	}
	values := make([]float64, len(series.Indexed))
	for i, n := range series.Indexed {
		for _, list := range [][]int64{series.Duplicate, series.Filtered, series.DeadLettered} {
			if i < len(list) {
				n += list[i]
			}
		}
		values[i] = float64(n)
	}
	values = values[max(0, len(values)-min(width, 120)):]
	return terminal.Spark(values)
}

func (v *view) problems() []string {
	if len(v.s.Problems) == 0 {
		return nil
	}
	lines := []string{v.title("problems", "")}
	for i := range v.s.Problems {
		p := &v.s.Problems[i]
		paint := v.Style.Warning
		if p.Blocking {
			paint = v.Style.Bad
		}
		since := ""
		if !p.Since.IsZero() {
			since = " (" + v.ago(p.Since) + ")"
		}
		lines = append(lines, paint(v.fit("  "+terminal.Clean(p.Where)+since+": "+terminal.Clean(p.Text))))
		lines = append(lines, v.hint("  ", p.Hint)...)
	}
	return lines
}

// hint says how to mend something. It is never cut: it is what the reader needs.
func (v *view) hint(indent, text string) []string {
	if text = terminal.Clean(text); text == "" {
		return nil
	}
	var lines []string
	line := indent + "  ->"
	for _, word := range strings.Fields(text) {
		if len([]rune(line))+1+len([]rune(word)) > v.Width && strings.TrimSpace(line) != "->" {
			lines = append(lines, line)
			line = indent + "    "
		}
		line += " " + word
	}
	return append(lines, line)
}

func (v *view) inputs() []string {
	lines := []string{v.title("inputs", "")}
	for i := range v.s.Inputs {
		in := &v.s.Inputs[i]
		state := terminal.Pad(terminal.Clean(in.State), 8)
		name := terminal.Pad("  "+terminal.Clean(in.ID), min(26, v.Width/3))
		rest := fmt.Sprintf(" %9s/s %9s records", terminal.Count(in.Rate.Received), terminal.Count(float64(in.Flow.Received)))
		if in.Unit != "" {
			unit := strings.ReplaceAll(terminal.Clean(in.Unit), "_", " ")
			if in.Read != 1 {
				unit += "s"
			}
			rest += fmt.Sprintf(", %d %s", in.Read, unit)
		}
		if in.Bytes > 0 {
			rest += ", " + terminal.Bytes(float64(in.Bytes))
		}
		for _, n := range []struct {
			count int64
			what  string
		}{{in.Waiting, "waiting"}, {in.Open, "open"}, {in.Failing, "failing"}, {in.Failed, "failed"}, {in.Throttle, "throttled"}} {
			if n.count > 0 {
				rest += fmt.Sprintf(", %d %s", n.count, n.what)
			}
		}
		if l := in.Leases; l != nil {
			rest += fmt.Sprintf(", %d of %d leases", l.Held, l.Known)
		}
		if in.NextPoll.After(v.s.Now) {
			rest += ", next look in " + terminal.Duration(in.NextPoll.Sub(v.s.Now))
		}
		lines = append(lines, name+" "+v.stateStyle(in.State)(state)+terminal.Fit(rest, v.Width-len([]rune(name))-1-8))
		if in.LastObject != "" {
			lines = append(lines, v.Style.Dim(v.fit("    last "+terminal.Clean(in.LastObject)+" ("+v.ago(in.LastObjectTime)+")")))
		}
		if in.LastError != "" {
			lines = append(lines, v.Style.Warning(v.fit("    "+v.ago(in.LastErrorTime)+": "+terminal.Clean(in.LastError))))
			lines = append(lines, v.hint("    ", in.LastErrorHint)...)
		}
	}
	return lines
}

func (v *view) output() []string {
	if len(v.s.Outputs) == 0 {
		return append([]string{v.title("output", "")}, v.oneOutput(&v.s.Output, v.s.Output.Type)...)
	}
	lines := append([]string{v.title("outputs", "")}, v.oneOutput(&v.s.Output, "default ("+v.s.Output.Type+")")...)
	for i := range v.s.Outputs {
		o := &v.s.Outputs[i]
		lines = append(lines, v.oneOutput(o, o.Name+" ("+o.Type+")")...)
	}
	return lines
}

func (v *view) oneOutput(o *api.Output, name string) []string {
	text := fmt.Sprintf("  %s: %s sent in %s batches of %s each, %d active", terminal.Clean(name), terminal.Count(float64(o.Sent)),
		terminal.Count(float64(o.Batches)), seconds(o.Latency), o.Active)
	for _, n := range []struct {
		count int64
		what  string
	}{{o.Retried, "tried again"}, {o.Refused, "refused"}, {o.FailedBatches, "batches failed"}} {
		if n.count > 0 {
			text += fmt.Sprintf(", %d %s", n.count, n.what)
		}
	}
	lines := []string{v.fit(text)}
	if o.Down {
		lines = append(lines, v.Style.Bad(v.fit("  down since "+v.ago(o.Since)+": "+terminal.Clean(o.Error))))
	}
	return lines
}

// rules are what processors take out, and where routing sends the rest.
func (v *view) rules() []string {
	if len(v.s.Rules) == 0 {
		return nil
	}
	lines := []string{v.title("rules", "of processors that take records out, and of routing")}
	for i := range v.s.Rules {
		if i == mostRules {
			lines = append(lines, v.Style.Dim(fmt.Sprintf("  and %d more", len(v.s.Rules)-i)))
			break
		}
		r := &v.s.Rules[i]
		to := r.Output
		if r.Dataset != "" {
			to += ", dataset " + r.Dataset
		}
		if r.Namespace != "" {
			to += ", namespace " + r.Namespace
		}
		lines = append(lines, v.fit(fmt.Sprintf("  %9s  %s (%s) -> %s", terminal.Count(float64(r.Events)), terminal.Clean(r.Name), terminal.Clean(r.Kind), terminal.Clean(to))))
	}
	return lines
}

func (v *view) places() []string {
	if len(v.s.Places) == 0 {
		return nil
	}
	lines := []string{
		v.title("accounts and regions", "lag from the event to the output, last 5 minutes"),
		v.Style.Dim(v.fit(fmt.Sprintf("  %-14s %-16s %9s %9s %8s %8s  %s", "account", "region", "events", "per s", "median", "p95", "newest event"))),
	}
	for i := range v.s.Places {
		if i == mostPlaces {
			lines = append(lines, v.Style.Dim(fmt.Sprintf("  and %d more", len(v.s.Places)-i)))
			break
		}
		p := &v.s.Places[i]
		median, p95, newest := "-", "-", "-"
		if p.Lag.Events > 0 {
			median, p95 = seconds(p.Lag.P50), seconds(p.Lag.P95)
		}
		if !p.LastEvent.IsZero() {
			newest = v.ago(p.LastEvent)
		}
		lines = append(lines, v.fit(fmt.Sprintf("  %s %s %9s %9s %8s %8s  %s", terminal.Pad(terminal.Clean(p.Account), 14), terminal.Pad(terminal.Clean(p.Region), 16),
			terminal.Count(float64(p.Events)), terminal.Count(p.Rate), median, p95, newest)))
	}
	return lines
}

func (v *view) letters() []string {
	d := &v.s.DeadLetters
	if d.Total == 0 && d.Error == "" {
		return nil
	}
	lines := []string{v.title("dead letters", fmt.Sprintf("%d of this run, in %s", d.Total, terminal.Clean(d.Place)))}
	if d.Error != "" {
		lines = append(lines, v.Style.Bad(v.fit("  none can be stored: "+terminal.Clean(d.Error))))
	}
	for i := range d.Reasons {
		if i == mostReasons {
			lines = append(lines, v.Style.Dim(fmt.Sprintf("  and %d more reasons", len(d.Reasons)-i)))
			break
		}
		r := &d.Reasons[i]
		lines = append(lines, v.fit(fmt.Sprintf("  %8d  %s: %s", r.Count, terminal.Clean(r.Type), terminal.Clean(r.Reason))))
	}
	return append(lines, v.hint("  ", "mend the cause, then: trailbeat replay")...)
}

func (v *view) top() []string {
	t := &v.s.Top
	if len(t.Actions.Items) == 0 {
		return nil
	}
	lines := []string{v.title("top actions", "of the last "+seconds(t.Seconds)+", estimated")}
	for i := range t.Actions.Items {
		if i == mostTop {
			break
		}
		it := &t.Actions.Items[i]
		name := terminal.Clean(it.Name)
		if it.Detail != "" {
			name += " (" + terminal.Clean(it.Detail) + ")"
		}
		share := 0.0
		if t.Actions.Total > 0 {
			share = 100 * float64(it.Count) / float64(t.Actions.Total)
		}
		lines = append(lines, v.fit(fmt.Sprintf("  %8s %5.1f %%  %s", terminal.Count(float64(it.Count)), share, name)))
	}
	return lines
}

// ago is the age of something at the time of the status, by the clock of the process that is watched.
func (v *view) ago(at time.Time) string {
	if at.IsZero() {
		return "?"
	}
	return terminal.Duration(max(0, v.s.Now.Sub(at))) + " ago"
}

func seconds(s float64) string { return terminal.Duration(time.Duration(s * float64(time.Second))) }
