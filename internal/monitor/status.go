package monitor

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

// topItems is how many of each list are shown.
const topItems = 10

// Status tells how the run is now.
func (m *Monitor) Status() api.Status {
	now := m.opt.Now().UTC()
	m.mu.Lock()
	defer m.mu.Unlock()
	counts := m.snapshot()
	s := api.Status{Now: now, Program: m.opt.Program, Flow: flow(counts.Total), Process: process()}
	s.Program.Uptime = now.Sub(s.Program.Started).Seconds()
	recent, took := m.fine.latest(ratePoints)
	s.Rate = rate(shipper.Counts{}, recent.counts, took)
	lately, _ := m.fine.latest(int(lagMinutes * time.Minute / fineStep))
	s.Lag = lately.lag.lag(lately.longest)
	m.outputStatus(&s)
	if m.rules != nil {
		s.Rules = m.rules()
	}
	s.DeadLetters = m.letters.status(m.opt.LetterPlace, m.opt.Program.Details)
	s.Inputs = m.inputs.status(counts, m.opt.Program.Details)
	s.Places = m.passage.status(now)
	s.Top = m.passage.top(now)
	s.Problems = problems(&s, m.letters.failingSince())
	if m.integrity != nil {
		s.Integrity = m.integrity()
		s.Problems = append(s.Problems, integrityProblems(s.Integrity)...)
	}
	s.State, s.Ready = api.StateRunning, true
	if len(s.Problems) > 0 {
		s.State = api.StateDegraded
	}
	if slices.ContainsFunc(s.Problems, func(p api.Problem) bool { return p.Blocking }) {
		s.State, s.Ready = api.StateBlocked, false
	}
	if m.accounting == nil {
		s.State, s.Ready = api.StateStarting, false
	}
	if m.stopping.Load() {
		s.State, s.Ready = api.StateStopping, false
	}
	return s
}

// Ready says whether what is read can be delivered, and what is in the way. It is cheaper than Status.
func (m *Monitor) Ready() (bool, []api.Problem) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := api.Status{DeadLetters: m.letters.status("", false)}
	m.outputStatus(&s)
	in := problems(&s, m.letters.failingSince())
	if m.accounting == nil {
		in = append(in, api.Problem{Where: "trailbeat", Text: "the run is being put together", Blocking: true})
	}
	if m.stopping.Load() {
		in = append(in, api.Problem{Where: "trailbeat", Text: "the run comes to its end", Blocking: true})
	}
	return len(in) == 0, in
}

// Series is the flow over time; the window is one of api.Windows.
func (m *Monitor) Series(window string) (api.Series, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch window {
	case "", api.WindowMinutes:
		return m.fine.series(), nil
	case api.WindowDay:
		return m.day.series(), nil
	}
	return api.Series{}, fmt.Errorf("the window %q is not known; there are %v", window, api.Windows())
}

func flow(c shipper.Counts) api.Flow {
	return api.Flow{
		Received: c.Received, Indexed: c.Indexed, Duplicate: c.Duplicate, Filtered: c.Filtered, DeadLettered: c.DeadLettered,
		InFlight: c.InFlight, Returned: c.Returned, ReadErrors: c.ReadErrors,
	}
}

// rate is that of the points between two counts.
func rate(before, now shipper.Counts, points int) api.Rate {
	if points == 0 {
		return api.Rate{}
	}
	d := float64(points) * fineStep.Seconds()
	return api.Rate{
		Received: float64(now.Received-before.Received) / d, Indexed: float64(now.Indexed-before.Indexed) / d,
		Duplicate: float64(now.Duplicate-before.Duplicate) / d, Filtered: float64(now.Filtered-before.Filtered) / d,
		DeadLettered: float64(now.DeadLettered-before.DeadLettered) / d,
	}
}

// outputStatus says how the outputs are. Called with the lock held.
func (m *Monitor) outputStatus(s *api.Status) {
	s.Output = m.output.status()
	for _, o := range m.others {
		s.Outputs = append(s.Outputs, o.status())
	}
}

func (o *watchedOutput) status() api.Output {
	o.mu.Lock()
	s := api.Output{
		Name: o.name, Type: o.kind, Batches: o.count.batches, FailedBatches: o.count.failedBatches, Sent: o.count.sent,
		Retried: o.count.retried, Refused: o.count.refused, Active: o.active.Load(), Latency: o.mean(), LastWrite: utc(o.lastWrite),
	}
	o.mu.Unlock()
	if o.down == nil {
		return s
	}
	if down, since, err := o.down(); down {
		s.Down, s.Since = true, utc(since)
		if err != nil {
			s.Error = tellable(err.Error())
		}
	}
	return s
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

func (l *letters) status(place string, details bool) api.DeadLetters {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := api.DeadLetters{Place: place, Total: l.total, Error: shorten(l.err, maxReason), Reasons: []api.LetterReason{}, Recent: []api.Letter{}}
	for _, kind := range l.order {
		s.Reasons = append(s.Reasons, *l.byType[kind])
	}
	slices.SortStableFunc(s.Reasons, func(a, b api.LetterReason) int { return cmp.Compare(b.Count, a.Count) })
	for _, one := range slices.Backward(l.recent) {
		if !details {
			one.Origin, one.Sample = "", ""
		}
		s.Recent = append(s.Recent, one)
	}
	return s
}

func (l *letters) failingSince() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == "" {
		return time.Time{}
	}
	return l.since.UTC()
}

func (in *inputs) status(counts shipper.Snapshot, details bool) []api.Input {
	byID := map[string]shipper.Counts{}
	for _, c := range counts.Inputs {
		byID[c.ID] = c.Counts
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	out := []api.Input{}
	for _, one := range in.list() {
		before, took := one.since()
		s := api.Input{
			ID: one.id, Type: one.kind, State: "running", Flow: flow(byID[one.id]), Rate: rate(before, one.now, took), Waiting: -1,
			LastObject: one.lastObject, LastObjectTime: utc(one.objectTime), LastBatch: utc(one.lastBatch), Bytes: one.bytes,
			LastError: one.lastError, LastErrorHint: one.errorHint, LastErrorTime: utc(one.errorTime),
		}
		if one.report != nil {
			takeReport(&s, one.report())
		}
		switch {
		case one.broken:
			s.State = "failed"
		case one.done:
			s.State = input.StateEnded
		}
		if !details {
			s.LastObject = ""
		}
		s.LastError = shorten(s.LastError, 2*maxReason)
		out = append(out, s)
	}
	return out
}
