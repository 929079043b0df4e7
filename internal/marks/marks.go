// Package marks finds where the strings of a JSON text end, for those who cut and parse it.
//
// Strings are most of a record, and where each ends cannot be foreseen by the processor: a search from byte to byte, or
// from word to word, guesses wrong once a string. So the text is looked at once, in steps of 64 bytes that are the same for
// all, and each byte that ends a run of plain text gets a bit: quotes, backslashes, control characters. After that, the end
// of a string is the next bit.
package marks

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Marks has a bit for each byte of a text: the lowest of the first word is that of the first byte.
type Marks []uint64

// Of appends the marks of text to m[:0]. Everything behind the last byte is marked, at least one bit of it. ascii says that
// there is no byte from 0x80 on.
func (m Marks) Of(text []byte) (marks Marks, ascii bool) {
	words := len(text)>>6 + 1
	if cap(m) < words {
		m = make(Marks, words+words/2)
	}
	m = m[:words]
	return m, mark(&m[0], unsafe.SliceData(text), len(text)) == 0
}

// Next is the position of the first mark at p or behind it: the length of the text or more if there is none within it. p
// is not behind the length of the text.
//
// It looks at the 64 bytes from p on, and so into two words: whether the next mark is in the same word as p cannot be foreseen
// by the processor, whether there is one in 64 bytes nearly always. Where there is no second word, the first has a mark.
func (m Marks) Next(p int) int {
	i := p >> 6
	if w := m[i]>>(p&63) | m[min(i+1, len(m)-1)]<<1<<(^p&63); w != 0 {
		return p + bits.TrailingZeros64(w)
	}
	return m.after(p >> 6)
}

func (m Marks) after(at int) int {
	for {
		at++
		if m[at] != 0 {
			return at<<6 + bits.TrailingZeros64(m[at])
		}
	}
}

const (
	ones  = 0x0101010101010101
	low7  = 0x7f7f7f7f7f7f7f7f
	highs = 0x8080808080808080
)

// mark64 gives the marks of 64 bytes, and their high bits in any order.
func mark64(b *[64]byte) (m, high uint64) {
	for i := 0; i < 64; i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		high |= w & highs
		m |= mark8(w) << i
	}
	return m, high
}

// mark8 has a bit for each byte of w. The sums stay within their byte, since only seven bits of each go in.
func mark8(w uint64) uint64 {
	seven := w & low7
	control := seven + (0x80-0x20)*ones // has the high bit from 0x20 on
	quote := (seven ^ '"'*ones) + low7  // ... unless the byte is a quote
	slash := (seven ^ '\\'*ones) + low7
	marked := ^(control&quote&slash | w) & highs
	return marked >> 7 * 0x0102040810204080 >> 56
}
