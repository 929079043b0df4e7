package escape

import (
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"

	"github.com/trailbeat/trailbeat/internal/marks"
)

// Two things halved the time that this way takes at first, and both copy before they know whether they may:
//
//   - Nearly all strings need no escapes. copyPlain copies all of it, and looks at the end at what it has seen on the way.
//   - In event.original, appendMarked copies what lies between two escapes in pieces of one size, so that the processor hardly
//     ever has to guess a jump.
//
// Where there are shuffles (SSSE3), spread takes what appendMarked did then: event.original in 0.7 of the time.

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080

	// block is how many bytes are written between two looks at the room for them: as many as a word of marks has bits.
	block = 64
	// piece is how much appendMarked copies at once. Most of what lies between two quotes is shorter.
	piece = 32
)

// appendByWords appends the inside of a JSON string.
func appendByWords(dst []byte, s string) []byte {
	dst = slices.Grow(dst, len(s)+len(behind))
	if copyPlain(unsafe.Pointer(unsafe.SliceData(dst[len(dst):cap(dst)])), s) {
		return dst[:len(dst)+len(s)]
	}
	return appendSpecial(dst, s, spreads)
}

// copyPlain copies s to a place with room for it, and reports whether it may stand there: it is ASCII without a quote, a
// backslash or a control character. What is no whole number of words is covered by words that overlap.
func copyPlain(to unsafe.Pointer, s string) bool {
	from, n := unsafe.Pointer(unsafe.StringData(s)), len(s)
	var seen uint64
	switch {
	case n >= 16:
		last := n - 16
		for i := 0; i < last; i += 16 {
			a, b := word(from, i), word(from, i+8)
			setWord(to, i, a)
			setWord(to, i+8, b)
			if seen = suspect(a) | suspect(b); seen&highBits != 0 {
				return false
			}
		}
		a, b := word(from, last), word(from, last+8)
		setWord(to, last, a)
		setWord(to, last+8, b)
		seen = suspect(a) | suspect(b)
	case n >= 8:
		a, b := word(from, 0), word(from, n-8)
		setWord(to, 0, a)
		setWord(to, n-8, b)
		seen = suspect(a) | suspect(b)
	case n >= 4:
		a, b := *(*uint32)(from), *(*uint32)(unsafe.Add(from, n-4))
		*(*uint32)(to), *(*uint32)(unsafe.Add(to, n-4)) = a, b
		seen = suspect(uint64(a) | uint64(b)<<32)
	default:
		out := unsafe.Slice((*byte)(to), n)
		for i := range n {
			c := s[i]
			out[i] = c
			seen |= suspect(lowBits * uint64(c))
		}
	}
	return seen&highBits == 0
}

// suspect has a high bit set if a byte of the word cannot be copied as it is: one below 0x20, a quote, a backslash, or one
// that is not ASCII. Which of the bytes it is cannot be told from that.
func suspect(w uint64) uint64 {
	return w | (w - lowBits*0x20) | ((w ^ lowBits*'"') - lowBits) | ((w ^ lowBits*'\\') - lowBits)
}

func word(p unsafe.Pointer, i int) uint64       { return *(*uint64)(unsafe.Add(p, i)) }
func setWord(p unsafe.Pointer, i int, w uint64) { *(*uint64)(unsafe.Add(p, i)) = w }

// appendSpecial is appendByWords for strings that are not plain. table is that of spread, or nil where that is not to be used.
func appendSpecial(dst []byte, s string, table *[256][16]byte) []byte {
	var found [span/block + 1]uint64
	var rest [block + piece]byte
	for len(s) > 0 {
		part := s[:spanOf(s)]
		m, ascii := marks.Marks(found[:0]).Of(unsafe.Slice(unsafe.StringData(part), len(part)))
		if !ascii && !utf8.ValidString(part) {
			dst = appendRepaired(dst, part)
			s = s[len(part):]
			continue
		}
		for i := 0; i < len(part); i += block {
			in, n, mask := s[i:], block, m[i/block]
			if table != nil && len(part)-i >= block {
				dst = slices.Grow(dst, 2*block)
				if written := spread(end(dst), unsafe.StringData(in), mask, table); written > 0 {
					dst = dst[:len(dst)+written]
					continue
				}
			}
			if len(part)-i < block {
				n = len(part) - i
				mask &= 1<<n - 1
			}
			if len(in) < len(rest) { // so that a piece may be read from any place of the block
				copy(rest[:], in)
				in = unsafe.String(&rest[0], len(rest))
			}
			dst = appendMarked(dst, in, n, mask)
		}
		s = s[len(part):]
	}
	return dst
}

// spanOf is how many bytes of s are looked at together: not more than span, and no character is cut.
func spanOf(s string) int {
	if len(s) <= span {
		return len(s)
	}
	for n := span; n > span-utf8.UTFMax; n-- {
		if utf8.RuneStart(s[n]) {
			return n
		}
	}
	return span
}

// appendMarked appends the first n bytes of s, at most a block, with an escape for each that mask has a bit for. s goes on
// for a piece behind them.
func appendMarked(dst []byte, s string, n int, mask uint64) []byte {
	dst = slices.Grow(dst, len(`\u0000`)*block+piece)
	in := unsafe.Pointer(unsafe.StringData(s))
	start := unsafe.Pointer(unsafe.SliceData(dst[len(dst):cap(dst)]))
	out := start
	from := 0 // also the character to escape, behind its backslash
	for ; mask != 0; mask &= mask - 1 {
		next := bits.TrailingZeros64(mask)
		copyPiece(out, unsafe.Add(in, from))
		if next-from > piece {
			copyPiece(unsafe.Add(out, piece), unsafe.Add(in, from+piece))
		}
		out = unsafe.Add(out, next-from)
		from = next
		if c := s[next]; c < 0x20 {
			escape := controlEscape(c)
			out = unsafe.Add(out, copy(unsafe.Slice((*byte)(out), len(escape)), escape))
			from++
			continue
		}
		*(*byte)(out) = '\\'
		out = unsafe.Add(out, 1)
	}
	copyPiece(out, unsafe.Add(in, from))
	if n-from > piece {
		copyPiece(unsafe.Add(out, piece), unsafe.Add(in, from+piece))
	}
	return dst[:len(dst)+int(uintptr(out)-uintptr(start))+n-from]
}

// copyPiece copies piece bytes. Arrays of 16 are copied by instructions of that width, which makes event.original a fifth
// cheaper than four words do.
func copyPiece(to, from unsafe.Pointer) {
	type halves struct{ a, b [16]byte }
	*(*halves)(to) = *(*halves)(from)
}
