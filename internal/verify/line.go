package verify

import "time"

// Mark is the worst that was found in a part of a Line.
type Mark uint8

// The marks, the worse ones last.
const (
	// MarkNothing: no digest is about it.
	MarkNothing Mark = iota
	MarkValid
	// MarkOff: it is signed that there are no digests.
	MarkOff
	MarkPending
	// MarkOpen: there are no digests, and nothing is signed about it.
	MarkOpen
	MarkNotCovered
	MarkUnchecked
	MarkUnsigned
	MarkMissing
	MarkAltered
)

// Line is a range in parts of the same length, each with the worst that was found in it.
type Line struct {
	from, to time.Time
	marks    [LineParts]Mark
}

// LineParts is the number of the parts of a Line.
const LineParts = 240

func newLine(from, to time.Time) *Line { return &Line{from: from, to: to} }

// Stretch is a part of a Line with one mark.
type Stretch struct {
	Mark Mark
	// First part, and how many.
	First, Parts int
}

// Stretches gives the line from its beginning to its end.
func (l *Line) Stretches() []Stretch {
	var list []Stretch
	for i, m := range l.marks {
		if n := len(list); n > 0 && list[n-1].Mark == m {
			list[n-1].Parts++
		} else {
			list = append(list, Stretch{m, i, 1})
		}
	}
	return list
}

var markOf = map[Result]Mark{
	Valid: MarkValid, Pending: MarkPending, NotCovered: MarkNotCovered, Unchecked: MarkUnchecked, Unsigned: MarkUnsigned, Missing: MarkMissing, Altered: MarkAltered,
}

func (l *Line) mark(from, to time.Time, r Result) { l.set(from, to, markOf[r]) }

func (l *Line) gap(g *Gap) {
	switch g.Kind {
	case GapBegins, GapOff:
		l.set(g.From, g.To, MarkOff)
	case GapMissing:
		l.set(g.From, g.To, MarkMissing)
	default:
		l.set(g.From, g.To, MarkOpen)
	}
}

// set marks all parts that a span touches.
func (l *Line) set(from, to time.Time, m Mark) {
	if from.IsZero() || to.Before(l.from) || !from.Before(l.to) {
		return
	}
	// In seconds, as nanoseconds would overflow with a range of years.
	part := func(t time.Time) int {
		return int((t.Unix() - l.from.Unix()) * LineParts / max(1, l.to.Unix()-l.from.Unix()))
	}
	first, last := part(from), part(to.Add(-time.Second))
	for i := max(0, first); i <= min(LineParts-1, max(first, last)); i++ {
		l.marks[i] = max(l.marks[i], m)
	}
}
