//go:build !purego

package escape

import "golang.org/x/sys/cpu"

// vectors says that this processor, and its system, can run put: Intel's can since Ice Lake, AMD's since Zen 4.
var vectors = cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VBMI2 &&
	cpu.X86.HasBMI1 && cpu.X86.HasBMI2 && cpu.X86.HasPOPCNT

// put writes key, s with its escapes, and `",`, to a place that has room. written is how much that made without `",`. It stops at a
// control character. state is 0 if all of s was written and is ASCII. Otherwise its lowest bit says that there was a byte
// from 0x80 on in what was written (or near behind it), and the others how many bytes of s are left. key has 64 bytes at most.
//
//go:noescape
func put(dst *byte, key, s string) (written, state int)
