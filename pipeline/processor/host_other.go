//go:build !unix

package processor

import "runtime"

func architecture() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

func kernelRelease() string { return "" }
