package eventhistory

import (
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/quota"
)

// Stats are what the input has done since it was made.
type Stats struct {
	// Streams is how many regions, by category and attribute, are read at the moment.
	Streams int64
	// APICalls are calls of LookupEvents; Throttled are those that AWS refused for their number.
	APICalls, Throttled int64
	// Failed is how often a stretch of time could not be read; it is read again.
	Failed int64
	// TokensLost is how often AWS no longer knew a page token.
	TokensLost int64
	// EventsRead came from AWS: EventsKnown of them were handed out before and EventsDelivered are handed out.
	EventsRead, EventsKnown, EventsDelivered int64
	// EventsLate of those handed out lay before the end of an earlier look. EventsDamaged are no JSON.
	EventsLate, EventsDamaged int64
	// BatchesReturned were acknowledged with an error.
	BatchesReturned int64
	// Past is how much of the past is left to be read, of the stream that has most of it.
	Past time.Duration
	// Behind is how long ago the oldest of the last looks at new events was that are delivered. Zero before the first.
	Behind time.Duration
}

type stats struct {
	calls                           quota.Calls
	failed, tokensLost              atomic.Int64
	read, known, delivered, late    atomic.Int64
	damaged, acked, returned, bytes atomic.Int64
}

// Stats gives the counts of this moment. Safe for concurrent use.
func (in *Input) Stats() Stats {
	s := &in.stats
	out := Stats{
		APICalls: s.calls.Made.Load(), Throttled: s.calls.Throttled.Load(), Failed: s.failed.Load(), TokensLost: s.tokensLost.Load(),
		EventsRead: s.read.Load(), EventsKnown: s.known.Load(), EventsDelivered: s.delivered.Load(),
		EventsLate: s.late.Load(), EventsDamaged: s.damaged.Load(), BatchesReturned: in.outlet.Returned(),
	}
	now := time.Now()
	in.mu.Lock()
	defer in.mu.Unlock()
	out.Streams = int64(len(in.streams))
	for _, s := range in.streams {
		s.mu.Lock()
		out.Behind = max(out.Behind, now.Sub(timeOf(s.at.readTo)))
		var left int64
		for _, p := range s.at.past {
			left += p.To - p.From + 1
		}
		out.Past = max(out.Past, time.Duration(left)*time.Second)
		s.mu.Unlock()
	}
	return out
}

// Report tells what the input is doing; see input.Reporter. The last object is a region, and Failing counts those that cannot be read.
// Skipped are events that the lookback showed again.
func (in *Input) Report() input.Report {
	r, s := in.state.Report(), in.Stats()
	r.Source, r.Unit = in.cfg.source(), input.UnitEvent
	r.Waiting, r.Behind = -1, s.Behind.Seconds()
	r.Listed, r.Skipped, r.Records, r.Bytes = s.EventsRead, s.EventsKnown, s.EventsDelivered, in.stats.bytes.Load()
	r.Read, r.Failed = in.stats.acked.Load(), in.stats.returned.Load()
	r.InFlight = max(0, r.Records-r.Read-r.Failed)
	r.Calls, r.Throttled = s.APICalls, s.Throttled
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, st := range in.streams {
		st.mu.Lock()
		if st.faults > 0 {
			r.Failing++
		}
		st.mu.Unlock()
	}
	return r
}

var _ input.Reporter = (*Input)(nil)
