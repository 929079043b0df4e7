package cost

import (
	"cmp"
	"context"
	"strings"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/pipeline/processor"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

// Options of a Sample.
type Options struct {
	// From and To bound the time of the events that are counted: From <= time < To. Zero: no bound. Events without a time of their
	// own are counted in any case.
	From, To time.Time
	// Limit is how many raw bytes are enough; Enough is called once when they are there, and what comes later is not counted.
	// Zero: everything is counted.
	Limit  int64
	Enough func()
	// Form is what proposed rules do: one of Forms. Empty: Drop. Rate of Thin: one in how many events stays. Zero: 100.
	Form string
	Rate int
	// Rules are one's own, to be measured, and Routing those that come behind them. Nil: none.
	Rules   *processor.Chain
	Routing *routing.Table
}

// timeFormat is that of @timestamp after the mapping.
const timeFormat = "2006-01-02T15:04:05.000Z"

// maxHours bounds the hours that are told apart: ten years.
const maxHours = 24 * 3660

// Sample counts events. It is an output.Output. Safe for concurrent use.
type Sample struct {
	opts     Options
	from, to string

	mu          sync.Mutex
	total       Amount
	dims        []dimension
	tables      []*table
	trial       *trial
	first, last string
	hours       map[string]struct{}
	outside     int64
	undated     int64
	full        bool
	own         *own
}

var _ output.Output = (*Sample)(nil)

// New makes an empty Sample.
func New(opts Options) *Sample {
	opts.Form, opts.Rate = cmp.Or(opts.Form, Drop), cmp.Or(opts.Rate, 100)
	s := &Sample{opts: opts, dims: dimensions(), trial: newTrial(opts.Form, opts.Rate), hours: map[string]struct{}{}}
	if !opts.From.IsZero() {
		s.from = opts.From.UTC().Format(timeFormat)
	}
	if !opts.To.IsZero() {
		s.to = opts.To.UTC().Format(timeFormat)
	}
	for range s.dims {
		s.tables = append(s.tables, newTable(tableLimit))
	}
	if opts.Rules != nil || opts.Routing != nil {
		s.own = &own{chain: opts.Rules, routing: opts.Routing, dropped: map[*processor.Drop]*Amount{}, streams: map[direction]*Amount{}}
	}
	return s
}

// counted is what Write found out of an event without the lock.
type counted struct {
	amount Amount
	own    verdict
}

// Write counts the events. Unlike other outputs it changes them, where rules of one's own are measured: nobody uses them afterwards.
func (s *Sample) Write(_ context.Context, events []*ecs.Event) (output.Result, error) {
	var buf []byte
	found := make([]counted, len(events))
	for i, ev := range events {
		buf = ev.AppendJSON(buf[:0])
		found[i].amount = Amount{1, int64(len(ev.Meta.Raw)), int64(len(buf))}
	}
	s.mu.Lock()
	wanted := make([]bool, len(events))
	for i, ev := range events {
		wanted[i] = s.add(ev, found[i].amount)
	}
	s.mu.Unlock()
	if s.own == nil {
		return output.Result{Stored: len(events)}, nil
	}
	for i, ev := range events {
		if wanted[i] {
			found[i].own, buf = s.own.judge(ev, buf)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range events {
		if wanted[i] {
			s.own.add(found[i].amount, found[i].own)
		}
	}
	return output.Result{Stored: len(events)}, nil
}

// Close does nothing.
func (s *Sample) Close() error { return nil }

// add counts an event, if it is one of the sample. The lock is held.
func (s *Sample) add(ev *ecs.Event, a Amount) bool {
	if s.full {
		return false
	}
	if ev.Meta.Dated {
		if s.from != "" && ev.Timestamp < s.from || s.to != "" && ev.Timestamp >= s.to {
			s.outside++
			return false
		}
		s.dated(ev.Timestamp)
	} else {
		s.undated++
	}
	s.total.add(a)
	for i := range s.dims {
		s.tables[i].add(s.dims[i].of(ev), a)
	}
	s.trial.add(ev, a)
	if s.opts.Limit > 0 && s.total.Raw >= s.opts.Limit {
		s.full = true
		if s.opts.Enough != nil {
			s.opts.Enough()
		}
	}
	return true
}

func (s *Sample) dated(t string) {
	if s.first == "" || t < s.first {
		s.first = strings.Clone(t)
	}
	if t > s.last {
		s.last = strings.Clone(t)
	}
	const hour = len("2006-01-02T15")
	if len(t) < hour {
		return
	}
	if _, known := s.hours[t[:hour]]; !known && len(s.hours) < maxHours {
		s.hours[strings.Clone(t[:hour])] = struct{}{}
	}
}
