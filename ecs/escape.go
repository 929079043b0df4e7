package ecs

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"
)

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
	hexDigit = "0123456789abcdef"

	// escapeRoom is what one step of appendEscaped writes at most: eight escaped quotes.
	escapeRoom = 16
)

// AppendString appends s to dst as a JSON string, with its quotes. Control characters, quotes and backslashes are
// escaped as encoding/json does without HTML escaping; bytes that are not UTF-8 become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s)
	return append(dst, '"')
}

// appendEscaped appends the inside of a JSON string. event.original, a JSON text of a thousand bytes and more with a
// quote every ten bytes, is most of what it sees. So it copies eight bytes at a time without asking, and then mends the
// copy where it needs escapes. What is read next does not depend on how many there were, which lets the processor run ahead.
func appendEscaped(dst []byte, s string) []byte {
	dst = slices.Grow(dst, len(s)+len(s)>>3+2*escapeRoom)
	out := dst[:cap(dst)]
	in := unsafe.Slice(unsafe.StringData(s), len(s))
	i, j := 0, len(dst)
words:
	for len(in)-i >= 8 {
		word := binary.LittleEndian.Uint64(in[i:])
		binary.LittleEndian.PutUint64(out[j:], word)
		special := specialBytes(word)
		if special == 0 {
			i, j = i+8, j+8
			continue
		}
		out = room(out, j, len(in)-i)
		done := 0 // bytes of the word that are behind us
		for ; special != 0; special &= special - 1 {
			at := bits.TrailingZeros64(special) >> 3
			j += at - done
			c := byte(word >> (at << 3 & 63))
			if c != '"' && c != '\\' {
				out, i, j = escapeOne(out, s, i+at, j)
				continue words
			}
			done = at + 1
			binary.LittleEndian.PutUint16(out[j:], '\\'|uint16(c)<<8)
			binary.LittleEndian.PutUint64(out[j+2:], word>>(done<<3))
			j += 2
		}
		i, j = i+8, j+8-done
	}
	for i < len(in) {
		if c := in[i]; c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' {
			out[j] = c
			i, j = i+1, j+1
			continue
		}
		out, i, j = escapeOne(out, s, i, j)
	}
	return out[:j]
}

// specialBytes has the high bit set of each byte that cannot be copied as it is: below 0x20, a quote, a backslash, or not
// ASCII. The sums stay within their byte, since only seven bits of each go in.
func specialBytes(word uint64) uint64 {
	const low7 = ^uint64(highBits)
	seven := word & low7
	control := seven + lowBits*(0x80-0x20)
	quote := (seven ^ lowBits*'"') + low7
	slash := (seven ^ lowBits*'\\') + low7
	return (^(control & quote & slash) | word) & highBits
}

// room sees to it that out has space from j on for that many more bytes of input and the escapes of one step.
func room(out []byte, j, more int) []byte {
	if len(out)-j >= more+2*escapeRoom {
		return out
	}
	out = slices.Grow(out[:j], more+more>>1+2*escapeRoom)
	return out[:cap(out)]
}

// escapeOne writes the character at s[i], which needs care, to out[j:]. It keeps room for the rest of s and one more step.
func escapeOne(out []byte, s string, i, j int) ([]byte, int, int) {
	out = room(out, j, len(s)-i)
	switch c := s[i]; {
	case c == '"' || c == '\\':
		out[j], out[j+1] = '\\', c
		return out, i + 1, j + 2
	case c >= utf8.RuneSelf:
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			return out, i + 1, j + copy(out[j:], "\ufffd")
		}
		return out, i + size, j + copy(out[j:], s[i:i+size])
	default:
		return out, i + 1, j + copy(out[j:], controlEscape(c))
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
