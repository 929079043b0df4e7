package seen

import "time"

// Lag is the longest time that events took to show, over the last hour or two: how far back a stretch must reach that is read
// again for late events. The zero value is ready for use. It is not safe for concurrent use.
type Lag struct {
	now, before time.Duration
	since       time.Time
}

// lagSpan is how long one of the two maxima counts.
const lagSpan = time.Hour

// Add notes how long an event took.
func (l *Lag) Add(d time.Duration) { l.now = max(l.now, d) }

// Max gives the longest time of the last hour, and of the part of another before it.
func (l *Lag) Max(now time.Time) time.Duration {
	if now.Sub(l.since) >= lagSpan {
		l.before, l.now, l.since = l.now, 0, now
	}
	return max(l.now, l.before)
}
