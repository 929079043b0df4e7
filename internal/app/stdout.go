package app

import (
	"io"
	"sync/atomic"

	"github.com/trailbeat/trailbeat/internal/terminal"
)

// stdout is standard output that remembers whether its reader has gone. Only that may end a program quietly: a broken
// connection to a server is the same error.
type stdout struct {
	w    io.Writer
	gone atomic.Bool
}

func (s *stdout) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil && isClosedPipe(err) {
		s.gone.Store(true)
	}
	return n, err
}

// isTerminal reports whether a person sees what is written to w.
func isTerminal(w io.Writer) bool {
	if s, ok := w.(*stdout); ok {
		w = s.w
	}
	return terminal.Is(w)
}
