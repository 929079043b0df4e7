// Package tape parses one JSON value into a flat list of nodes that points into the text, without building maps.
//
// It reads as the cluster's JSON processor reads: exactly one value, no duplicate keys, at most MaxDepth levels. While it
// parses it works out what the mapping asks of every node again and again: whether it is empty in the sense of the
// mapping (Pruned), the hash code that Java gives its key (which decides the order of members in the string forms), and
// whether its text can be copied as it stands.
//
// A Tape is reused from record to record and allocates nothing once it has grown. It is not safe for concurrent use.
// The text given to Parse must not change while the nodes are in use.
package tape

import (
	"unsafe"

	"github.com/trailbeat/trailbeat/internal/marks"
)

// Kind is the JSON type of a node.
type Kind uint8

// The kinds. Numbers keep apart what Java keeps apart: integers, and numbers with a fraction or an exponent.
const (
	Null Kind = iota
	False
	True
	Int
	Float
	String
	Object
	Array
)

const (
	flagEscaped uint8 = 1 << iota // the string holds a backslash
	flagPruned                    // null, "", "-", "none", or a container with nothing but these
	flagDirty                     // a container whose text is not its compact, pruned form
)

// None is the index of no node. It is zero, so that a struct of indexes begins with nothing found.
const None int32 = 0

// MaxDepth is how deep containers may nest, as in the JSON parser of the cluster.
const MaxDepth = 1000

// node is one value. Children follow their container directly; next leads past all of them.
type node struct {
	start, end uint32 // strings: between the quotes; others: the whole token
	key        int32  // number of the known key; elements have that of their array
	next       int32
	count      int32 // members of an object, elements of an array
	kind       Kind
	flags      uint8
}

// Tape holds the nodes of one parsed value.
type Tape struct {
	src     []byte
	nodes   []node // the first stands for None, the second is the root
	marks   marks.Marks
	known   knownKeys
	open    []frame
	objects uint64  // objects opened so far, in all texts
	stack   []int32 // of AppendJava
	order   orderer
	seen    keySet
}

// Source is the text that was parsed: src itself, or a copy with U+FFFD for each byte that is not UTF-8.
func (t *Tape) Source() []byte { return t.src }

// Root is the index of the outermost value, None where the text was empty or blank.
func (t *Tape) Root() int32 {
	if len(t.nodes) < 2 {
		return None
	}
	return 1
}

// Kind of node i.
func (t *Tape) Kind(i int32) Kind { return t.nodes[i].kind }

// Is reports whether node i exists and is of kind k.
func (t *Tape) Is(i int32, k Kind) bool { return i != None && t.nodes[i].kind == k }

// Pruned reports whether node i is nothing to the mapping: null, "", "-", "none", or a container that holds only these.
func (t *Tape) Pruned(i int32) bool { return t.nodes[i].flags&flagPruned != 0 }

// Len is the number of members or elements of container i, pruned ones included.
func (t *Tape) Len(i int32) int { return int(t.nodes[i].count) }

// First is the first child of container i, pruned or not; None where there is none.
func (t *Tape) First(i int32) int32 {
	if t.nodes[i].count == 0 {
		return None
	}
	return i + 1
}

// Next is the node after child within its container i; None after the last.
func (t *Tape) Next(i, child int32) int32 {
	n := t.nodes[child].next
	if n >= t.nodes[i].next {
		return None
	}
	return n
}

// Key of the member at node i. It lives as long as the text that was parsed.
func (t *Tape) Key(i int32) string { return t.known.at(t.nodes[i].key).text }

func (t *Tape) hash(i int32) uint32 { return t.known.at(t.nodes[i].key).hash }

// Number stands for the keys that lead to member i from the root: the same number for the same keys, in all texts with the
// same Generation. False for keys that are not remembered. Elements of arrays count as their array.
func (t *Tape) Number(i int32) (n int, ok bool) {
	n = int(t.nodes[i].key)
	return n, n < maxKnown
}

// Generation changes when all keys are forgotten, and so get new numbers.
func (t *Tape) Generation() int { return t.known.generation }

// Member finds the member of object i by its key, unless it is pruned. None for anything that is not there, and where i
// is None or no object.
func (t *Tape) Member(i int32, key string) int32 {
	if t.nodes[i].kind != Object {
		return None
	}
	end := t.nodes[i].next
	for c := i + 1; c < end; c = t.nodes[c].next {
		if t.Key(c) == key {
			if t.nodes[c].flags&flagPruned != 0 {
				return None
			}
			return c
		}
	}
	return None
}

// Path follows keys from object i.
func (t *Tape) Path(i int32, keys ...string) int32 {
	for _, key := range keys {
		if i = t.Member(i, key); i == None {
			return None
		}
	}
	return i
}

// Raw is the text of node i as it stands in the source; a string without its quotes.
func (t *Tape) Raw(i int32) []byte { return t.src[t.nodes[i].start:t.nodes[i].end] }

// Escaped reports whether string i holds escapes, so that Raw is not its text.
func (t *Tape) Escaped(i int32) bool { return t.nodes[i].flags&flagEscaped != 0 }

// AppendText appends the text of string i, unescaped.
func (t *Tape) AppendText(dst []byte, i int32) []byte {
	if t.nodes[i].flags&flagEscaped == 0 {
		return append(dst, t.Raw(i)...)
	}
	return appendUnescaped(dst, t.Raw(i))
}

// view is b as a string, without a copy. b must not change while the string lives.
func view(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}
