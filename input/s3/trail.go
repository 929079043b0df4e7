package s3

import (
	"encoding/json"
	"strings"
	"time"
)

// maxOdd bounds the keys of one scope that have no place in time.
const maxOdd = 10_000

// trail is the cursor of a scope: keys whose order is that of time, by the minute, but for those that come late.
//
// Everything before low is done and never listed again. Behind it the done objects are remembered by their hashes. low
// moves up to where a listing has come, but stays behind the time of that listing by the lookback: a file that shows up
// later than its name says, by the lookback at most, is still behind low then. Open objects hold it back.
type trail struct {
	scope
	window
	lookback time.Duration
	recent   time.Duration // the part of the lookback that each listing covers
	sweep    time.Duration // how often a listing covers all of it

	low, seen time.Time
	mixed     bool // names of which the time is not known were seen: low stands at the start of a day
	done      hashes
	dirty     bool

	open      map[string]mark
	listing   bool      // one was begun and has not come to its end
	full      bool      // it began at low
	after     string    // the key that it has come to
	limit     time.Time // how far low may go by what the full listing has seen
	stuck     bool      // limit cannot rise any more in this listing
	lastFull  time.Time
	oldest    time.Time // nothing before it is read in this listing
	overflows int       // odd keys that could not be remembered
}

// mark is where an open object stands.
type mark struct {
	t    time.Time
	hour int64
}

func newTrail(s scope, w window, lookback time.Duration) *trail {
	return &trail{
		scope: s, window: w, lookback: lookback, recent: min(lookback, time.Hour), sweep: time.Hour,
		done: newHashes(), open: make(map[string]mark),
	}
}

func (c *trail) begin(now time.Time, all bool) (string, bool) {
	c.oldest = c.since(now)
	c.overflows = 0
	if c.listing && (c.full || !all) {
		return c.after, true // it broke off: go on
	}
	// A step back of the clock must not put off the next look at all.
	c.full = all || c.lastFull.IsZero() || now.Sub(c.lastFull) >= c.sweep || now.Before(c.lastFull)
	c.listing, c.stuck, c.limit = true, false, c.low
	from := c.low
	if !c.full {
		if t := c.seen.Add(-c.recent); t.After(from) {
			from = t
		}
	}
	if c.oldest.After(from) {
		from = c.oldest
	}
	c.after = ""
	if !from.IsZero() {
		// Before a name was seen nobody knows that the names are as expected.
		c.after = c.position(from, !c.mixed && !c.seen.IsZero())
	}
	if c.full {
		c.lastFull = now
	}
	return c.after, true
}

func (c *trail) visit(page []object, at time.Time, last bool) []object {
	var wanted []object
	var end time.Time
	for _, o := range page {
		if o.Key <= c.after {
			continue // a server that does not know StartAfter
		}
		c.after = o.Key
		t, exact, ok := c.timeOf(o.Key)
		if ok && t.After(at.Add(24*time.Hour)) {
			ok = false // a name from the future would leave everything before it behind
		}
		m := mark{t: t, hour: hourOf(t)}
		if !ok {
			m = mark{hour: odd}
		} else {
			if !exact && !c.mixed {
				c.mixed, c.dirty = true, true
			}
			if t.After(c.seen) {
				c.seen, c.dirty = t, true
			}
			end = t
			if !exact {
				t = t.Add(24*time.Hour - 1)
			}
			if t.Before(c.oldest) {
				continue
			}
		}
		if strings.HasSuffix(o.Key, "/") && o.Size == 0 || c.done.has(m.hour, sum(o.Key)) {
			continue
		}
		if _, ok := c.open[o.Key]; ok {
			continue
		}
		if !ok && len(c.done.parts[odd]) >= maxOdd {
			c.overflows++
			continue
		}
		c.open[o.Key] = m
		wanted = append(wanted, o)
	}
	if c.full && !c.stuck {
		c.raise(end, at.Add(-c.lookback), last)
	}
	if last {
		c.listing = false
	}
	c.advance()
	return wanted
}

// raise sets how far low may go: to the end of the page, or to where keys could still come late.
func (c *trail) raise(end, safe time.Time, last bool) {
	if end.IsZero() && !last {
		return
	}
	limit := end
	if last || safe.Before(end) {
		limit, c.stuck = safe, true
	}
	if limit.After(c.limit) {
		c.limit = limit
	}
}

// advance moves low. Nothing that is open is passed.
func (c *trail) advance() {
	low := c.limit
	for _, m := range c.open {
		if m.t.Before(low) {
			low = m.t
		}
	}
	low = low.UTC().Truncate(time.Minute)
	if c.mixed {
		low = low.Truncate(24 * time.Hour)
	}
	if low.After(c.low) {
		c.low, c.dirty = low, true
		c.done.dropBefore(hourOf(low))
	}
}

func (c *trail) settle(key string) {
	m, ok := c.open[key]
	if !ok {
		return
	}
	delete(c.open, key)
	c.done.add(m.hour, sum(key))
	c.advance()
}

func (c *trail) abandon(list []object) {
	for _, o := range list {
		delete(c.open, o.Key)
	}
	// low must not pass them: the next listing is a full one and begins where low is now.
	c.limit, c.stuck, c.listing, c.lastFull = c.low, true, false, time.Time{}
}

// trailState is what is stored of a scope, beside the hashes.
type trailState struct {
	// Low is the time before which everything is done, Seen that of the newest name.
	Low  time.Time `json:"low,omitzero"`
	Seen time.Time `json:"seen,omitzero"`
	// Mixed says that there are names of which the time is not known.
	Mixed bool `json:"mixed,omitempty"`
}

func (c *trail) key() string { return "trail/" + c.prefix }

func (c *trail) changes(into map[string]any) {
	if c.dirty {
		into[c.key()] = trailState{Low: c.low, Seen: c.seen, Mixed: c.mixed}
		c.dirty = false
	}
	c.done.changes(c.key()+partMark, into)
}

// partMark stands between the key of a cursor and the name of a part. It is in no prefix that a scope can have.
const partMark = "#"

func (c *trail) load(name string, value json.RawMessage) error {
	if part, ok := strings.CutPrefix(name, partMark); ok {
		return c.done.loadJSON(part, value)
	}
	var s trailState
	if err := json.Unmarshal(value, &s); err != nil {
		return err
	}
	c.low, c.seen, c.mixed = s.Low, s.Seen, s.Mixed
	return nil
}

func (h hashes) loadJSON(name string, value json.RawMessage) error {
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return err
	}
	return h.load(name, text)
}

func (c *trail) stateSize() int { return c.done.len() }
