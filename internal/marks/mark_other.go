//go:build !amd64 || purego

package marks

import "unsafe"

// mark sets dst to the marks of n bytes, and the rest of its last word: of n/64+1 words. high is not 0 if one of the bytes is
// 0x80 or more.
func mark(dst *uint64, src *byte, n int) (high uint64) {
	text, to := unsafe.Slice(src, n), unsafe.Slice(dst, n>>6+1)
	for i := range to[:n>>6] {
		m, h := mark64((*[64]byte)(text[i<<6:]))
		to[i], high = m, high|h
	}
	var tail [64]byte // zeros are marked
	copy(tail[:], text[n&^63:])
	m, h := mark64(&tail)
	to[n>>6] = m
	return high | h
}
