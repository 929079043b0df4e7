package monitor

import (
	"slices"
	"sync"
)

// distribution is a histogram that is read as a whole. Safe for concurrent use.
type distribution struct {
	bounds []float64

	mu     sync.Mutex
	counts []uint64 // one more than bounds
	sum    float64
}

func newDistribution(bounds ...float64) *distribution {
	return &distribution{bounds: bounds, counts: make([]uint64, len(bounds)+1)}
}

func (d *distribution) observe(v float64) {
	i, _ := slices.BinarySearch(d.bounds, v)
	d.mu.Lock()
	d.counts[i]++
	d.sum += v
	d.mu.Unlock()
}

// Histogram is a copy of a histogram, with counts that are not added up.
type Histogram struct {
	Bounds []float64
	// Counts has one more element than Bounds: what is above them all.
	Counts []uint64
	Sum    float64
}

// Total is the number of observations.
func (h Histogram) Total() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

func (d *distribution) histogram() Histogram {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Histogram{Bounds: d.bounds, Counts: slices.Clone(d.counts), Sum: d.sum}
}
