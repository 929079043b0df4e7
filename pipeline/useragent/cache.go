package useragent

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

const (
	ways = 8 // places that an agent may have in the cache
	// entryBytes is about what an entry costs beside its key: the answer, the key's header, and versions joined from parts.
	entryBytes = 256
)

// cache remembers answers. A look-up takes no lock and allocates nothing; an insert takes one lock, which is nothing beside the parse before it.
// Each agent has eight places, by its hash. When all are taken, the first goes that was not looked up since the hand last passed, so a flood
// of agents that are seen once does not drive out those that are seen often.
type cache struct {
	seed     maphash.Seed
	sets     []cacheSet
	maxBytes int64

	bytes   atomic.Int64
	entries atomic.Int64
	evicted atomic.Uint64

	mu   sync.Mutex
	hand int // next set to empty when the bytes run over
}

type cacheSet struct {
	tags  [ways]atomic.Uint32 // part of the hash, so that most other places need not be looked into
	slots [ways]atomic.Pointer[cacheEntry]
	hits  atomic.Uint64
	hand  int // guarded by cache.mu
}

type cacheEntry struct {
	key  string
	info Info
	used atomic.Bool
}

func (e *cacheEntry) size() int64 { return int64(len(e.key)) + entryBytes }

// newCache returns nil for a size of 0: a nil cache remembers nothing.
func newCache(size int, maxBytes int64) *cache {
	if size <= 0 {
		return nil
	}
	return &cache{seed: maphash.MakeSeed(), sets: make([]cacheSet, (size+ways-1)/ways), maxBytes: maxBytes}
}

// place returns the set and the tag of a key.
func (c *cache) place(key string) (*cacheSet, uint32) {
	h := maphash.String(c.seed, key)
	// The upper half picks the set (a multiplication instead of a division), the lower half tells keys of a set apart.
	return &c.sets[(h>>32)*uint64(len(c.sets))>>32], uint32(h)
}

// get returns the entry's answer, nil if there is none.
func (c *cache) get(key string) *Info {
	if c == nil {
		return nil
	}
	set, tag := c.place(key)
	for i := range set.tags {
		if set.tags[i].Load() != tag {
			continue
		}
		if e := set.slots[i].Load(); e != nil && e.key == key {
			if !e.used.Load() {
				e.used.Store(true)
			}
			set.hits.Add(1)
			return &e.info
		}
	}
	return nil
}

// put remembers info under key. The cache keeps key itself: it must not be part of a buffer that is used again.
func (c *cache) put(key string, info Info) {
	if c == nil {
		return
	}
	e := &cacheEntry{key: key, info: info}
	if c.maxBytes > 0 && e.size() > c.maxBytes {
		return
	}
	set, tag := c.place(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	at := -1
	for i := range set.slots {
		if old := set.slots[i].Load(); old == nil {
			at = i
		} else if old.key == key {
			return // another worker was quicker
		}
	}
	if at < 0 {
		at = set.victim()
		c.drop(set, at)
	}
	for c.maxBytes > 0 && c.bytes.Load()+e.size() > c.maxBytes {
		c.sweep()
	}
	set.slots[at].Store(e)
	set.tags[at].Store(tag)
	c.bytes.Add(e.size())
	c.entries.Add(1)
}

// victim picks the place of a full set to give away.
func (s *cacheSet) victim() int {
	for {
		i := s.hand
		s.hand = (s.hand + 1) % ways
		if !s.slots[i].Load().used.Swap(false) {
			return i
		}
	}
}

// sweep drops the entries of the next set that were not used since it last came by.
func (c *cache) sweep() {
	set := &c.sets[c.hand]
	c.hand = (c.hand + 1) % len(c.sets)
	for i := range set.slots {
		if e := set.slots[i].Load(); e != nil && !e.used.Swap(false) {
			c.drop(set, i)
		}
	}
}

func (c *cache) drop(set *cacheSet, i int) {
	e := set.slots[i].Swap(nil)
	c.bytes.Add(-e.size())
	c.entries.Add(-1)
	c.evicted.Add(1)
}

func (c *cache) hits() uint64 {
	if c == nil {
		return 0
	}
	var n uint64
	for i := range c.sets {
		n += c.sets[i].hits.Load()
	}
	return n
}
