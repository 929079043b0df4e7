//go:build !purego

package escape

import "golang.org/x/sys/cpu"

// canSpread says that this processor can run spread.
var canSpread = cpu.X86.HasSSSE3 && cpu.X86.HasPOPCNT

// spreads is the table of spread where put cannot be used: the row of a mask has for each place of what is written where it comes
// from, 0 to 7, or 8, where a backslash is. Nil: spread is not used.
var spreads = makeSpreads(canSpread && !vectors)

func makeSpreads(wanted bool) *[256][16]byte {
	if !wanted {
		return nil
	}
	var table [256][16]byte
	for mask := range table {
		at := 0
		for i := range 8 {
			if mask>>i&1 == 1 {
				table[mask][at] = 8
				at++
			}
			table[mask][at] = byte(i)
			at++
		}
	}
	return &table
}

// spread copies 64 bytes, with a backslash before each that mask has a bit for, to a place with room for 128: in parts of 8, each by
// one shuffle (SSSE3). It does nothing and gives 0 where one of the bytes is a control character, of which not all have
// such escapes.
//
//go:noescape
func spread(dst, src *byte, mask uint64, table *[256][16]byte) (written int)
