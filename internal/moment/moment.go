// Package moment reads the times that options and flags name. All commands and inputs take the same forms: a day of UTC (2026-01-31), a time
// (2026-01-31T12:00:00Z; without a zone it is UTC), or a duration before now (12h, 30d).
package moment

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Forms are the forms, for messages.
const Forms = "a day (2026-01-31), a time (2026-01-31T12:00:00Z) or a duration before now (12h, 30d)"

// Parse gives the time that a text means, in UTC. A day is its start.
func Parse(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok && err != nil {
		var n int
		n, err = strconv.Atoi(days)
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d < 0 || d > mostBefore {
		return time.Time{}, fmt.Errorf("must be %s, is %q", Forms, text)
	}
	return now.Add(-d).UTC(), nil
}

// mostBefore keeps a number of days from turning into something else.
const mostBefore = 100 * 366 * 24 * time.Hour

// ParseEnd is Parse for the end of a stretch of time, which is not in it: a day is in it as a whole, so its end is the start of the next.
func ParseEnd(text string, now time.Time) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	return Parse(text, now)
}
