package cloudwatch

import (
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/quota"
)

// Stats are what the input has done since it was made.
type Stats struct {
	// Groups is how many log groups are read at the moment.
	Groups int64
	// APICalls are calls of FilterLogEvents; Throttled are those that AWS refused for their number.
	APICalls, Throttled int64
	// Windows were read; WindowsFailed were not, and are read again.
	Windows, WindowsFailed int64
	// TokensLost is how often a window was begun again since AWS no longer knew its page token.
	TokensLost int64
	// EventsRead came from AWS: EventsKnown of them were handed out before and EventsDelivered are handed out.
	EventsRead, EventsKnown, EventsDelivered int64
	// EventsLate of those handed out lay before the end of an earlier pass. EventsDamaged are truncated or no JSON.
	EventsLate, EventsDamaged int64
	// BatchesReturned were acknowledged with an error.
	BatchesReturned int64
	// Behind is the age of the oldest end of what was read, over all log groups. Zero before the first pass.
	Behind time.Duration
}

type stats struct {
	calls                                      quota.Calls
	groups, windows, windowsFailed, tokensLost atomic.Int64
	read, known, delivered, late, damaged      atomic.Int64
	acked, eventsReturned, bytes               atomic.Int64
}

// Stats gives the counts of this moment. Safe for concurrent use.
func (in *Input) Stats() Stats {
	s := &in.stats
	out := Stats{
		Groups: s.groups.Load(), APICalls: s.calls.Made.Load(), Throttled: s.calls.Throttled.Load(),
		Windows: s.windows.Load(), WindowsFailed: s.windowsFailed.Load(), TokensLost: s.tokensLost.Load(),
		EventsRead: s.read.Load(), EventsKnown: s.known.Load(), EventsDelivered: s.delivered.Load(),
		EventsLate: s.late.Load(), EventsDamaged: s.damaged.Load(), BatchesReturned: in.outlet.Returned(),
	}
	now := time.Now()
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, g := range in.groups {
		g.mu.Lock()
		if to := g.at.readTo; to > 0 {
			out.Behind = max(out.Behind, now.Sub(timeOf(to)))
		}
		g.mu.Unlock()
	}
	return out
}

// Report tells what the input is doing; see input.Reporter. The last object is a log group, and Failing counts those that cannot be
// read. Skipped are log events that an overlap showed again.
func (in *Input) Report() input.Report {
	r, s := in.state.Report(), in.Stats()
	r.Source, r.Unit = in.resource(), input.UnitLogEvent
	r.Waiting, r.Behind = -1, s.Behind.Seconds()
	r.Listed, r.Skipped, r.Records, r.Bytes = s.EventsRead, s.EventsKnown, s.EventsDelivered, in.stats.bytes.Load()
	r.Read, r.Failed = in.stats.acked.Load(), in.stats.eventsReturned.Load()
	r.InFlight = max(0, r.Records-r.Read-r.Failed)
	r.Calls, r.Throttled = s.APICalls, s.Throttled
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, g := range in.groups {
		if g.faults > 0 {
			r.Failing++
		}
	}
	return r
}

var _ input.Reporter = (*Input)(nil)
