package shipper

import (
	"log/slog"
	"sync"
	"time"
)

// changeLog logs a fault that may last on change only: when it begins, once a minute while it lasts, and when the last of
// those who suffer from it is well again.
type changeLog struct {
	log                 *slog.Logger
	began, still, ended string

	mu      sync.Mutex
	active  int
	since   time.Time
	lastLog time.Time
}

func (c *changeLog) begin(args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active++
	if c.active == 1 {
		now := time.Now()
		// A fault that comes and goes many times a minute is one fault to the reader of the log.
		if c.lastLog.IsZero() || now.Sub(c.lastLog) >= summaryEvery {
			c.lastLog = now
			c.log.Warn(c.began, args...) //nolint:sloglint // constants, given where the log is made
		}
		c.since = now
	}
}

func (c *changeLog) repeat(args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.lastLog) >= summaryEvery {
		c.lastLog = now
		c.log.Warn(c.still, append(args, "event.duration", now.Sub(c.since))...) //nolint:sloglint // constants, given where the log is made
	}
}

func (c *changeLog) end(well bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active--
	if well && c.active == 0 && !c.lastLog.Before(c.since) {
		c.log.Info(c.ended, "event.duration", time.Since(c.since)) //nolint:sloglint // constants, given where the log is made
	}
}

// orDiscard makes a nil logger a silent one.
func orDiscard(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}

// burials tells the log about dead letters: the first at once, then a sum at most once a minute. Reasons may quote the
// event, so only their type is logged.
type burials struct {
	log *slog.Logger

	mu      sync.Mutex
	count   int
	lastLog time.Time
}

func (b *burials) note(letters []Letter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count += len(letters)
	if now := time.Now(); b.lastLog.IsZero() || now.Sub(b.lastLog) >= summaryEvery {
		last := letters[len(letters)-1]
		b.log.Warn("records went to the dead letters; mend the cause and run replay", "count", b.count,
			"error.type", last.Type, "http.response.status_code", last.Status, "input.id", last.InputID)
		b.lastLog, b.count = now, 0
	}
}

// panics tells the log about panics of the mapping, with the stack: each is a bug that wants to be reported. At most one
// a minute.
type panics struct {
	log *slog.Logger

	mu      sync.Mutex
	count   int
	lastLog time.Time
}

func (p *panics) note(id string, offset int64, stack []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	if now := time.Now(); p.lastLog.IsZero() || now.Sub(p.lastLog) >= summaryEvery {
		p.log.Error("the mapping panicked; the record goes to the dead letters", "count", p.count, "input.id", id,
			"log.offset", offset, "error.stack_trace", string(stack))
		p.lastLog, p.count = now, 0
	}
}
