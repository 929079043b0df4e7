//go:build !amd64

package marks

import "unsafe"

// mark sets dst to the marks of so many blocks of 64 bytes, and gives the high bits of all bytes in any order.
func mark(dst *uint64, src *byte, blocks int) (high uint64) {
	from, to := unsafe.Slice((*[64]byte)(unsafe.Pointer(src)), blocks), unsafe.Slice(dst, blocks)
	for i := range from {
		m, h := mark64(&from[i])
		to[i], high = m, high|h
	}
	return high
}
