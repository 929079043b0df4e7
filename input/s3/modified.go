package s3

import (
	"encoding/json"
	"strings"
	"time"
)

// modified is the cursor of a prefix whose keys are in no order: each pass lists all of it, and what is new shows by the time of its last
// change.
//
// Everything that was changed before low is done. What was changed later is remembered by its hash (key, ETag, time). low
// moves when a pass is complete: to the server's time at its start, less the lookback. Within a pass, what is older than that is
// remembered by the place that the pass has come to, so that the first pass over a large bucket needs no memory either.
type modified struct {
	prefix string
	window
	lookback time.Duration

	low   time.Time
	start time.Time // of the pass; zero between two
	place string    // all before it, and itself, is settled in this pass
	done  hashes
	dirty bool

	visited string
	ended   bool
	queue   []*visit // open objects in the order of the keys, and settled ones between them
	open    map[string]*visit
	oldest  time.Time
}

// visit is an object that was handed out.
type visit struct {
	object
	before  string // the key that was visited before it
	settled bool
}

func newModified(prefix string, w window, lookback time.Duration) *modified {
	return &modified{prefix: prefix, window: w, lookback: lookback, done: newHashes(), open: make(map[string]*visit)}
}

func (c *modified) begin(now time.Time, all bool) (string, bool) {
	c.oldest = c.since(now)
	if c.ended {
		return "", false
	}
	if c.visited == "" && !all {
		// A pass that broke off goes on. What came behind its place since then is for the next one, but with all there is none.
		c.visited = c.place
	}
	return c.visited, true
}

func (c *modified) visit(page []object, at time.Time, last bool) []object {
	if c.start.IsZero() {
		c.start, c.dirty = at, true
	}
	var wanted []object
	for _, o := range page {
		if o.Key <= c.visited {
			continue
		}
		before := c.visited
		c.visited = o.Key
		switch {
		case o.Modified.Before(c.low), o.Modified.Before(c.oldest):
		case o.Key <= c.place && o.Modified.Before(c.start.Add(-c.lookback)): // done before this pass broke off
		case strings.HasSuffix(o.Key, "/") && o.Size == 0:
		case c.done.has(hourOf(o.Modified), o.identity()):
		case c.open[o.Key] != nil:
		default:
			v := &visit{object: o, before: before}
			c.open[o.Key] = v
			c.queue = append(c.queue, v)
			wanted = append(wanted, o)
		}
	}
	c.ended = last
	c.advance()
	return wanted
}

func (o object) identity() uint64 {
	return sum(o.Key, o.ETag, o.Modified.UTC().Format(time.RFC3339Nano))
}

func (c *modified) settle(key string) {
	v := c.open[key]
	if v == nil {
		return
	}
	delete(c.open, key)
	v.settled = true
	if !v.Modified.Before(c.start.Add(-c.lookback)) {
		c.done.add(hourOf(v.Modified), v.identity())
	}
	c.advance()
}

func (c *modified) abandon(list []object) {
	if len(list) == 0 {
		return
	}
	first := c.open[list[0].Key]
	for _, o := range list {
		delete(c.open, o.Key)
	}
	for i, v := range c.queue {
		if v == first {
			c.queue = c.queue[:i]
			break
		}
	}
	c.visited, c.ended = first.before, false
	c.advance()
}

func (c *modified) advance() {
	for len(c.queue) > 0 && c.queue[0].settled {
		c.queue = c.queue[1:]
	}
	place := c.visited
	if len(c.queue) > 0 {
		place = c.queue[0].before
	} else if c.ended {
		if low := c.start.Add(-c.lookback); low.After(c.low) {
			c.low = low
			c.done.dropBefore(hourOf(low))
		}
		c.start, c.visited, c.ended, place = time.Time{}, "", false, ""
	}
	if c.start.IsZero() || place > c.place {
		c.place, c.dirty = place, true
	}
}

// modifiedState is what is stored, beside the hashes.
type modifiedState struct {
	// Low is the time before which every change is done.
	Low time.Time `json:"low,omitzero"`
	// Start and Place belong to a pass that is under way.
	Start time.Time `json:"pass_start,omitzero"`
	Place string    `json:"pass_place,omitempty"`
}

func (c *modified) key() string { return "modified/" + c.prefix }

func (c *modified) changes(into map[string]any) {
	if c.dirty {
		into[c.key()] = modifiedState{Low: c.low, Start: c.start, Place: c.place}
		c.dirty = false
	}
	c.done.changes(c.key()+partMark, into)
}

func (c *modified) load(name string, value json.RawMessage) error {
	if part, ok := strings.CutPrefix(name, partMark); ok {
		return c.done.loadJSON(part, value)
	}
	var s modifiedState
	if err := json.Unmarshal(value, &s); err != nil {
		return err
	}
	c.low, c.start, c.place = s.Low, s.Start, s.Place
	return nil
}

func (c *modified) stateSize() int { return c.done.len() }
