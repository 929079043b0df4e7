package s3

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// ordered is the cursor of a prefix whose user says that keys are written in their order: it lists behind the last keys
// and remembers so many of them by name that a key which comes a little late is found.
type ordered struct {
	prefix string
	window
	keep int

	low   string   // all up to it is settled
	keys  []string // the settled ones behind it, in order
	dirty bool

	open    map[string]struct{}
	listing bool
	visited string
	oldest  time.Time
}

func newOrdered(prefix string, w window, keep int) *ordered {
	return &ordered{prefix: prefix, window: w, keep: keep, open: make(map[string]struct{})}
}

func (c *ordered) begin(now time.Time, _ bool) (string, bool) {
	c.oldest = c.since(now)
	if !c.listing {
		c.listing, c.visited = true, c.low
	}
	return c.visited, true
}

func (c *ordered) visit(page []object, _ time.Time, last bool) []object {
	var wanted []object
	for _, o := range page {
		if o.Key <= c.visited {
			continue
		}
		c.visited = o.Key
		_, known := slices.BinarySearch(c.keys, o.Key)
		_, open := c.open[o.Key]
		if known || open || o.Modified.Before(c.oldest) || strings.HasSuffix(o.Key, "/") && o.Size == 0 {
			continue
		}
		c.open[o.Key] = struct{}{}
		wanted = append(wanted, o)
	}
	if last {
		c.listing = false
	}
	c.trim()
	return wanted
}

func (c *ordered) settle(key string) {
	if _, ok := c.open[key]; !ok {
		return
	}
	delete(c.open, key)
	if at, found := slices.BinarySearch(c.keys, key); !found {
		c.keys, c.dirty = slices.Insert(c.keys, at, key), true
	}
	c.trim()
}

func (c *ordered) abandon(list []object) {
	for _, o := range list {
		delete(c.open, o.Key)
	}
	c.listing, c.visited = true, c.low
}

// trim moves low over the oldest settled keys, but over none that is open, and over none that this listing has still to
// come to.
func (c *ordered) trim() {
	for len(c.keys) > c.keep {
		first := c.keys[0]
		if c.listing && first > c.visited {
			return
		}
		for key := range c.open {
			if key < first {
				return
			}
		}
		c.low, c.keys, c.dirty = first, c.keys[1:], true
	}
}

// orderedState is what is stored.
type orderedState struct {
	Low  string   `json:"low,omitempty"`
	Keys []string `json:"keys,omitempty"`
}

func (c *ordered) key() string { return "ordered/" + c.prefix }

func (c *ordered) changes(into map[string]any) {
	if c.dirty {
		into[c.key()] = orderedState{Low: c.low, Keys: slices.Clone(c.keys)}
		c.dirty = false
	}
}

func (c *ordered) load(_ string, value json.RawMessage) error {
	var s orderedState
	if err := json.Unmarshal(value, &s); err != nil {
		return err
	}
	c.low, c.keys = s.Low, s.Keys
	return nil
}

func (c *ordered) stateSize() int { return len(c.keys) }
