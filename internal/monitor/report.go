package monitor

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
)

// takeReport takes over what an input tells of itself. It knows more than what can be seen from outside.
func takeReport(s *api.Input, r input.Report) {
	s.Source, s.State, s.Unit = r.Source, r.State, r.Unit
	if r.LastObject != "" {
		s.LastObject, s.LastObjectTime = r.LastObject, utc(r.LastObjectTime)
	}
	s.NextPoll, s.Waiting = utc(r.NextPoll), r.Waiting
	s.Open, s.Read, s.Failing, s.Failed, s.Skipped = r.InFlight, r.Read, r.Failing, r.Failed, r.Skipped
	s.Calls, s.Throttle = r.Calls, r.Throttled
	if l := r.Leases; l != nil {
		s.Leases = &api.Leases{
			Members: l.Members, Known: l.Known, Held: l.Held,
			Acquired: l.Acquired, TakenOver: l.TakenOver, Released: l.Released, Lost: l.Lost, RenewalsFailed: l.RenewalsFailed,
		}
	}
	if r.Bytes > 0 {
		s.Bytes = r.Bytes
	}
	for kind, n := range r.Errors {
		if n == 0 {
			continue
		}
		if s.Errors == nil {
			s.Errors = map[string]int64{}
		}
		s.Errors[kind] = n
	}
	if r.LastError != "" && !r.LastErrorTime.Before(s.LastErrorTime) {
		s.LastError, s.LastErrorHint, s.LastErrorTime = r.LastError, r.LastErrorHint, utc(r.LastErrorTime)
	}
}

// problems are what a person should look at now, what blocks all first.
func problems(s *api.Status, lettersSince time.Time) []api.Problem {
	all := []api.Problem{}
	for _, o := range append([]api.Output{s.Output}, s.Outputs...) {
		if o.Down {
			all = append(all, api.Problem{
				Where: strings.TrimSpace("output " + o.Name), Text: o.Error, Since: o.Since, Blocking: true,
				Hint: strings.TrimSpace("Nothing is lost: it is tried again until it works. Look closer with: trailbeat test output " + o.Name),
			})
		}
	}
	if s.DeadLetters.Error != "" {
		all = append(all, api.Problem{
			Where: "dead_letters", Text: s.DeadLetters.Error, Since: lettersSince, Blocking: true,
			Hint: "Batches with records that cannot be indexed wait until they can be stored: " + s.DeadLetters.Place,
		})
	}
	for _, in := range s.Inputs {
		switch in.State {
		case input.StateFailing, "failed":
			all = append(all, api.Problem{Where: "input " + in.ID, Text: in.LastError, Hint: in.LastErrorHint, Since: in.LastErrorTime})
		default:
			if in.Failing > 0 {
				all = append(all, api.Problem{
					Where: "input " + in.ID, Text: fmt.Sprintf("%d of unit %s cannot be read; the latest error: %s", in.Failing, in.Unit, in.LastError),
					Hint: in.LastErrorHint, Since: in.LastErrorTime,
				})
			}
		}
	}
	return all
}

func (p *passage) status(now time.Time) []api.Place {
	minute := now.Unix() / 60
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []api.Place{}
	lately := map[placeKey]int64{}
	for _, at := range p.order {
		s := api.Place{Account: at.account, Region: at.region, Events: at.events, Minutes: make([]int64, placeMinutes)}
		for i := range placeMinutes {
			m := minute - placeMinutes + 1 + int64(i)
			if m <= at.atMinute && m > at.atMinute-placeMinutes {
				s.Minutes[i] = at.minutes[m%placeMinutes].events
				lately[at.placeKey] += s.Minutes[i]
			}
		}
		// Of the minute that is not over yet and the one before it as much as makes a minute.
		part := float64(now.Unix()%60) / 60
		s.Rate = (float64(s.Minutes[placeMinutes-1]) + (1-part)*float64(s.Minutes[placeMinutes-2])) / 60
		h, longest := at.recent(minute)
		s.Lag = h.lag(longest)
		if at.newest > 0 {
			s.LastEvent = time.Unix(at.newest, 0).UTC()
		}
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b api.Place) int {
		return int(lately[placeKey{b.Account, b.Region}] - lately[placeKey{a.Account, a.Region}])
	})
	return out
}

func (p *passage) top(now time.Time) api.Top {
	p.mu.Lock()
	defer p.mu.Unlock()
	empty := api.List{Items: []api.Item{}}
	if p.names == nil {
		return api.Top{Actions: empty, Principals: empty, Countries: empty, Errors: empty}
	}
	n := p.names
	return api.Top{
		Seconds: now.Sub(n.since[1-n.current]).Seconds(),
		Actions: n.list(listActions, topItems), Principals: n.list(listPrincipals, topItems),
		Countries: n.list(listCountries, topItems), Errors: n.list(listErrors, topItems),
	}
}

// process says what the process uses. It does not stop the world.
func process() api.Process {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	return api.Process{
		Goroutines: runtime.NumGoroutine(), Cores: runtime.GOMAXPROCS(0), CPU: cpuSeconds(),
		Heap: samples[0].Value.Uint64(), Memory: samples[1].Value.Uint64() - samples[2].Value.Uint64(),
	}
}

func cpuSeconds() float64 {
	user, system := CPUTime()
	return (user + system).Seconds()
}
