//go:build !purego

package marks

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// All that this processor can do does the same as mark64, for each length and nothing but bytes that are marked or nearly so.
func TestWaysAreTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	kinds := []byte("\"\\\x00\x1f \x7f\x80\x9f\xa0\xa2\xdc\xffabc!#[]")
	ways := map[string]func(*uint64, *byte, int) uint64{
		"SSE2": func(dst *uint64, src *byte, n int) uint64 { return markBlocks(dst, src, n, false) },
	}
	if avx2 {
		ways["AVX2"] = func(dst *uint64, src *byte, n int) uint64 { return markBlocks(dst, src, n, true) }
	}
	if avx512 {
		ways["AVX-512"] = mark512
	}
	for n := 1; n < 400; n++ {
		text := make([]byte, n, n+1)
		ascii := n%2 == 0
		for i := range text {
			if text[i] = kinds[r.IntN(len(kinds))]; ascii {
				text[i] &= 0x7f
			}
		}
		want, wantHigh := make([]uint64, n>>6+1), uint64(0)
		for i := range want {
			var b [64]byte
			copy(b[:], text[i<<6:])
			m, high := mark64(&b)
			want[i], wantHigh = m, wantHigh|high
		}
		for name, way := range ways {
			got := make([]uint64, len(want)+1)
			high := way(&got[0], &text[0], n)
			require.Equal(t, append(want[:len(want):len(want)], 0), got, "%s of %q", name, text)
			require.Equal(t, wantHigh != 0, high != 0, "%s of %q", name, text)
		}
	}
}
