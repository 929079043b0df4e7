//go:build !amd64 || purego

package marks

// HasStructure says whether this machine can make a Structure quicker than one goes from token to token.
func HasStructure() bool { return false }

func wideStructure() bool { return false }

func structure(*Block, *byte, int, *carry, bool) { panic("marks: no structure on this machine") }
