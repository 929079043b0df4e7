package tape

// Who called, and how the connection was protected, are objects of a few hundred bytes that come again in record after record: nine of ten
// are byte for byte one of the last eight. So a Tape can keep the texts and the nodes of the last objects below some keys of the record.
// Where the bytes at hand begin with one of these texts, its nodes are copied and not made anew. With userIdentity and tlsDetails, which
// are three tenths of the reference data, parsing and mapping a record take 0.95 of what they take without. Where nothing comes again they
// would take 1.07, so what is found pays for what is not: without credit, one object of eight is looked for and kept.

// RepeatPlaces is how many objects of one key are kept.
const RepeatPlaces = 8

const (
	repeatWays = RepeatPlaces
	// What is longer, or has more nodes, is not kept: 2 keys with 8 objects each take 57 KB at most.
	maxRepeatText  = 2 << 10
	maxRepeatNodes = 64
	// A copied object saves about half as much again as a search in vain costs.
	creditOfCopy = 2
	mostCredit   = 32
	triedAnyway  = 8 // one of so many
)

// repeats are the objects below one key.
type repeats struct {
	name    string
	credit  int
	without int  // objects since it ran out
	trying  bool // the object that is open was looked for, so it is to be kept

	order [repeatWays]uint8 // of kept, the one that was met last first
	kept  [repeatWays]repeat
	node  int32 // the object of the text at hand, None for none, with its place in kept
	place uint8
	which uint64 // its number, 0 where it is not kept
}

// repeat is one object.
type repeat struct {
	text       []byte
	nodes      []node // as if the text stood at byte 0, and its first node were number 0
	depth      int    // containers around the one that it stands in: nesting is limited
	generation int    // of the keys
	number     uint64
}

// Repeat says which members of the outermost object are objects that come again. It is called before the first Parse.
func (t *Tape) Repeat(keys ...string) {
	for _, key := range keys {
		r := &repeats{name: key, credit: mostCredit}
		for i := range r.order {
			r.order[i] = uint8(i)
		}
		t.known.repeats = append(t.known.repeats, r)
	}
}

// Repeated gives object i a number, where it is the value of one of the keys that were given to Repeat. Objects of equal numbers are equal in
// every byte, and so are their nodes, counted from the object. The number 0 says nothing. place is below RepeatPlaces: what a caller
// keeps for an object below the same key is no longer of use once another number comes in its place.
func (t *Tape) Repeated(i int32) (place int, number uint64) {
	if i == None {
		return 0, 0
	}
	if r := t.known.at(t.nodes[i].key).repeats; r != nil && r.node == i {
		return int(r.place), r.which
	}
	return 0, 0
}

// repeatedAt appends to nodes, and so sets, those of the tape, if an object of this key comes again at p.
func (t *Tape) repeatedAt(p int, key int32, nodes []node) (end int, ok bool) {
	r := t.known.at(key).repeats
	if r == nil || p >= len(t.src) || t.src[p] != '{' || !r.worth() {
		return p, false
	}
	t.nodes = nodes
	return t.copyRepeated(r, p)
}

// worth reports whether the next object is to be looked for.
func (r *repeats) worth() bool {
	r.trying = true
	if r.credit == 0 {
		r.without++
		r.trying = r.without%triedAnyway == 0
	}
	return r.trying
}

// copyRepeated appends the nodes of the object at p, where one of r begins the text there.
func (t *Tape) copyRepeated(r *repeats, p int) (end int, ok bool) {
	rest := t.src[p:]
	for k, at := range r.order {
		o := &r.kept[at]
		size := len(o.text)
		if size == 0 || size > len(rest) || string(rest[:size]) != string(o.text) {
			continue
		}
		if o.depth != len(t.open) || o.generation != t.known.generation {
			continue
		}
		copy(r.order[1:k+1], r.order[:k])
		r.order[0] = at
		r.credit = min(r.credit+creditOfCopy, mostCredit)
		first := len(t.nodes)
		r.node, r.place, r.which = int32(first), at, o.number
		t.nodes = append(t.nodes, o.nodes...)
		copied := t.nodes[first:]
		for i := range copied {
			n := &copied[i]
			n.start += uint32(p)
			n.end += uint32(p)
			n.next += int32(first)
		}
		return p + size, true
	}
	r.credit = max(r.credit-1, 0)
	return p, false
}

// keep keeps object i, which ends here and is none of r, in the place of the one that was not met for the longest time.
func (t *Tape) keep(r *repeats, i int32) {
	r.node, r.which = i, 0
	if !r.trying {
		return
	}
	nodes := t.nodes[i:]
	from := nodes[0].start
	text := t.src[from:nodes[0].end]
	if len(text) > maxRepeatText || len(nodes) > maxRepeatNodes {
		return
	}
	for n := range nodes {
		if nodes[n].key >= maxKnown {
			return // means something in this text only
		}
	}
	at := r.order[repeatWays-1]
	copy(r.order[1:], r.order[:repeatWays-1])
	r.order[0] = at
	o := &r.kept[at]
	o.text = append(o.text[:0], text...)
	o.nodes = append(o.nodes[:0], nodes...)
	for n := range o.nodes {
		o.nodes[n].start -= from
		o.nodes[n].end -= from
		o.nodes[n].next -= i
	}
	t.known.kept++
	o.depth, o.generation, o.number = len(t.open)-1, t.known.generation, t.known.kept
	r.place, r.which = at, o.number
}

// repeatsOf are the objects that are kept below this member of the outermost object, nil for any other.
func (k *knownKeys) repeatsOf(parent int32, text []byte) *repeats {
	if parent != 0 {
		return nil
	}
	for _, r := range k.repeats {
		if r.name == string(text) {
			return r
		}
	}
	return nil
}
