package aws

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseStart gives the time that an option start_timestamp means: a time, a day, a duration before now, or the beginning, which is the
// zero time, as is an empty text.
func ParseStart(text string, now time.Time) (time.Time, error) {
	if text == "" || text == "beginning" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04:05"} {
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
	if err != nil || d < 0 {
		return time.Time{}, fmt.Errorf("must be a time (2026-01-31T12:00:00Z), a day (2026-01-31), a duration before now (720h, 30d) or beginning, is %q", text)
	}
	return now.Add(-d).UTC(), nil
}
