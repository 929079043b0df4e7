package tape

// duplicateKey finds a key that object i holds twice. A filter of 64 bits answers for most keys of small objects; large
// ones are put in a table, so that a hostile object costs no more per key than a usual one.
func (t *Tape) duplicateKey(i int32) (key string, twice bool) {
	n := &t.nodes[i]
	if n.count > 64 {
		return t.seen.duplicate(t, i)
	}
	var filter uint64
	for c := i + 1; c < n.next; c = t.nodes[c].next {
		bit := uint64(1) << (t.hash(c) * 0x9e3779b1 >> 26)
		if filter&bit != 0 {
			for d := i + 1; d < c; d = t.nodes[d].next {
				if t.sameKey(c, d) {
					return t.Key(c), true
				}
			}
		}
		filter |= bit
	}
	return "", false
}

func (t *Tape) sameKey(a, b int32) bool {
	return t.nodes[a].key == t.nodes[b].key || t.hash(a) == t.hash(b) && t.Key(a) == t.Key(b)
}

// keySet is an open hash table of member nodes, reused.
type keySet struct{ slots []int32 }

func (s *keySet) duplicate(t *Tape, i int32) (key string, twice bool) {
	size := 256
	for size < 2*int(t.nodes[i].count) {
		size *= 2
	}
	if cap(s.slots) < size {
		s.slots = make([]int32, size)
	}
	s.slots = s.slots[:size]
	clear(s.slots)
	for c := i + 1; c < t.nodes[i].next; c = t.nodes[c].next {
		// The code of Java alone is easily made to collide, so the length and both ends of the key go in as well.
		k := t.Key(c)
		h := t.hash(c) ^ fnv(k)
		for at := int(h*0x9e3779b1) & (size - 1); ; at = (at + 1) & (size - 1) {
			if s.slots[at] == 0 { // no member is node 0
				s.slots[at] = c
				break
			}
			if t.sameKey(c, s.slots[at]) {
				return t.Key(c), true
			}
		}
	}
	return "", false
}

func fnv(k string) uint32 {
	h := uint32(2166136261)
	for i := range len(k) {
		h = (h ^ uint32(k[i])) * 16777619
	}
	return h
}
