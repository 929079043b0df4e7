package elasticsearch

import (
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trailbeat/trailbeat/ecs"
)

// The action create finds a document only in the index that it writes to. When a data stream has rolled over, the same _id
// would be stored once more. What follows keeps it out, exactly, and costs nothing for documents that are new.
//
//  1. Before a request: a record that came into being after the write index can be in no earlier one. So a document whose
//     time (Meta.Dated) is later than the creation of the write index, with a margin for clocks, is sent as ever. Of the
//     others, an earlier index is asked only if it still took documents at the record's time, by the same argument. The
//     question is a realtime multi get, which finds what was acknowledged, refreshed or not; for indices that settled
//     long ago it is one search for all of them (settled.go). What is found is a duplicate.
//  2. After a request: the answer says which index took each document. While that is the write index that 1. relied on,
//     nothing happened in between. Else the data stream rolled over, and what lies in the new index is looked for in those
//     that 1. did not see. Where it is there, the newer copy is removed, on the condition that it is still the one that
//     was seen. The oldest copy is never removed, so that two who do this at the same time lose nothing.
//  3. Until 2. has ended, the document is not delivered. If the program dies before, it comes again, and 1. finds both
//     copies and removes the newer.
//
// Two writers of the same record side by side: each stores first and looks then. The state of the data stream is renewed
// before the look, and a writer that was answered from the old index compares the state after its answer. So at least one
// of the two sees the other's copy.

// futureMargin is how far a record's time may be ahead of the clock here before it is not believed.
const futureMargin = rolloverMargin

// rolled is a document that is stored where its stream was not known to write to.
type rolled struct {
	event         int
	stream, index string
	// created says that the request stored it, and not one before.
	created bool
}

// name is the data stream or index that an event goes to.
func (w *write) name(event int) string {
	if name := w.events[event].Meta.Index; name != "" {
		return name
	}
	return w.index
}

// suspects are the events of one data stream that may be stored in an earlier index.
type suspects struct {
	events []int
	from   []int
}

// latestBelieved is the last second of which a record may state to be.
func latestBelieved() string { return time.Now().Add(futureMargin).UTC().Format(secondsLayout) }

// first is the first index that an event may be stored in.
func (s *stream) first(ev *ecs.Event, latest string) int {
	if !ev.Meta.Dated || ev.Timestamp > latest {
		return 0
	}
	return s.from(ev.Timestamp)
}

// lookUp finds the events that are stored in earlier backing indices.
func (w *write) lookUp() error {
	if !w.deduplicates() {
		return nil
	}
	w.seen = map[string]*stream{}
	var doubtful map[string]*suspects
	var last string
	var s *stream
	latest := latestBelieved()
	for i, ev := range w.events {
		if name := w.name(i); name != last || i == 0 {
			last = name
			known := false
			if s, known = w.seen[name]; !known {
				if checkIndexName(name) != nil {
					s = nil
					continue // refused later on
				}
				var err error
				if s, err = w.stream(w.ctx, name); err != nil {
					return err
				}
				w.seen[name] = s
			}
		}
		if s == nil || len(s.until) == 0 || ev.Meta.ID == "" || len(ev.Meta.ID) > maxID {
			continue
		}
		from := s.first(ev, latest)
		if from == len(s.until) {
			continue
		}
		if doubtful == nil {
			doubtful = map[string]*suspects{}
		}
		d := doubtful[last]
		if d == nil {
			d = &suspects{}
			doubtful[last] = d
		}
		d.events, d.from = append(d.events, i), append(d.from, from)
	}
	for name, d := range doubtful {
		if err := w.lookUpIn(name, d); err != nil {
			return err
		}
	}
	return nil
}

// lookUpIn settles the suspects of one data stream that are stored. It renews the list of indices where one of them is gone,
// as happens with those that are moved to another tier or past their retention.
func (w *write) lookUpIn(name string, d *suspects) error {
	s := w.seen[name]
	for try := 0; ; try++ {
		found, err := w.findCopies(s, d, len(s.indices)-1)
		if isGone(err) && try < 3 {
			if s, err = w.refresh(w.ctx, name); err != nil || s == nil {
				return err
			}
			w.seen[name] = s
			for i, event := range d.events {
				d.from[i] = s.first(w.events[event], latestBelieved())
			}
			continue
		}
		if err != nil {
			return w.blindOr(err)
		}
		if len(found) == 0 {
			return nil
		}
		// What is found may lie in the write index as well, where a run died in step 2.
		there := &suspects{}
		for _, event := range d.events {
			if len(found[event]) > 0 {
				there.events, there.from = append(there.events, event), append(there.from, len(s.indices)-1)
			}
		}
		newer, err := w.findCopies(s, there, len(s.indices))
		if err != nil && !isGone(err) {
			return w.blindOr(err)
		}
		for event, copies := range newer {
			found[event] = append(found[event], copies...)
		}
		if err := w.removeNewer(found); err != nil {
			return err
		}
		if w.known == nil {
			w.known = make([]bool, len(w.events))
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for event := range found {
			w.known[event] = true
			w.settle(event)
			w.done.Duplicate++
		}
		return nil
	}
}

// blindOr hides an error for want of rights, unless the deduplication is required.
func (w *write) blindOr(err error) error {
	if denied := deniedBy(err); denied != nil {
		return w.mayNotLook(w.ctx, "read", denied)
	}
	return err
}

// lookups side by side of one Write.
const lookups = 4

// findCopies looks for each suspect in the indices from its own first one up to the position to, that one excluded.
func (w *write) findCopies(s *stream, d *suspects, to int) (map[int][]copyOf, error) {
	var mu sync.Mutex
	found := map[int][]copyOf{}
	searched, err := w.searchSettled(s, d, to, found)
	if err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(w.ctx)
	group.SetLimit(lookups)
	for position := searched; position < to; position++ {
		index := s.indices[position]
		var events []int
		for i, event := range d.events {
			if d.from[i] <= position {
				events = append(events, event)
			}
		}
		for chunk := range slices.Chunk(events, lookupSize) {
			group.Go(func() error {
				copies, err := w.multiGet(ctx, index, chunk, func(event int) string { return w.events[event].Meta.ID })
				mu.Lock()
				defer mu.Unlock()
				for i, c := range copies {
					if c.found {
						c.position, c.index = position, index
						found[chunk[i]] = append(found[chunk[i]], c)
					}
				}
				return err
			})
		}
	}
	err = group.Wait()
	return found, err
}

// rolloverCheck prepares the look at the items of one answer.
func (w *write) rolloverCheck() rolloverCheck {
	return rolloverCheck{w: w, on: w.seen != nil && w.deduplicates()}
}

// rolloverCheck tells the documents that a rollover may have doubled.
type rolloverCheck struct {
	w        *write
	on       bool
	name     string
	expected string
	changed  bool
}

func (c *rolloverCheck) astray(it *item, d *doc) bool {
	if !c.on || it.index == nil || c.w.events[d.event].Meta.ID == "" {
		return false
	}
	if d.index != c.name {
		seen := c.w.seen[d.index]
		now, _ := c.w.streams.get(d.index)
		c.name, c.expected, c.changed = d.index, "", now != seen
		if seen != nil {
			c.expected = seen.last()
		}
	}
	if string(it.index) == c.expected && !c.changed {
		return false
	}
	return !c.w.streams.isForeign(string(it.index))
}

// afterRollover is step 2 for the documents of one answer.
func (w *write) afterRollover(astray []rolled) {
	byStream := map[string][]rolled{}
	for _, r := range astray {
		byStream[r.stream] = append(byStream[r.stream], r)
	}
	for name, docs := range byStream {
		if err := w.afterRolloverOf(name, docs); err != nil {
			w.fail(err)
		}
	}
}

func (w *write) afterRolloverOf(name string, docs []rolled) error {
	s, err := w.currentFor(name, docs)
	if err != nil {
		return err
	}
	kept := map[int]string{}
	if s != nil && len(s.indices) > 1 {
		first := 0
		if before := w.seen[name]; before != nil {
			first = max(slices.Index(s.indices, before.last()), 0)
		}
		d := &suspects{}
		for _, r := range docs {
			if slices.Contains(s.indices, r.index) {
				d.events, d.from = append(d.events, r.event), append(d.from, first)
			}
		}
		found, err := w.findCopies(s, d, len(s.indices))
		if isGone(err) {
			w.streams.forget(name) // look anew with the next Write
		}
		if err != nil {
			if err = w.blindOr(err); err != nil {
				return err
			}
			found = nil
		}
		if err := w.removeNewer(found); err != nil {
			return err
		}
		for event, copies := range found {
			kept[event] = copies[0].index
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range docs {
		if index, moved := kept[r.event]; r.created && (!moved || index == r.index) {
			w.done.Stored++
		} else {
			w.done.Duplicate++
		}
		w.settle(r.event)
	}
	return nil
}

// currentFor is the state of the data stream that knows the indices which the documents went to.
func (w *write) currentFor(name string, docs []rolled) (*stream, error) {
	s, _ := w.streams.get(name)
	for try := 0; ; try++ {
		unknown := ""
		for _, r := range docs {
			if s == nil || !slices.Contains(s.indices, r.index) {
				if !w.streams.isForeign(r.index) {
					unknown = r.index
				}
			}
		}
		if unknown == "" {
			return s, nil
		}
		if try > 0 {
			w.streams.addForeign(unknown)
			w.log.WarnContext(w.ctx, "documents of a data stream go to another index; there they are deduplicated by that index alone",
				"data_stream.name", name, "elasticsearch.index", unknown)
			continue
		}
		var err error
		if s, err = w.refresh(w.ctx, name); err != nil {
			return nil, err
		}
		if !w.deduplicates() {
			return nil, nil
		}
		if s != nil && len(s.indices) > 1 {
			w.log.InfoContext(w.ctx, "data stream rolled over", "data_stream.name", name, "elasticsearch.index", s.last())
		}
	}
}
