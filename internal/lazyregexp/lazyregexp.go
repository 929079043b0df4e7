// Package lazyregexp compiles regular expressions when they are used first. Those of all packages took milliseconds and a megabyte at each start of
// the program, of which a run needs a few.
package lazyregexp

import (
	"regexp"
	"sync"
)

// New is meant for variables of packages. What it returns compiles expr at its first call, and gives the same *regexp.Regexp from then on; it panics where
// expr is invalid, and may be called from several goroutines. A test of this package compiles all of them.
func New(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
