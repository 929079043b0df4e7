package app

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/moment"
)

// timeRange are the flags --from and --to. They mean the same with every command.
type timeRange struct {
	from, to string
	start    time.Time // of from; zero: no bound
	end      time.Time // of to, not in it
}

// flags adds them. first is the default of --from; fromNote and toNote say what holds without them.
func (r *timeRange) flags(cmd *cobra.Command, first, fromNote, toNote string) {
	flags := cmd.Flags()
	flags.StringVar(&r.from, "from", first, "first `TIME`: "+moment.Forms+note(fromNote))
	flags.StringVar(&r.to, "to", "", "last `TIME`, written as that of --from: a day is in it as a whole (UTC)"+note(toNote))
}

func note(text string) string {
	if text == "" {
		return ""
	}
	return "; " + text
}

// check reads them, to the second, so that the same command line within one second is the same range.
func (r *timeRange) check(now time.Time) error {
	now = now.Truncate(time.Second)
	read := func(flag, text string, parse func(string, time.Time) (time.Time, error)) (time.Time, error) {
		if text == "" {
			return time.Time{}, nil
		}
		at, err := parse(text, now)
		if err != nil {
			return time.Time{}, fmt.Errorf("%s %w", flag, err)
		}
		return at, nil
	}
	var err1, err2 error
	r.start, err1 = read("--from", r.from, moment.Parse)
	r.end, err2 = read("--to", r.to, moment.ParseEnd)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if !r.start.IsZero() && !r.end.IsZero() && !r.start.Before(r.end) {
		return fmt.Errorf("--from (%s) must be before the end of --to (%s)", r.start.Format(time.RFC3339), r.end.Format(time.RFC3339))
	}
	return nil
}

// endBy is the end of the range, or now where that is sooner or there is none.
func (r *timeRange) endBy(now time.Time) time.Time {
	if r.end.IsZero() || r.end.After(now) {
		return now
	}
	return r.end
}
