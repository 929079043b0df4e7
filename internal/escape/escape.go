// Package escape writes texts as strings of JSON. Strings are what a document is made of: writing them was a quarter of the whole
// mapping when each word was tested on its own. Half of that is event.original, a JSON text with something to escape every ten
// bytes.
//
// Control characters, quotes and backslashes are escaped as encoding/json does without HTML escaping; bytes that are not UTF-8
// become U+FFFD. There are two ways to write the same: put, in vectors of 64 bytes, for processors that have what it takes, and
// words of 8 bytes for all others.
package escape

import (
	"slices"
	"unicode/utf8"
	"unsafe"
)

const (
	// span is how many bytes are looked at before they are written, or written between two looks at the room for them. Nearly
	// all records are shorter.
	span = 2048
	// maxKey is how many bytes of a key put takes.
	maxKey = 64
	// behind is what stands behind a member.
	behind = `",`
)

// Append appends s as a JSON string, with its quotes.
func Append(dst []byte, s string) []byte {
	dst = Member(dst, `"`, s)
	return dst[:len(dst)-1]
}

// Member appends key as it stands, s with its escapes, a quote and a comma. So key brings its own quotes, the colon, and the
// quote that opens s.
func Member(dst []byte, key, s string) []byte {
	if !vectors || len(key) > maxKey || cap(dst)-len(dst) < room(len(key), len(s)) {
		return member(dst, key, s)
	}
	written, state := put(end(dst), key, s)
	if state == 0 {
		return dst[:len(dst)+written+len(behind)]
	}
	dst = appendRest(dst[:len(dst)+written], len(dst)+len(key), s, len(s)-state>>1, state)
	return append(dst, behind...)
}

// member is Member for all cases that are no usual ones.
func member(dst []byte, key, s string) []byte {
	dst = append(dst, key...)
	if vectors {
		dst = appendRest(dst, len(dst), s, 0, 0)
	} else {
		dst = appendByWords(dst, s)
	}
	return append(dst, behind...)
}

// appendRest appends what put has left of s, which begins at start. It left that behind the first read bytes, with that state.
func appendRest(dst []byte, start int, s string, read, state int) []byte {
	for read < len(s) {
		if c := s[read]; c < 0x20 {
			dst = append(dst, controlEscape(c)...)
			read++
			continue
		}
		part := s[read:min(len(s), read+span)]
		dst = slices.Grow(dst, room(0, len(part)))
		written, now := put(end(dst), "", part)
		dst = dst[:len(dst)+written]
		read += len(part) - now>>1
		state |= now
	}
	if state&1 != 0 && !utf8.ValidString(s) {
		return appendRepaired(dst[:start], s)
	}
	return dst
}

// room is how much put writes at most: a backslash for each byte, and the two stores of its last step behind that.
func room(key, s int) int { return key + 2*s + 2*64 + len(behind) }

// end is the place behind dst. There must be room.
func end(dst []byte) *byte {
	return (*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(dst)), len(dst)))
}

// appendRepaired is for text that is not all UTF-8: each byte that is not becomes U+FFFD.
func appendRepaired(dst []byte, s string) []byte {
	for i, r := range s {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, controlEscape(c)...)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

func controlEscape(c byte) string {
	switch c {
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	const all = `\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\u0009\u000a\u000b\u000c\u000d\u000e\u000f` +
		`\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f`
	return all[6*c : 6*c+6]
}
