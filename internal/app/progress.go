package app

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/internal/terminal"
)

// progressFlags gives a command that works for long the flags about what it shows meanwhile.
func (a *app) progressFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.flags.noProgress, "no-progress", false, "show no progress on stderr")
	cmd.Flags().BoolVarP(&a.flags.quiet, "quiet", "q", false, "show no progress, and log warnings and errors only")
}

// openStatus gives the status line on stderr. Nil, which shows nothing, where it is not wanted, or where stdout is a terminal that
// documents go to: they are progress enough.
func (a *app) openStatus(documents bool) *terminal.Status {
	if a.flags.noProgress || a.flags.quiet || documents && isTerminal(a.Stdout) {
		return nil
	}
	return terminal.NewStatus(a.Stderr)
}

// done is how far work has come.
type done struct {
	events, bytes int64
	// part of the whole, from 0 to 1. Negative: the whole is not known.
	part float64
	// more is said between the counts and the time that is left.
	more []string
}

// rateWindow is what rates are measured over.
const rateWindow = 10 * time.Second

// meter makes the text of a status line. It is for one goroutine.
type meter struct {
	look    func() done
	total   func() int64 // bytes; 0: not known
	began   time.Time
	samples []sample
}

type sample struct {
	at            time.Time
	events, bytes int64
}

func newMeter(look func() done, total func() int64) *meter {
	now := time.Now()
	return &meter{look: look, total: total, began: now, samples: []sample{{at: now}}}
}

// text is one line: a bar and the time that is left where the whole is known, counts and rates.
func (m *meter) text() string {
	now, d := time.Now(), m.look()
	for len(m.samples) > 1 && now.Sub(m.samples[1].at) >= rateWindow {
		m.samples = m.samples[1:]
	}
	first := m.samples[0]
	m.samples = append(m.samples, sample{now, d.events, d.bytes})
	events, bytes := 0.0, 0.0
	if over := now.Sub(first.at).Seconds(); over > 0 {
		events, bytes = float64(d.events-first.events)/over, float64(d.bytes-first.bytes)/over
	}
	// The line is cut at its end, so what matters most comes first.
	elapsed := now.Sub(m.began)
	var parts []string
	switch {
	case d.part > 0 && d.part < 1:
		left := time.Duration(float64(elapsed) * (1 - d.part) / d.part)
		parts = append(parts, fmt.Sprintf("%s %3.0f %%  ETA %s", terminal.Bar(d.part, 16), 100*d.part, wholeSeconds(left)))
	case d.part >= 0:
		parts = append(parts, fmt.Sprintf("%s %3.0f %%", terminal.Bar(d.part, 16), 100*d.part))
	default:
		parts = append(parts, wholeSeconds(elapsed))
	}
	parts = append(parts, fmt.Sprintf("%s events (%s/s)", terminal.Count(float64(d.events)), terminal.Count(events)))
	if d.bytes > 0 {
		of := ""
		if total := m.total(); total > 0 {
			of = " of " + terminal.Bytes(float64(max(total, d.bytes)))
		}
		parts = append(parts, fmt.Sprintf("%s%s (%s/s)", terminal.Bytes(float64(d.bytes)), of, terminal.Bytes(bytes)))
	}
	return strings.Join(append(parts, d.more...), "  ")
}

func wholeSeconds(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	return terminal.Duration(d)
}

// runProgress tells how far a run that ends has come.
type runProgress struct {
	sources []shipper.Source
	counts  func() shipper.Snapshot
	size    atomic.Int64 // of all inputs; 0: not known, or not yet
	asking  sync.WaitGroup
}

// newRunProgress asks the inputs for their sizes in the background, until end is called, which must be before they are closed for good.
func newRunProgress(ctx context.Context, sources []shipper.Source, counts func() shipper.Snapshot) (p *runProgress, end func()) {
	p = &runProgress{sources: sources, counts: counts}
	ctx, cancel := context.WithCancel(ctx)
	p.asking.Go(func() {
		total := int64(0)
		for _, s := range sources {
			sized, ok := s.Input.(input.Sized)
			if !ok {
				return
			}
			n, err := sized.Size(ctx)
			if err != nil {
				return // a status line without a bar
			}
			total += n
		}
		p.size.Store(total)
	})
	return p, func() {
		cancel()
		p.asking.Wait()
	}
}

func (p *runProgress) look() done {
	c := p.counts().Total
	d := done{events: c.Received - c.InFlight, part: -1}
	read, waiting, unit := int64(0), int64(0), ""
	for _, s := range p.sources {
		told, ok := s.Input.(input.Reporter)
		if !ok {
			continue
		}
		if where, ok := s.Input.(interface{ Doing() string }); ok && where.Doing() != "" {
			d.more = append(d.more, where.Doing())
		}
		r := told.Report()
		d.bytes += r.Bytes
		read += r.Read
		waiting += max(0, r.Waiting)
		switch unit {
		case "", r.Unit:
			unit = r.Unit
		default:
			unit = "source"
		}
	}
	if total := p.size.Load(); total > 0 {
		d.part = min(1, float64(d.bytes)/float64(total))
		if c.Received > 0 {
			// What was read and is not durable is not done.
			d.part *= float64(d.events) / float64(c.Received)
		}
	}
	if unit != "" {
		d.more = append(d.more, countOf(read, strings.ReplaceAll(unit, "_", " ")))
	}
	for _, n := range []struct {
		count int64
		what  string
	}{{waiting, "waiting"}, {c.InFlight, "in flight"}, {c.DeadLettered, "dead letters"}, {c.ReadErrors, "errors"}} {
		if n.count > 0 {
			d.more = append(d.more, fmt.Sprintf("%d %s", n.count, n.what))
		}
	}
	return d
}

// counted counts what is read.
type counted struct {
	io.Reader
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}
