//go:build !purego

package marks

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// What this processor can do. Vectors of 64 bytes are used where they do not make it slower for a while, as they do before
// Ice Lake (VBMI2).
var (
	avx512 = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI2 && cpu.X86.HasBMI2
	avx2   = cpu.X86.HasAVX2
)

// mark sets dst to the marks of n bytes, and the rest of its last word: of n/64+1 words. high is not 0 if one of the bytes is
// 0x80 or more.
func mark(dst *uint64, src *byte, n int) (high uint64) {
	if avx512 {
		return mark512(dst, src, n)
	}
	return markBlocks(dst, src, n, avx2)
}

func markBlocks(dst *uint64, src *byte, n int, avx2 bool) (high uint64) {
	blocks := n >> 6
	if blocks > 0 && avx2 {
		high = mark256(dst, src, blocks)
	} else if blocks > 0 {
		high = mark128(dst, src, blocks)
	}
	var tail [64]byte // zeros are marked
	copy(tail[:], unsafe.Slice(src, n)[n&^63:])
	return high | mark128((*uint64)(unsafe.Add(unsafe.Pointer(dst), blocks*8)), &tail[0], 1)
}

// mark512 is mark with vectors of 64 bytes, and without a copy of the tail.
//
//go:noescape
func mark512(dst *uint64, src *byte, n int) (high uint64)

// mark256 sets dst to the marks of so many blocks of 64 bytes, at least one, by AVX2.
//
//go:noescape
func mark256(dst *uint64, src *byte, blocks int) (high uint64)

// mark128 is mark256 by what every amd64 processor has (SSE2). It takes a sixth of the time of mark64.
//
//go:noescape
func mark128(dst *uint64, src *byte, blocks int) (high uint64)
