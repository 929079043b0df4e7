// Package sketch counts what is frequent among more names than fit into memory.
//
// Top is the space-saving algorithm of Metwally, Agrawal and El Abbadi (2005): it has a fixed number of counters, and a name that has
// none takes over the smallest. A name that makes up more than 1/capacity of all is always there; a count is never too low,
// and too high by no more than Over. Each Add costs a look into a map and a few steps in a heap. Not safe for concurrent use.
package sketch

import (
	"cmp"
	"slices"
)

// Top has a bounded number of counters. Make it with New.
type Top struct {
	limit int
	total int64
	byKey map[string]*entry
	heap  []*entry // the smallest first
}

type entry struct {
	key         string
	count, over int64
	at          int // in the heap
}

// Count is one counter.
type Count struct {
	Key string
	// Count is never too low, and too high by at most Over.
	Count, Over int64
}

// New makes a Top of at most capacity counters, at least one.
func New(capacity int) *Top {
	capacity = max(capacity, 1)
	return &Top{limit: capacity, byKey: make(map[string]*entry, capacity), heap: make([]*entry, 0, capacity)}
}

// Add counts key n times. The key is copied when it is kept, so the caller may use its bytes again.
func (t *Top) Add(key []byte, n int64) {
	t.total += n
	if e := t.byKey[string(key)]; e != nil { // does not allocate
		e.count += n
		t.down(e.at)
		return
	}
	if len(t.heap) < t.limit {
		e := &entry{key: string(key), count: n, at: len(t.heap)}
		t.heap = append(t.heap, e)
		t.byKey[e.key] = e
		t.up(e.at)
		return
	}
	e := t.heap[0]
	delete(t.byKey, e.key)
	e.key, e.over = string(key), e.count
	e.count += n
	t.byKey[e.key] = e
	t.down(0)
}

// Total is the sum of all that was added.
func (t *Top) Total() int64 { return t.total }

// Reset forgets everything and keeps the memory.
func (t *Top) Reset() {
	t.total = 0
	clear(t.byKey)
	clear(t.heap)
	t.heap = t.heap[:0]
}

// Merge gives the n largest of all sketches together, in order. A name that one of them does not have may have been
// in it with the count of its smallest, which goes into Over.
func Merge(n int, tops ...*Top) []Count {
	sums := map[string]Count{}
	for _, t := range tops {
		for _, e := range t.heap {
			c := sums[e.key]
			c.Key, c.Count, c.Over = e.key, c.Count+e.count, c.Over+e.over
			sums[e.key] = c
		}
	}
	all := make([]Count, 0, len(sums))
	for _, c := range sums {
		for _, t := range tops {
			if t.byKey[c.Key] == nil && len(t.heap) == t.limit {
				c.Count += t.heap[0].count
				c.Over += t.heap[0].count
			}
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Key, b.Key)) })
	return all[:min(n, len(all))]
}

func (t *Top) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if t.heap[parent].count <= t.heap[i].count {
			return
		}
		t.swap(i, parent)
		i = parent
	}
}

func (t *Top) down(i int) {
	for {
		least := i
		for _, child := range [...]int{2*i + 1, 2*i + 2} {
			if child < len(t.heap) && t.heap[child].count < t.heap[least].count {
				least = child
			}
		}
		if least == i {
			return
		}
		t.swap(i, least)
		i = least
	}
}

func (t *Top) swap(i, j int) {
	t.heap[i], t.heap[j] = t.heap[j], t.heap[i]
	t.heap[i].at, t.heap[j].at = i, j
}
