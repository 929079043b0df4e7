package aws

import (
	"fmt"
	"time"

	"github.com/trailbeat/trailbeat/internal/moment"
)

// ParseStart gives the time that an option start_timestamp means: what moment.Parse takes, or the beginning, which is the zero time, as is
// an empty text.
func ParseStart(text string, now time.Time) (time.Time, error) {
	if text == "" || text == "beginning" {
		return time.Time{}, nil
	}
	at, err := moment.Parse(text, now)
	if err != nil {
		return time.Time{}, fmt.Errorf("must be beginning, %s, is %q", moment.Forms, text)
	}
	return at, nil
}
