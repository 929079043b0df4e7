//go:build !purego

package escape

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each mask of a part, in each place, and control characters anywhere.
func TestSpread(t *testing.T) {
	if !canSpread {
		t.Skip("this processor has no SSSE3")
	}
	table := makeSpreads(true)
	r := rand.New(rand.NewPCG(7, 8))
	check := func(s string) {
		t.Helper()
		require.Equal(t, string(appendSpecial(nil, s, nil)), string(appendSpecial(make([]byte, 0, 2*len(s)), s, table)), "%q", s)
	}
	for mask := range 256 {
		for at := range 8 {
			text := []byte("abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789")
			require.Len(t, text, block)
			for i := range 8 {
				if mask>>i&1 == 1 {
					text[8*at+i] = "\"\\"[i&1]
				}
			}
			check(string(text))
		}
	}
	for c := range 256 {
		for at := range block {
			text := []byte(`{"eventSource":"iam.amazonaws.com","eventName":"ListUsers","x":1}`)
			text[at] = byte(c)
			check(string(text))
		}
	}
	for n := range 400 {
		text := make([]byte, n)
		for i := range text {
			text[i] = "\"\\ab"[r.IntN(4)]
		}
		check(string(text))
	}
}
