package tape

import (
	"slices"
	"unicode/utf8"
)

// hashKey is java.lang.String.hashCode: over UTF-16 code units, h = 31*h + unit, in 32 bits.
func hashKey(key []byte) uint32 {
	var h uint32
	for i, c := range key {
		if c >= utf8.RuneSelf {
			return hashRunes(h, key[i:])
		}
		h = 31*h + uint32(c)
	}
	return h
}

func hashRunes(h uint32, key []byte) uint32 {
	for _, r := range string(key) {
		if r >= 0x10000 {
			r -= 0x10000
			h = 31*h + uint32(0xd800+r>>10)
			r = 0xdc00 + r&0x3ff
		}
		h = 31*h + uint32(r)
	}
	return h
}

// orderer holds what Ordered needs from call to call.
type orderer struct {
	counts []int32
	sorted []int32
}

// Ordered appends the members of object i that are not pruned, in the order in which java.util.HashMap iterates over
// them: by bucket, and within a bucket in the order of the text. The number of buckets follows from all members, pruned
// ones included, as the map has grown before they were taken out.
func (t *Tape) Ordered(dst []int32, i int32) []int32 {
	mask := uint32(t.capacity(i) - 1)
	from := len(dst)
	end := t.nodes[i].next
	if mask == 15 {
		// Most objects are small: insert each member into place.
		for c := i + 1; c < end; c = t.nodes[c].next {
			if t.nodes[c].flags&flagPruned != 0 {
				continue
			}
			b := spread(t.hash(c)) & 15
			at := len(dst)
			dst = append(dst, c)
			for at > from && spread(t.hash(dst[at-1]))&15 > b {
				dst[at] = dst[at-1]
				at--
			}
			dst[at] = c
		}
		return dst
	}
	for c := i + 1; c < end; c = t.nodes[c].next {
		if t.nodes[c].flags&flagPruned == 0 {
			dst = append(dst, c)
		}
	}
	slices.SortStableFunc(dst[from:], func(a, b int32) int {
		return int(spread(t.hash(a))&mask) - int(spread(t.hash(b))&mask)
	})
	return dst
}

// spread is how HashMap folds the upper half of a hash code into the lower.
func spread(h uint32) uint32 { return h ^ h>>16 }

// capacity is the number of buckets that a HashMap has after the members of object i were put into it.
func (t *Tape) capacity(i int32) int {
	if t.nodes[i].count <= smallObject {
		return 16
	}
	t.order.sorted = t.order.sorted[:0]
	for c := i + 1; c < t.nodes[i].next; c = t.nodes[c].next {
		t.order.sorted = append(t.order.sorted, int32(spread(t.hash(c))))
	}
	return t.order.capacity(t.order.sorted)
}

// capacity puts keys with these spread hash codes into a table one by one. The table doubles when it is three quarters
// full, and also, while it has fewer than 64 buckets, with each key that comes as the ninth or later into one bucket:
// HashMap makes trees only of tables of 64 and more.
func (o *orderer) capacity(hashes []int32) int {
	size := 16
	o.counts = append(o.counts[:0], make([]int32, 64)...)
	for n, h := range hashes {
		if size < 64 {
			b := int(h) & (size - 1)
			if o.counts[b]++; o.counts[b] > 8 {
				size *= 2
				o.recount(hashes[:n+1], size)
			}
		}
		if n+1 > size*3/4 {
			size *= 2
			o.recount(hashes[:n+1], size)
		}
	}
	return size
}

func (o *orderer) recount(hashes []int32, size int) {
	if size >= 64 {
		return
	}
	clear(o.counts)
	for _, h := range hashes {
		o.counts[int(h)&(size-1)]++
	}
}

// OrderOf appends the positions of distinct keys in the order in which a HashMap iterates over them after it was filled
// with them one by one.
func (t *Tape) OrderOf(dst []int32, keys [][]byte) []int32 {
	t.order.sorted = t.order.sorted[:0]
	for _, key := range keys {
		t.order.sorted = append(t.order.sorted, int32(spread(hashKey(key))))
	}
	mask := int32(t.order.capacity(t.order.sorted) - 1)
	from := len(dst)
	for i := range keys {
		dst = append(dst, int32(i))
	}
	slices.SortStableFunc(dst[from:], func(a, b int32) int {
		return int(t.order.sorted[a]&mask) - int(t.order.sorted[b]&mask)
	})
	return dst
}
