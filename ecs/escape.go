package ecs

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"
)

// Strings are what a document is made of: writing them was a quarter of the whole mapping when each word was tested on its
// own. Two things halved that, and both copy before they know whether they may:
//
//   - Nearly all strings need no escapes. copyPlain copies all of it, and looks at the end at what it has seen on the way.
//   - event.original is a JSON text with something to escape every ten bytes. appendMasked copies what lies between these in
//     pieces of one size, so that the processor hardly ever has to guess a jump.
//
// What is left (control characters, text that is not ASCII) goes character by character.

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
	hexDigit = "0123456789abcdef"

	// block is how many bytes appendSpecial looks at together: as many as a mask has bits.
	block = 64
	// piece is how much appendMasked copies at once. Most of what lies between two quotes is shorter.
	piece = 32
)

// AppendString appends s to dst as a JSON string, with its quotes. Control characters, quotes and backslashes are
// escaped as encoding/json does without HTML escaping; bytes that are not UTF-8 become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s)
	return append(dst, '"')
}

// appendEscaped appends the inside of a JSON string. Behind it there is room for two bytes more.
func appendEscaped(dst []byte, s string) []byte {
	dst = slices.Grow(dst, len(s)+2)
	if copyPlain(unsafe.Pointer(unsafe.SliceData(dst[len(dst):cap(dst)])), s) {
		return dst[:len(dst)+len(s)]
	}
	return appendSpecial(dst, s)
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

// appendSpecial is appendEscaped for strings that are not plain.
func appendSpecial(dst []byte, s string) []byte {
	var rest [block + piece]byte
	for i := 0; i < len(s); {
		dst = slices.Grow(dst, 2*block+piece)
		in, n := s[i:], block
		if len(in) < len(rest) { // the end of a string is copied to where a piece may be read from any place of the block
			n = min(n, len(in))
			for at := copy(rest[:], in); at < block; at++ {
				rest[at] = ' '
			}
			in = text(rest[:])
		}
		if mask, ok := quotes(in); ok {
			dst = appendMasked(dst, in, n, mask)
			i += n
			continue
		}
		for end := i + n; i < end; { // the last character may reach beyond
			dst, i = escapeOne(dst, s, i)
		}
	}
	return dst
}

// quotes has a bit set for each quote and backslash of the block that s begins with. It is not ok where there is something
// else that cannot be copied as it is.
func quotes(s string) (mask uint64, ok bool) {
	in := unsafe.Slice(unsafe.StringData(s[:block]), block)
	var seen uint64
	for i := 0; i < block; i += 8 {
		w := binary.LittleEndian.Uint64(in[i:])
		seen |= w | (w - lowBits*0x20)
		// A sum keeps its high bit clear only where the byte is equal. That holds for ASCII, and the rest is seen.
		const low7 = ^uint64(highBits)
		found := ^(((w ^ lowBits*'"') + low7) & ((w ^ lowBits*'\\') + low7)) & highBits
		mask |= found * 0x02040810204081 >> 56 << i // one bit for each byte
	}
	return mask, seen&highBits == 0
}

// appendMasked appends n bytes with a backslash before each that mask has a bit for. There must be room for them and one
// piece more, and s must have a piece more, too.
func appendMasked(dst []byte, s string, n int, mask uint64) []byte {
	in := unsafe.Pointer(unsafe.StringData(s))
	start := unsafe.Pointer(unsafe.SliceData(dst[len(dst):cap(dst)]))
	out := start
	from := 0
	for ; mask != 0; mask &= mask - 1 {
		next := bits.TrailingZeros64(mask)
		copyPiece(out, unsafe.Add(in, from))
		if next-from > piece {
			copyPiece(unsafe.Add(out, piece), unsafe.Add(in, from+piece))
		}
		out = unsafe.Add(out, next-from)
		*(*byte)(out) = '\\'
		out = unsafe.Add(out, 1)
		from = next
	}
	copyPiece(out, unsafe.Add(in, from))
	if n-from > piece {
		copyPiece(unsafe.Add(out, piece), unsafe.Add(in, from+piece))
	}
	return dst[:len(dst)+int(uintptr(out)-uintptr(start))+n-from]
}

// copyPiece copies piece bytes.
func copyPiece(to, from unsafe.Pointer) {
	type words struct{ a, b, c, d uint64 }
	*(*words)(to) = *(*words)(from)
}

// escapeOne appends the character at s[i], and gives the place of the next.
func escapeOne(dst []byte, s string, i int) ([]byte, int) {
	switch c := s[i]; {
	case c == '"' || c == '\\':
		return append(dst, '\\', c), i + 1
	case c >= utf8.RuneSelf:
		r, size := utf8.DecodeRuneInString(s[i:])
		return utf8.AppendRune(dst, r), i + size // one that is no UTF-8 is U+FFFD
	case c < 0x20:
		return append(dst, controlEscape(c)...), i + 1
	default:
		return append(dst, c), i + 1
	}
}

func controlEscape(c byte) []byte {
	switch c {
	case '\b':
		return []byte(`\b`)
	case '\f':
		return []byte(`\f`)
	case '\n':
		return []byte(`\n`)
	case '\r':
		return []byte(`\r`)
	case '\t':
		return []byte(`\t`)
	}
	return []byte{'\\', 'u', '0', '0', hexDigit[c>>4], hexDigit[c&15]}
}
