package geoip

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
)

const ways = 8 // places that an address may have in the cache

// cache remembers answers without a lock. Each address has eight places, by its hash; when all are taken, the first goes that was not looked up
// since the hand last passed. Two inserts at once may overwrite each other, which costs a look-up later and nothing else.
type cache struct {
	seed maphash.Seed
	sets []cacheSet
}

type cacheSet struct {
	slots [ways]atomic.Pointer[cacheEntry]
	hand  atomic.Uint32
}

type cacheEntry struct {
	key  [16]byte
	info Info
	used atomic.Bool
}

// newCache returns nil for a size of 0: a nil cache remembers nothing.
func newCache(size int) *cache {
	if size <= 0 {
		return nil
	}
	return &cache{seed: maphash.MakeSeed(), sets: make([]cacheSet, (size+ways-1)/ways)}
}

// cacheKey has IPv4 in its mapped form, so that every address has one key.
func cacheKey(ip netip.Addr) [16]byte { return ip.As16() }

func (c *cache) set(key *[16]byte) *cacheSet {
	h := maphash.Bytes(c.seed, key[:])
	return &c.sets[(h>>32)*uint64(len(c.sets))>>32]
}

func (c *cache) get(key *[16]byte) *Info {
	if c == nil {
		return nil
	}
	set := c.set(key)
	for i := range set.slots {
		if e := set.slots[i].Load(); e != nil && e.key == *key {
			if !e.used.Load() {
				e.used.Store(true)
			}
			return &e.info
		}
	}
	return nil
}

func (c *cache) put(key *[16]byte, info Info) {
	if c == nil {
		return
	}
	e := &cacheEntry{key: *key, info: info}
	set := c.set(key)
	for i := range set.slots {
		if set.slots[i].CompareAndSwap(nil, e) {
			return
		}
	}
	for range 2 * ways { // at the second round at the latest one is unused, unless others look up meanwhile: then it is the last one's turn
		i := set.hand.Add(1) % ways
		if old := set.slots[i].Load(); !old.used.Swap(false) {
			set.slots[i].Store(e)
			return
		}
	}
	set.slots[set.hand.Add(1)%ways].Store(e)
}
