package shipper

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Config holds the options of the flow.
type Config struct {
	// NumberOfWorkers is how many batches are mapped and written at the same time. Default 0: one for each CPU that Go
	// may use (GOMAXPROCS).
	NumberOfWorkers int `config:"number_of_workers"`
	// ShutdownTimeout is how long the batches in flight may take after the first signal to stop; what is not done by then
	// is handed back to its source. Default 30s. Zero hands everything back at once.
	ShutdownTimeout time.Duration `config:"shutdown_timeout"`
	// RateLimit is the most documents per second that are sent to the output, retries included. It does not hold for those below
	// outputs. Default 0: no limit.
	RateLimit int `config:"rate_limit"`
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{ShutdownTimeout: 30 * time.Second}
}

// Validate reports everything that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	if c.NumberOfWorkers < 0 {
		errs = append(errs, fmt.Errorf("number_of_workers: must be >= 0 (0: one per CPU), is %d", c.NumberOfWorkers))
	}
	if c.ShutdownTimeout < 0 {
		errs = append(errs, fmt.Errorf("shutdown_timeout: must be >= 0, is %s", c.ShutdownTimeout))
	}
	if c.RateLimit < 0 {
		errs = append(errs, fmt.Errorf("rate_limit: must be >= 0 (0: no limit), is %d", c.RateLimit))
	}
	return errors.Join(errs...)
}

func (c Config) workers() int {
	if c.NumberOfWorkers > 0 {
		return c.NumberOfWorkers
	}
	return runtime.GOMAXPROCS(0)
}

// Backoff says how long to wait between tries: a random time between zero and a ceiling that starts at Init and doubles
// with every try up to Max.
type Backoff struct {
	// Init is the ceiling of the first wait. Default 1s. Must not be zero.
	Init time.Duration `config:"init"`
	// Max is the highest ceiling. Default 60s. Must not be below Init.
	Max time.Duration `config:"max"`
}

// DefaultBackoff returns the defaults.
func DefaultBackoff() Backoff {
	return Backoff{Init: time.Second, Max: 60 * time.Second}
}

// Validate reports everything that is wrong with b.
func (b Backoff) Validate() error {
	var errs []error
	if b.Init <= 0 {
		errs = append(errs, fmt.Errorf("init: must be > 0, is %s", b.Init))
	}
	if b.Max < b.Init {
		errs = append(errs, fmt.Errorf("max: must not be below init (%s), is %s", b.Init, b.Max))
	}
	return errors.Join(errs...)
}

// ceiling is the longest wait before try number n, from 0.
func (b Backoff) ceiling(n int) time.Duration {
	d := b.Init
	for ; n > 0 && d < b.Max; n-- {
		d *= 2
	}
	return min(d, b.Max)
}
