//go:build unix

package processor

import "golang.org/x/sys/unix"

func uname() (machine, release string) {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return "", ""
	}
	return unix.ByteSliceToString(name.Machine[:]), unix.ByteSliceToString(name.Release[:])
}

// architecture as the kernel says it, such as x86_64.
func architecture() string {
	machine, _ := uname()
	return machine
}

func kernelRelease() string {
	_, release := uname()
	return release
}
