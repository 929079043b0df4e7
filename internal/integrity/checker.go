package integrity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
)

// Range is what is looked at: whole hours, From included.
type Range struct{ From, To time.Time }

// Options are what a Checker is made of. Checks and State are required.
type Options struct {
	Config Config
	// Checks are made one after the other, by their names. Each tells what it finds of a range.
	Checks map[string]func(ctx context.Context, r Range, found func(Finding)) error
	// Write stores documents. Nil: none are written.
	Write func(ctx context.Context, events []*ecs.Event) error
	// State is the file that keeps what was reached.
	State string
	// Logger. Nil: silent.
	Logger *slog.Logger
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// Checker looks at the past. Run is for one goroutine, Status for any.
type Checker struct {
	opt   Options
	state state

	mu     sync.Mutex
	status Status
}

// state is what the file keeps.
type state struct {
	// Until is the end of what was looked at.
	Until time.Time `json:"until"`
	// Open are the hours that were not complete, with how they were.
	Open []OpenHour `json:"open"`
}

// OpenHour is an hour that is not complete.
type OpenHour struct {
	Hour    time.Time `json:"hour"`
	Check   string    `json:"check"`
	Account string    `json:"account,omitempty"`
	Region  string    `json:"region,omitempty"`
	// Missing events, or files.
	Missing int64  `json:"missing"`
	Reason  string `json:"reason,omitempty"`
	// Since is when it was first seen so.
	Since time.Time `json:"since"`
}

// Status is how far a Checker is, and what it found.
type Status struct {
	// Until is the end of what was looked at; zero: nothing yet.
	Until time.Time
	// Last and Next are when checks ended and will begin.
	Last, Next time.Time
	// Running says that a check is being made.
	Running bool
	// Error is why the last check failed. Empty: it did not.
	Error string
	// Open are the hours that are not complete.
	Open []OpenHour
	// Found counts findings of this process: check, then complete or incomplete.
	Found map[string]map[bool]int64
	// Checks and Failed count those of this process.
	Checks, Failed int64
}

// maxOpen bounds the open hours that are kept, each for a check, an account and a region.
const maxOpen = 10_000

// New makes a Checker and reads its state.
func New(opt Options) (*Checker, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Checker{opt: opt}
	text, err := os.ReadFile(opt.State)
	switch {
	case err == nil:
		if err := json.Unmarshal(text, &c.state); err != nil {
			return nil, fmt.Errorf("reading %q: %w; remove it to begin anew", opt.State, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("reading the state of integrity: %w", err)
	}
	c.status = Status{Until: c.state.Until, Open: slices.Clone(c.state.Open), Found: map[string]map[bool]int64{}}
	for check := range opt.Checks {
		c.status.Found[check] = map[bool]int64{true: 0, false: 0}
	}
	return c, nil
}

// Status may be called at any time.
func (c *Checker) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.status
	s.Open = slices.Clone(s.Open)
	s.Found = map[string]map[bool]int64{}
	for check, n := range c.status.Found {
		s.Found[check] = map[bool]int64{true: n[true], false: n[false]}
	}
	return s
}

// Run makes checks until ctx ends.
func (c *Checker) Run(ctx context.Context) {
	for ctx.Err() == nil {
		err := c.Check(ctx)
		next := c.opt.Now().Add(c.opt.Config.Interval)
		c.mu.Lock()
		c.status.Next = next
		c.mu.Unlock()
		if err != nil && ctx.Err() == nil {
			c.opt.Logger.Warn("the integrity of the past could not be checked, it is tried again", "error.message", err, "next", next.UTC().Format(time.RFC3339))
		}
		timer := time.NewTimer(c.opt.Config.Interval)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// Check looks at what is due. What a failed one has found is forgotten.
func (c *Checker) Check(ctx context.Context) (err error) {
	c.mu.Lock()
	c.status.Running = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.status.Running, c.status.Last, c.status.Error = false, c.opt.Now(), ""
		c.status.Checks++
		if err != nil {
			c.status.Error = err.Error()
			c.status.Failed++
		}
	}()
	now := c.opt.Now().UTC()
	for _, r := range c.due(now) {
		if err := c.look(ctx, r, now); err != nil {
			return err
		}
	}
	return nil
}

// due are the ranges to be looked at, the oldest first.
func (c *Checker) due(now time.Time) []Range {
	end := now.Add(-c.opt.Config.Delay).Truncate(time.Hour)
	from := c.state.Until
	if from.IsZero() {
		from = end.Add(-c.opt.Config.Start).Truncate(time.Hour)
	}
	hours := map[time.Time]bool{}
	for _, o := range c.state.Open {
		if !o.Hour.IsZero() && now.Sub(o.Since) < c.opt.Config.RetryFor {
			hours[o.Hour] = true
		}
	}
	var list []time.Time
	for h := range hours {
		if h.Before(from) {
			list = append(list, h)
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	var ranges []Range
	add := func(r Range) {
		if n := len(ranges); n > 0 && ranges[n-1].To.Equal(r.From) {
			ranges[n-1].To = r.To
			return
		}
		ranges = append(ranges, r)
	}
	for _, h := range list {
		add(Range{h, h.Add(time.Hour)})
	}
	if from.Before(end) {
		add(Range{from, end})
	}
	return ranges
}

// look makes all checks of a range, stores what they find, and then what was reached.
func (c *Checker) look(ctx context.Context, r Range, now time.Time) error {
	var all []Finding
	for _, check := range []string{CheckVerify, CheckAudit} {
		make := c.opt.Checks[check]
		if make == nil {
			continue
		}
		if err := make(ctx, r, func(f Finding) {
			f.Check = check
			all = append(all, f)
		}); err != nil {
			return fmt.Errorf("%s from %s to %s: %w", check, r.From.Format(time.RFC3339), r.To.Format(time.RFC3339), err)
		}
	}
	if err := c.write(ctx, all, now); err != nil {
		return err
	}
	next := state{Until: c.state.Until, Open: c.open(r, all, now)}
	if r.To.After(next.Until) {
		next.Until = r.To
	}
	if err := store(c.opt.State, next); err != nil {
		return err
	}
	c.state = next
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status.Until, c.status.Open = next.Until, slices.Clone(next.Open)
	for i := range all {
		c.status.Found[all[i].Check][all[i].Complete]++
	}
	return nil
}

// writeSize is how many documents go into one write.
const writeSize = 500

func (c *Checker) write(ctx context.Context, all []Finding, now time.Time) error {
	if c.opt.Write == nil || c.opt.Config.DataStream == "" {
		return nil
	}
	for part := range slices.Chunk(all, writeSize) {
		events := make([]*ecs.Event, 0, len(part))
		for i := range part {
			ev, err := part[i].event(c.opt.Config.DataStream, now)
			if err != nil {
				return fmt.Errorf("making a document of integrity: %w", err)
			}
			events = append(events, ev)
		}
		if err := c.opt.Write(ctx, events); err != nil {
			return fmt.Errorf("storing documents of integrity in %q: %w", c.opt.Config.DataStream, err)
		}
	}
	return nil
}

// open are the hours that are not complete now: those outside of the range as before, and those of it by what was found.
func (c *Checker) open(r Range, all []Finding, now time.Time) []OpenHour {
	type place struct {
		hour                   time.Time
		check, account, region string
	}
	since := map[place]time.Time{}
	var list []OpenHour
	for _, o := range c.state.Open {
		if !o.Hour.IsZero() && (o.Hour.Before(r.From) || !o.Hour.Before(r.To)) {
			list = append(list, o)
			continue
		}
		since[place{o.Hour, o.Check, o.Account, o.Region}] = o.Since
	}
	known := map[place]int{}
	for i := range all {
		f := &all[i]
		if f.Complete {
			continue
		}
		p := place{f.From.UTC().Truncate(time.Hour), f.Check, f.Account, f.Region}
		// A digest begins within an hour and ends in the next. It is looked at again with one of the range.
		switch {
		case f.From.IsZero():
			p.hour = time.Time{}
		case p.hour.Before(r.From):
			p.hour = r.From
		case !p.hour.Before(r.To):
			p.hour = r.To.Add(-time.Hour)
		}
		if n, ok := known[p]; ok {
			list[n].Missing += f.missing()
			continue
		}
		if len(list) >= maxOpen {
			continue
		}
		o := OpenHour{Hour: p.hour, Check: p.check, Account: p.account, Region: p.region, Missing: f.missing(), Reason: reasonOf(f), Since: now}
		if t, ok := since[p]; ok {
			o.Since = t
		}
		known[p] = len(list)
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b OpenHour) int {
		if n := a.Hour.Compare(b.Hour); n != 0 {
			return n
		}
		return strings.Compare(a.Check+a.Account+a.Region, b.Check+b.Account+b.Region)
	})
	// What was never mended is told for as long again, and then forgotten here: its documents stay.
	return slices.DeleteFunc(list, func(o OpenHour) bool { return now.Sub(o.Since) >= 2*c.opt.Config.RetryFor+24*time.Hour })
}

func reasonOf(f *Finding) string {
	if f.Reason != "" {
		return f.Reason
	}
	if f.Result != "" && f.Result != "valid" {
		return f.Result
	}
	if f.missing() > 0 {
		return "missing"
	}
	return "incomplete"
}

func store(name string, s state) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	fresh := name + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return fmt.Errorf("storing the state of integrity: %w", err)
	}
	if err := os.Rename(fresh, name); err != nil {
		return fmt.Errorf("storing the state of integrity: %w", err)
	}
	return nil
}

// cutStream gives the parts of the name of a data stream.
func cutStream(name string) (typ, dataset, namespace string) {
	parts := strings.SplitN(name, "-", 3)
	for len(parts) < 3 {
		parts = append(parts, "")
	}
	return parts[0], parts[1], parts[2]
}
