package records

import (
	"math/bits"

	"github.com/trailbeat/trailbeat/internal/marks"
)

const (
	// windowBlocks is how many blocks of 64 bytes are made at once: three usual records.
	windowBlocks = 64
	// maxLevels is how deep what blocks go through may nest.
	maxLevels = 60
	// maxWait is how much of a record is read again, from its start, when more of it is there.
	maxWait = 4 << 10
)

// blocks finds the end of records in compact JSON, as nearly all are, without going from token to token: what can be checked for
// 64 bytes at once is, and of single tokens it only looks at the scalars, and at brackets where arrays are open or the end may
// be near. Reading takes four fifths of the time that it takes with scanner.scan, unpacking left out. All else, faults included,
// is left to the scanner, which says what is wrong.
type blocks struct {
	able  bool // this machine has what it takes
	lexer marks.Structure
	made  []marks.Block
	base  int // where made starts in the data. The owner moves it along with the buffer
	// active says that the record at hand was not given to the scanner, and seen is how much of it was there when its end was last
	// looked for, 0 for not yet.
	active bool
	seen   int
}

func (k *blocks) begin() {
	if k.able = marks.HasStructure(); k.able && k.made == nil {
		k.made = make([]marks.Block, 0, windowBlocks)
	}
	k.made, k.active = k.made[:0], false
}

// wait reports whether the object of which the data has so many bytes, and not the end, is better looked at again with more data
// than given to the scanner: once, and where it is no large one. limit is that of records: what is longer is not waited for.
func (k *blocks) wait(seen, limit int) bool {
	again := k.seen == 0 || k.seen == seen
	k.seen = seen
	return again && seen <= min(maxWait, limit)
}

// more makes the blocks that follow. It reports false where the data has no whole one left.
func (k *blocks) more(b []byte) bool {
	k.base += 64 * len(k.made)
	k.made = k.made[:k.lexer.Blocks(k.made[:windowBlocks], b[k.base:])]
	return len(k.made) > 0
}

// end gives the index after the object at b[i], which stands outside of all strings. It is done, or there is more of it than the
// data has, or it is broken or cannot be told.
func (k *blocks) end(b []byte, i int) (int, verdict) {
	if i < k.base || i >= k.base+64*len(k.made) {
		k.lexer, k.base, k.made = marks.Structure{}, i, k.made[:0]
		if !k.more(b) {
			return i, more
		}
	}
	at := (i - k.base) >> 6
	from := ^uint64(0) << ((i - k.base) & 63) // what belongs to the object
	first := from & -from                     // its first byte, which follows something else
	if k.made[at].Open&first == 0 {
		return i, broken
	}
	depth, arrays := 0, uint64(0) // arrays has a bit for each level, the innermost lowest: set for an array
	for {
		m, end := &k.made[at], uint64(0)
		if inner := bits.OnesCount64(m.Close & from); arrays|m.Square&from == 0 && depth > inner && depth < maxLevels {
			if m.Element&from != 0 {
				return i, broken
			}
			depth += bits.OnesCount64(m.Open&from) - inner
		} else {
			if depth, arrays, end = brackets(m, from, first, depth, arrays); depth < 0 {
				return i, broken
			}
			if end != 0 {
				from &= end<<1 - 1
			}
		}
		start := k.base + at<<6
		if m.Wrong&from&^first != 0 || m.Scalar&from != 0 && !scalars(b, start, m.Scalar&from) {
			return i, broken
		}
		if end != 0 {
			return start + bits.TrailingZeros64(end) + 1, done
		}
		from, first = ^uint64(0), 0
		if at++; at == len(k.made) {
			if at = 0; !k.more(b) {
				return i, more
			}
		}
	}
}

// brackets goes through those of a block that belong to an object, with what it left open before, which is what is given back, and
// the bit of the bracket at which it ends, 0 if it does not. The depth is negative where something cannot stand where it does.
func brackets(m *marks.Block, from, first uint64, depth int, arrays uint64) (int, uint64, uint64) {
	for left := (m.Open | m.Close) & from; ; left &= left - 1 {
		bit := left & -left
		here := from & (bit<<1 - 1) // up to the bracket; all that is left where there is none
		if bit == 0 {
			here = from
		}
		from &^= here
		if arrays&1 != 0 && m.Colon&here != 0 || arrays&1 == 0 && m.Element&here&^first != 0 {
			return -1, 0, 0
		}
		square := uint64(0)
		if m.Square&bit != 0 {
			square = 1
		}
		switch {
		case bit == 0:
			return depth, arrays, 0
		case m.Open&bit != 0:
			if depth >= maxLevels {
				return -1, 0, 0
			}
			depth++
			arrays = arrays<<1 | square
		case arrays&1 != square:
			return -1, 0, 0
		default:
			arrays >>= 1
			if depth--; depth == 0 {
				return 0, 0, bit
			}
		}
	}
}

// scalars reports whether those of a block that starts at b[start] are numbers and literals, and nothing else.
func scalars(b []byte, start int, at uint64) bool {
	for ; at != 0; at &= at - 1 {
		p := start + bits.TrailingZeros64(at)
		if literal(b[p:]) > 0 {
			continue
		}
		end := p
		for end < len(b) && scalarByte(b[end]) {
			end++
		}
		if end == p || end == len(b) || b[end] != ',' && b[end] != '}' && b[end] != ']' || !validScalar(b[p:end]) {
			return false
		}
	}
	return true
}
