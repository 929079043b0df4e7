//go:build !amd64 || purego

package escape

const vectors = false

func put(*byte, string, string) (read, written int, high uint64) {
	panic("escape: vectors on a machine without them")
}
