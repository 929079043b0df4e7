package eventhistory

import (
	"slices"
	"time"
)

// kept is how long AWS keeps the event history.
const kept = 90 * 24 * time.Hour

// span is a stretch of time in seconds since 1970, both ends included. AWS knows no finer times.
type span struct{ From, To int64 }

// position is how far a stream has come. Everything before settled that is not in past is done.
type position struct {
	past    []span // what is left of the past, the oldest first
	settled int64
	readTo  int64 // how far looks have come, for people; from settled on it is looked at again
}

func (p position) clone() position {
	p.past = slices.Clone(p.past)
	return p
}

func (p position) equal(q position) bool {
	return p.settled == q.settled && p.readTo == q.readTo && slices.Equal(p.past, q.past)
}

// leave adds a stretch to the past that is newer than all that is in it. It is joined to the newest one, unless that is
// being read.
func (p *position) leave(s span, reading bool) {
	if s.From > s.To {
		return
	}
	if n := len(p.past); n > 1 || n == 1 && !reading {
		if last := &p.past[n-1]; last.To+1 == s.From {
			last.To = s.To
			return
		}
	}
	p.past = append(p.past, s)
}

// forget drops what is before a time, and says how many seconds that were.
func (p *position) forget(before int64) (lost int64) {
	for len(p.past) > 0 && p.past[0].From < before {
		first := &p.past[0]
		if first.To < before {
			lost += first.To - first.From + 1
			p.past = p.past[1:]
			continue
		}
		lost += before - first.From
		first.From = before
	}
	return lost
}

// checkpointVersion is that of the form in the registry.
const checkpointVersion = 1

// checkpoint is what the registry holds for a stream.
type checkpoint struct {
	Version int `json:"version"`
	// Account whose event history it is. Empty where it could not be asked for.
	Account string `json:"account,omitempty"`
	// StartTimestamp is the option as it was, Start what it meant then.
	StartTimestamp string    `json:"start_timestamp,omitempty"`
	Start          time.Time `json:"start"`
	// Past is what is left of the past, the oldest first. Both ends are included.
	Past []stretch `json:"past"`
	// Settled: what came before this and is not in Past was delivered. New events are looked for from here on.
	Settled time.Time `json:"settled"`
	// ReadTo is how far the last look came, for people.
	ReadTo time.Time `json:"read_to"`
}

type stretch struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func (c checkpoint) position() position {
	p := position{settled: c.Settled.Unix(), readTo: c.ReadTo.Unix()}
	for _, s := range c.Past {
		p.past = append(p.past, span{s.From.Unix(), s.To.Unix()})
	}
	return p
}

func (c *checkpoint) put(p position) {
	c.Settled, c.ReadTo, c.Past = timeOf(p.settled), timeOf(p.readTo), make([]stretch, len(p.past))
	for i, s := range p.past {
		c.Past[i] = stretch{timeOf(s.From), timeOf(s.To)}
	}
}

func timeOf(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
