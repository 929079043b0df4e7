package logs

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// The bounds of Repeats.
const (
	// window is how long repetitions are held back.
	window = 10 * time.Second
	// mostKinds are told apart at a time; above that the oldest is summed up early.
	mostKinds = 256
	// longestKey bounds what a kind is told apart by, in bytes.
	longestKey = 512
)

// Repeated is the attribute that says how many lines of a kind one stands for, itself among them.
const Repeated = "trailbeat.repeated"

// Repeats is a slog.Handler that writes the first warning or error of a kind at once, and counts those of the same kind in the ten
// seconds after it: the last of them is then written with their number (Repeated). Level, message, the kind of the error and what
// apart names make a kind. Other lines go through. Memory is bounded. Safe for concurrent use.
type Repeats struct {
	next  slog.Handler
	scope string // of WithAttrs and WithGroup
	state *repeats
}

// repeats is what a Repeats shares with those made of it.
type repeats struct {
	kind func(error) string

	mu    sync.Mutex
	open  map[string]*repeat
	order []*repeat // by the end of their windows
	timer *time.Timer
}

// repeat is a kind whose window is open.
type repeat struct {
	key   string
	until time.Time
	count int
	last  slog.Record
	next  slog.Handler
}

// apart reports whether an attribute tells kinds apart: those that come from the configuration, so that there are few.
func apart(name string) bool {
	switch name {
	case "input.id", "error.type", "option", "position", "geoip.option", "processor", "output", "path", "what":
		return true
	}
	return false
}

// NewRepeats puts a Repeats before next. kind gives the kind of the error in error.message, where a line has no error.type; nil: it
// does not matter. Call Flush before what next writes to is closed.
func NewRepeats(next slog.Handler, kind func(error) string) *Repeats {
	return &Repeats{next: next, state: &repeats{kind: kind, open: map[string]*repeat{}}}
}

// Enabled asks the next handler.
func (h *Repeats) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// WithAttrs adds attributes to the lines.
func (h *Repeats) WithAttrs(attrs []slog.Attr) slog.Handler {
	scope := h.scope
	for _, a := range attrs {
		if apart(a.Key) {
			scope += "\x00" + a.Value.String()
		}
	}
	return &Repeats{next: h.next.WithAttrs(attrs), scope: scope, state: h.state}
}

// WithGroup puts what follows into a group.
func (h *Repeats) WithGroup(name string) slog.Handler {
	return &Repeats{next: h.next.WithGroup(name), scope: h.scope + "\x00" + name, state: h.state}
}

// Handle writes the record or counts it.
func (h *Repeats) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return h.next.Handle(ctx, r)
	}
	if h.state.hold(h.key(r), r, h.next) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

// key names the kind of a line.
func (h *Repeats) key(r slog.Record) string {
	parts := []string{r.Level.String(), r.Message, h.scope}
	r.Attrs(func(a slog.Attr) bool {
		if apart(a.Key) {
			parts = append(parts, a.Value.String())
		} else if err, ok := a.Value.Any().(error); ok && a.Key == "error.message" && h.state.kind != nil {
			parts = append(parts, h.state.kind(err))
		}
		return true
	})
	key := strings.Join(parts, "\x00")
	return key[:min(len(key), longestKey)]
}

// hold reports whether a line repeats one that was written, and counts it then.
func (s *repeats) hold(key string, r slog.Record, next slog.Handler) bool {
	now := time.Now()
	s.mu.Lock()
	due := s.take(now, false)
	known := s.open[key]
	if known != nil {
		known.count++
		known.last, known.next = r.Clone(), next
	} else {
		if len(s.order) >= mostKinds {
			due = append(due, s.order[0])
			delete(s.open, s.order[0].key)
			s.order = s.order[1:]
		}
		s.begin(key, now)
	}
	s.arm(now)
	s.mu.Unlock()
	write(due)
	return known != nil
}

// begin opens a window. The lock is held.
func (s *repeats) begin(key string, now time.Time) {
	k := &repeat{key: key, until: now.Add(window)}
	s.open[key] = k
	s.order = append(s.order, k)
}

// take takes out the kinds whose window has ended, or all. The lock is held. One that had repetitions begins a new window with its
// sum, so that what goes on for hours is a line every ten seconds.
func (s *repeats) take(now time.Time, all bool) []*repeat {
	n := 0
	for n < len(s.order) && (all || !now.Before(s.order[n].until)) {
		n++
	}
	due := s.order[:n:n]
	s.order = append([]*repeat(nil), s.order[n:]...)
	for _, k := range due {
		delete(s.open, k.key)
		if k.count > 0 && !all {
			s.begin(k.key, now)
		}
	}
	return due
}

// arm sees to it that the next window ends in time. The lock is held. Windows without a repetition need no timer.
func (s *repeats) arm(now time.Time) {
	for _, k := range s.order {
		if k.count == 0 {
			continue
		}
		if s.timer != nil {
			s.timer.Stop()
		}
		s.timer = time.AfterFunc(k.until.Sub(now), s.tick)
		return
	}
}

func (s *repeats) tick() {
	now := time.Now()
	s.mu.Lock()
	due := s.take(now, false)
	s.arm(now)
	s.mu.Unlock()
	write(due)
}

// Flush writes what is held back.
func (h *Repeats) Flush() {
	s := h.state
	s.mu.Lock()
	if s.timer != nil {
		s.timer.Stop()
	}
	due := s.take(time.Now(), true)
	s.mu.Unlock()
	write(due)
}

// write writes the sums. A log that cannot be written to has nobody to tell it to.
func write(due []*repeat) {
	for _, k := range due {
		if k.count == 0 {
			continue
		}
		r := k.last
		if k.count > 1 {
			r.AddAttrs(slog.Int(Repeated, k.count))
		}
		_ = k.next.Handle(context.Background(), r)
	}
}
