package sqlite

import (
	"errors"
	"fmt"
	"time"
)

// Config is the section output.sqlite.
type Config struct {
	// Path of the database file. The default is trailbeat.db; a relative path lies below path.data, which the program
	// resolves before it opens the output. The directory is made where it is missing. Must not be empty.
	Path string `config:"path"`
	// BusyTimeout is how long a write waits for another process that holds the database, before it fails and is tried
	// again. The default is 5s. Zero means not to wait.
	BusyTimeout time.Duration `config:"busy_timeout"`
}

// DefaultConfig returns the configuration that holds where nothing is set.
func DefaultConfig() Config {
	return Config{Path: "trailbeat.db", BusyTimeout: 5 * time.Second}
}

// Validate reports all settings that cannot work.
func (c *Config) Validate() error {
	var errs []error
	if c.Path == "" {
		errs = append(errs, errors.New("path: must not be empty; the default is trailbeat.db"))
	}
	if c.BusyTimeout < 0 || c.BusyTimeout > time.Hour {
		errs = append(errs, fmt.Errorf("busy_timeout: must be between 0 and 1h, is %s", c.BusyTimeout))
	}
	return errors.Join(errs...)
}
