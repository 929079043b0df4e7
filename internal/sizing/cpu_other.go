//go:build !unix

package sizing

import "time"

var started = time.Now()

// cpuTime is the time on the clock, where the system does not tell that of the processor: figures are then only good on a
// machine that does nothing else.
func cpuTime() time.Duration { return time.Since(started) }
