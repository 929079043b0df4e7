package bench

import (
	"runtime"

	"golang.org/x/sys/cpu"
)

// Processor names what the code chooses its instructions by. The limit does not follow it, so ratios of different ones cannot be compared.
func Processor() string {
	x := &cpu.X86
	switch {
	case x.HasAVX512VBMI2 && x.HasAVX512VL && x.HasAVX512BW:
		return runtime.GOARCH + " with AVX-512 VBMI2"
	case x.HasAVX2:
		return runtime.GOARCH + " with AVX2"
	}
	return runtime.GOARCH
}
