//go:build !purego

package marks

import "golang.org/x/sys/cpu"

// HasStructure says whether this machine can make a Structure quicker than one goes from token to token.
func HasStructure() bool { return cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasPCLMULQDQ }

// wideStructure says that a block is compared at once, and not in two halves.
func wideStructure() bool { return avx512 }

// structure sets so many blocks from dst on to those of the text at src, and c to what they leave to the next.
//
//go:noescape
func structure(dst *Block, src *byte, blocks int, c *carry, wide bool)
