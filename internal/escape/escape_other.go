//go:build !amd64 || purego

package escape

const vectors = false

func put(*byte, string, string) (written, state int) {
	panic("escape: vectors on a machine without them")
}
