package monitor

import (
	"time"

	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

const (
	fineStep   = 2 * time.Second
	finePoints = 300
	dayStep    = time.Minute
	dayPoints  = 1440
)

// point is what happened within one step.
type point struct {
	counts  shipper.Counts // differences, but for InFlight
	lag     hist
	longest int64
}

// ring holds the latest points. A step that nobody took a look at, as the machine slept, has a point without anything.
type ring struct {
	step   time.Duration
	points []point
	from   int // the oldest
	n      int
	open   int64 // number of the step that the newest point is of

	counts shipper.Counts // as of the last add
	lag    hist
}

func newRing(n int, step time.Duration) *ring {
	return &ring{step: step, points: make([]point, n)}
}

// add puts what happened since the last add into the point of now.
func (r *ring) add(now time.Time, counts shipper.Counts, lag hist, longest int64) {
	step := now.UnixNano() / int64(r.step)
	switch {
	case r.n == 0:
		r.push()
		r.open = step
	case step > r.open:
		for range min(step-r.open, int64(len(r.points))) {
			r.push()
		}
		r.open = step
	}
	p := &r.points[(r.from+r.n-1)%len(r.points)]
	p.counts.Received += counts.Received - r.counts.Received
	p.counts.Indexed += counts.Indexed - r.counts.Indexed
	p.counts.Duplicate += counts.Duplicate - r.counts.Duplicate
	p.counts.Filtered += counts.Filtered - r.counts.Filtered
	p.counts.DeadLettered += counts.DeadLettered - r.counts.DeadLettered
	p.counts.Returned += counts.Returned - r.counts.Returned
	p.counts.InFlight = counts.InFlight
	d := lag.minus(&r.lag)
	p.lag.add(&d)
	p.longest = max(p.longest, longest)
	r.counts, r.lag = counts, lag
}

func (r *ring) push() {
	if r.n < len(r.points) {
		r.points[(r.from+r.n)%len(r.points)] = point{}
		r.n++
		return
	}
	r.points[r.from] = point{}
	r.from = (r.from + 1) % len(r.points)
}

// latest sums up the last n points.
func (r *ring) latest(n int) (sum point, took int) {
	for i := max(0, r.n-n); i < r.n; i++ {
		p := &r.points[(r.from+i)%len(r.points)]
		c := p.counts
		sum.counts.Received += c.Received
		sum.counts.Indexed += c.Indexed
		sum.counts.Duplicate += c.Duplicate
		sum.counts.Filtered += c.Filtered
		sum.counts.DeadLettered += c.DeadLettered
		sum.lag.add(&p.lag)
		sum.longest = max(sum.longest, p.longest)
		took++
	}
	return sum, took
}

func (r *ring) series() api.Series {
	s := api.Series{
		End: time.Unix(0, (r.open+1)*int64(r.step)).UTC(), Step: r.step.Seconds(), Window: r.step.Seconds() * float64(len(r.points)),
		Indexed: make([]int64, r.n), Duplicate: make([]int64, r.n), Filtered: make([]int64, r.n), DeadLettered: make([]int64, r.n),
		InFlight: make([]int64, r.n), LagP50: make([]float64, r.n), LagP95: make([]float64, r.n),
	}
	for i := range r.n {
		p := &r.points[(r.from+i)%len(r.points)]
		s.Indexed[i], s.Duplicate[i] = p.counts.Indexed, p.counts.Duplicate
		s.Filtered[i], s.DeadLettered[i], s.InFlight[i] = p.counts.Filtered, p.counts.DeadLettered, p.counts.InFlight
		s.LagP50[i], s.LagP95[i] = p.lag.quantile(0.5, p.longest), p.lag.quantile(0.95, p.longest)
	}
	return s
}
