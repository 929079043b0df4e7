//go:build !unix

package monitor

import "time"

// CPUTime is what the process has used: user and system. Not known here.
func CPUTime() (user, system time.Duration) { return 0, 0 }
