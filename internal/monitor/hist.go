package monitor

import (
	"time"

	"github.com/trailbeat/trailbeat/internal/monitor/api"
)

// lagBounds are the upper bounds of the lag in seconds, in the order of what CloudTrail does: seconds for what streams, minutes for
// files, days for what is read later. What is longer has a bucket of its own.
var lagBounds = [...]int64{1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400, 604800}

// hist counts lags by bucket.
type hist [len(lagBounds) + 1]int64

// bucketOf finds the bucket of a lag in seconds. Neighbours are alike, so that of the last one is tried first.
func bucketOf(seconds int64, last int) int {
	if (last == len(lagBounds) || seconds <= lagBounds[last]) && (last == 0 || seconds > lagBounds[last-1]) {
		return last
	}
	for i, bound := range lagBounds {
		if seconds <= bound {
			return i
		}
	}
	return len(lagBounds)
}

func (h *hist) add(o *hist) {
	for i, n := range o {
		h[i] += n
	}
}

func (h *hist) minus(o *hist) (d hist) {
	for i, n := range h {
		d[i] = n - o[i]
	}
	return d
}

func (h *hist) total() (n int64) {
	for _, one := range h {
		n += one
	}
	return n
}

// quantile estimates by straight lines within buckets. The longest that was seen bounds it. -1 where nothing was counted.
func (h *hist) quantile(q float64, longest int64) float64 {
	total := h.total()
	if total == 0 {
		return -1
	}
	rank, below := q*float64(total), int64(0)
	for i, n := range h {
		if float64(below+n) < rank || n == 0 {
			below += n
			continue
		}
		low, high := int64(0), longest
		if i > 0 {
			low = lagBounds[i-1]
		}
		if i < len(lagBounds) {
			high = min(lagBounds[i], longest)
		}
		if high <= low {
			return float64(high)
		}
		return float64(low) + float64(high-low)*(rank-float64(below))/float64(n)
	}
	return float64(longest)
}

func (h *hist) lag(longest int64) api.Lag {
	n := h.total()
	if n == 0 {
		return api.Lag{}
	}
	return api.Lag{Events: n, P50: h.quantile(0.5, longest), P95: h.quantile(0.95, longest), Max: float64(longest)}
}

// clock reads the times of events. Neighbours share the day, so that is taken apart only when it changes.
type clock struct {
	day  [len("2006-01-02T")]byte
	unix int64
}

// seconds gives the Unix time of text such as 2026-11-20T08:05:09Z; what stands behind the second is left out.
func (c *clock) seconds(text string) (int64, bool) {
	const n = len(c.day)
	if len(text) < n+len("08:05:09Z") || text[len(text)-1] != 'Z' || text[n+2] != ':' || text[n+5] != ':' {
		return 0, false
	}
	if string(c.day[:]) != text[:n] {
		year, month, day := digits(text[0:4]), digits(text[5:7]), digits(text[8:10])
		if year < 0 || month < 1 || month > 12 || day < 1 || day > 31 || text[4] != '-' || text[7] != '-' || text[10] != 'T' {
			return 0, false
		}
		copy(c.day[:], text)
		c.unix = time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Unix()
	}
	hour, minute, second := digits(text[n:n+2]), digits(text[n+3:n+5]), digits(text[n+6:n+8])
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 {
		return 0, false
	}
	return c.unix + int64(hour*3600+minute*60+second), true
}

// digits reads a number, -1 where it is none.
func digits(text string) (n int) {
	for i := range len(text) {
		d := text[i] - '0'
		if d > 9 {
			return -1
		}
		n = n*10 + int(d)
	}
	return n
}
