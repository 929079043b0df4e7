package audit

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"sync/atomic"

	"github.com/trailbeat/trailbeat/input"
)

const (
	// maxRound is how many missing events one repair holds in memory, 16 bytes each. The next round takes the rest.
	maxRound = 4 << 20
	// maxMissingObjects is how many objects are told apart. With more of them a repair reads all objects of the range.
	maxMissingObjects = 1 << 20
)

// Missing are the events that Compare did not find.
type Missing struct {
	a       *Audit
	raws    map[uint64]struct{}
	objects map[uint32]int64 // nil: too many, or not all are known
	count   int64
	taken   atomic.Int64
}

func newMissing(a *Audit) *Missing {
	return &Missing{a: a, raws: map[uint64]struct{}{}, objects: map[uint32]int64{}}
}

// Missing are those of the last Compare.
func (a *Audit) Missing() *Missing { return a.missing }

func (m *Missing) add(e *entry) {
	m.count++
	if len(m.raws) < maxRound {
		m.raws[e.raw] = struct{}{}
	}
	if m.objects == nil {
		return
	}
	if m.objects[e.place]++; len(m.objects) > maxMissingObjects {
		m.objects = nil
	}
}

// Count is how many there are.
func (m *Missing) Count() int64 { return m.count }

// top gives the objects with the most missing events, and how many others there are; -1 where that is not known.
func (m *Missing) top(n int) (list []Named, others int, err error) {
	if m.objects == nil {
		return nil, -1, nil
	}
	type object struct {
		place  uint32
		events int64
	}
	var all []object
	for place, events := range m.objects {
		if place != 0 {
			all = append(all, object{place, events})
		}
	}
	slices.SortFunc(all, func(a, b object) int {
		return cmp.Or(cmp.Compare(b.events, a.events), cmp.Compare(a.place, b.place))
	})
	others = max(len(all)-n, 0)
	for _, o := range all[:min(n, len(all))] {
		name, err := m.a.places.at(o.place)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, Named{name, o.events})
	}
	return list, others, nil
}

// Objects tells by its key or path whether an object holds a missing event. Nil: all are to be read.
func (m *Missing) Objects() (func(name string) bool, error) {
	if m.objects == nil || m.objects[0] > 0 {
		return nil, nil
	}
	names := make(map[string]struct{}, len(m.objects))
	for place := range m.objects {
		name, err := m.a.places.at(place)
		if err != nil {
			return nil, err
		}
		names[objectOf(name)] = struct{}{}
	}
	return func(name string) bool {
		_, ok := names[name]
		return ok
	}, nil
}

// Only is an input that hands out the missing records of another, and no others. It closes the other.
func (m *Missing) Only(in input.Input) input.Input { return &only{Input: in, m: m} }

type only struct {
	input.Input
	m *Missing
}

// Read gives the next batch that holds a missing record.
func (o *only) Read(ctx context.Context) (*input.Batch, error) {
	for {
		b, err := o.Input.Read(ctx)
		if err != nil {
			return nil, err
		}
		kept := b.Records[:0:0]
		for i := range b.Records {
			if _, ok := o.m.raws[maphash.Bytes(o.m.a.seed, b.Records[i].Raw)]; ok {
				kept = append(kept, b.Records[i])
			}
		}
		if len(kept) == 0 {
			b.Ack(nil)
			continue
		}
		o.m.taken.Add(int64(len(kept)))
		b.Records = kept
		return b, nil
	}
}
