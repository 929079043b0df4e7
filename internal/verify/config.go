package verify

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/trailbeat/trailbeat/input/trailstore"
)

// Config says what is verified.
type Config struct {
	// Store holds the files. Required.
	Store trailstore.Store
	// Keys gives the public keys. Required.
	Keys trailstore.KeySource
	// Filter chooses accounts and regions. The zero value chooses all.
	Filter trailstore.Filter
	// From and To are the time of delivery that is verified, From included. Both are required. Digests are about an hour each, so that
	// those at both ends are about a little more.
	From, To time.Time
	// Workers is how many files are read, and how many places walked, at the same time. Default 0: 16.
	Workers int
	// OriginalBucket is the bucket that the digests name, where the files are a copy in another bucket, or are read through an access
	// point. Default empty: the files are where CloudTrail put them.
	OriginalBucket string
	// Downloaded says that the files are copies without the metadata of S3. The signature of a digest is then taken from the next one; the
	// newest has none unless its metadata was kept. Buckets are not compared, as it is not known which one the files come from.
	Downloaded bool
	// MayEnd says that it is no finding where the digests of an account and region end before the range does.
	MayEnd bool
	// Now is the time that counts as present. Default zero: that of the clock.
	Now time.Time
	// Logger gets what happens on the way. nil logs nothing.
	Logger *slog.Logger
}

const (
	defaultWorkers = 16
	// due is how long after the delivery of a file the digest that names it can still be on its way: an hour that it is about, and time to
	// write it.
	due = 2 * time.Hour
	// after is how much later than the range a digest may end that names files of it. The names of files are those of the minute that
	// they were made in; the AWS CLI looks an hour further for the same reason. Here it is one more, so that no file is taken for one
	// that is not named.
	after = 2 * time.Hour
	// slack is by how much two digests that follow each other may overlap, or be apart, and nothing is told.
	slack = time.Minute
	// lookahead is how much later than others the names of files are forgotten and files are looked for.
	lookahead = 48 * time.Hour
)

func (c *Config) complete() error {
	var errs []error
	if c.Store == nil {
		errs = append(errs, errors.New("no store was given"))
	}
	if c.Keys == nil {
		errs = append(errs, errors.New("no source of public keys was given"))
	}
	if c.From.IsZero() || c.To.IsZero() || !c.From.Before(c.To) {
		errs = append(errs, fmt.Errorf("the range must begin before it ends, is %s to %s", c.From.Format(time.RFC3339), c.To.Format(time.RFC3339)))
	}
	if c.Workers < 0 {
		errs = append(errs, fmt.Errorf("the number of workers must be > 0, is %d", c.Workers))
	}
	if c.Workers == 0 {
		c.Workers = defaultWorkers
	}
	if c.Now.IsZero() {
		c.Now = time.Now()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.From, c.To, c.Now = c.From.UTC(), c.To.UTC(), c.Now.UTC()
	return errors.Join(errs...)
}
