//go:build !amd64 || purego

package escape

const vectors = false

var spreads *[256][16]byte

func spread(*byte, *byte, uint64, *[256][16]byte) int {
	panic("escape: shuffles on a machine without them")
}

func put(*byte, string, string) (written, state int) {
	panic("escape: vectors on a machine without them")
}
