package backfill

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Options of a Job.
type Options struct {
	// From is the oldest delivery that is wanted, To the end of the range, which is not in it, both to the minute. Zero From: from the oldest on. Zero
	// To: up to the start of today, and a job that goes on keeps the end that it had.
	From, To time.Time
	// Accounts and Regions are what the Tree was narrowed to. They are part of the plan's identity.
	Accounts, Regions []string
	// NewestFirst takes the days from the newest on. Default false.
	NewestFirst bool
	// Restore has archived objects restored. Default false: they are left out.
	Restore bool
	// RestoreDays is how long restored copies stay. Default and 0: 7.
	RestoreDays int
	// RestoreTier is Bulk or Standard. Default and empty: Bulk.
	RestoreTier string
	// Rate bounds the work. Zero: as fast as it goes.
	Rate Rate
	// Workers is how many objects are read at the same time. Default and 0: 5.
	Workers int
	// PerMessage is how many objects one message tells of. Default and 0: 10.
	PerMessage int
	// Replan lists anew what was planned before. Default false.
	Replan bool
}

const (
	defaultWorkers    = 5
	defaultPerMessage = 10
	defaultDays       = 7
	defaultTier       = "Bulk"
)

func (o *Options) fill() {
	if o.Workers == 0 {
		o.Workers = defaultWorkers
	}
	if o.PerMessage == 0 {
		o.PerMessage = defaultPerMessage
	}
	if o.RestoreDays == 0 {
		o.RestoreDays = defaultDays
	}
	if o.RestoreTier == "" {
		o.RestoreTier = defaultTier
	}
	o.From, o.To = o.From.UTC().Truncate(time.Minute), o.To.UTC().Truncate(time.Minute)
}

// Validate joins all that is wrong.
func (o Options) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !o.From.IsZero() && !o.To.IsZero() && !o.From.Before(o.To) {
		bad("from: must be before to, is %s, and to is %s", o.From.Format(time.RFC3339), o.To.Format(time.RFC3339))
	}
	if o.Workers < 0 {
		bad("workers: must be >= 0 (0: %d), is %d", defaultWorkers, o.Workers)
	}
	if o.PerMessage < 0 || o.PerMessage > 1000 {
		bad("per-message: must be 0 (%d) to 1000, is %d", defaultPerMessage, o.PerMessage)
	}
	if o.RestoreDays < 0 || o.RestoreDays > 365 {
		bad("restore-days: must be 0 (%d) to 365, is %d", defaultDays, o.RestoreDays)
	}
	if t := o.RestoreTier; t != "" && t != "Bulk" && t != "Standard" {
		bad("restore-tier: must be Bulk or Standard, is %q", t)
	}
	if o.Rate.Objects < 0 || o.Rate.Bytes < 0 {
		bad("rate: must be >= 0")
	}
	return errors.Join(errs...)
}

// Rate is a bound, by second. Zero members bound nothing.
type Rate struct {
	Objects float64
	// Bytes as they are stored.
	Bytes float64
}

// ParseRate takes "200", "200/s" and "200 objects/s" for objects and "20MB", "20MiB/s" for bytes; several are separated by commas.
func ParseRate(text string) (Rate, error) {
	var r Rate
	if strings.TrimSpace(text) == "" {
		return r, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSuffix(strings.ToLower(strings.ReplaceAll(part, " ", "")), "/s")
		digits := strings.TrimRight(part, "abcdefghijklmnopqrstuvwxyz")
		n, err := strconv.ParseFloat(digits, 64)
		unit, known := rateUnits[part[len(digits):]]
		if err != nil || !known || !(n > 0) || n > 1e15 {
			return r, fmt.Errorf("must be objects (200) or bytes (20MB) a second, or both with a comma, is %q", text)
		}
		if unit == 0 {
			r.Objects = n
		} else {
			r.Bytes = n * unit
		}
	}
	return r, nil
}

// rateUnits are the units of bytes; 0 stands for objects.
var rateUnits = map[string]float64{
	"": 0, "object": 0, "objects": 0,
	"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
}
