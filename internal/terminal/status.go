package terminal

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// How often a status is shown.
const (
	// redrawEvery is the pause between two pictures of the line of a terminal.
	redrawEvery = 200 * time.Millisecond
	// plainEvery is the pause between two lines where there is no terminal. Runs that are shorter say nothing.
	plainEvery = 30 * time.Second
)

// Status is one line at the end of what is written, that is drawn again and again: on a terminal in its place, elsewhere as a line
// of its own now and then. Other lines are written through Writer, so that the two never mix. Safe for concurrent use. A nil
// Status shows nothing.
type Status struct {
	out   io.Writer
	live  bool
	width func() int

	mu     sync.Mutex
	shown  bool // the line is on the terminal
	last   string
	stop   chan struct{}
	ending sync.WaitGroup
}

// NewStatus makes a Status for out. It is live where out is a terminal that moves its cursor.
func NewStatus(out io.Writer) *Status {
	return &Status{out: out, live: Is(out) && !Dumb(), width: func() int { w, _ := Size(out); return w }}
}

// Writer gives a writer of whole lines to w, which is the Status's terminal under this or another name: the status line makes way
// for them. Where nothing is drawn in place, it is w.
func (s *Status) Writer(w io.Writer) io.Writer {
	if s == nil || !s.live {
		return w
	}
	return &besides{s, w}
}

type besides struct {
	s *Status
	w io.Writer
}

func (b *besides) Write(p []byte) (int, error) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.s.wipe()
	n, err := b.w.Write(p)
	// What is no whole line would be wiped with the status: the next picture shows it again.
	if len(p) > 0 && p[len(p)-1] == '\n' {
		b.s.draw(b.s.last)
	}
	return n, err
}

// Start shows what text says, until Stop. Text is called by one goroutine; where it is empty, nothing is shown.
func (s *Status) Start(text func() string) {
	if s == nil || s.stop != nil {
		return
	}
	stop := make(chan struct{})
	s.stop = stop
	every := plainEvery
	if s.live {
		every = redrawEvery
	}
	s.ending.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				s.show(text())
			}
		}
	})
}

// Stop takes the line away.
func (s *Status) Stop() {
	if s == nil || s.stop == nil {
		return
	}
	close(s.stop)
	s.ending.Wait()
	s.stop = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	s.last = ""
}

func (s *Status) show(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.live {
		if text != "" {
			fmt.Fprintln(s.out, text)
		}
		return
	}
	s.wipe()
	s.last = text
	s.draw(text)
}

// wipe takes the line off the terminal. The lock is held.
func (s *Status) wipe() {
	if s.shown {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.shown = false
	}
}

// draw puts the line there. The last column stays free: some terminals go on to the next line with it. The lock is held.
func (s *Status) draw(text string) {
	if text == "" {
		return
	}
	fmt.Fprint(s.out, Fit(Clean(text), s.width()-1))
	s.shown = true
}
