package file

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/trailbeat/trailbeat/input/batch"
	"github.com/trailbeat/trailbeat/input/records"
)

// Config of the file input.
type Config struct {
	// Paths are the files, folders and patterns to read, "-" for standard input. No default; at least one is needed.
	Paths []string `config:"paths"`
	// ExcludeFiles are regular expressions; a file whose absolute path matches one is not read. Default none, which excludes none.
	ExcludeFiles []string `config:"exclude_files"`
	// RecursiveGlob is about `**` in patterns.
	RecursiveGlob RecursiveGlob `config:"recursive_glob"`
	// Format is "auto" (by name and content) or "ndjson" (each line is a record). Default and empty: auto.
	Format string `config:"format"`
	// ScanFrequency is the pause between two scans for new and changed files. Default 10s; must be above 0. Not used with once.
	ScanFrequency time.Duration `config:"scan_frequency"`
	// IgnoreOlder leaves out files that did not change for so long. Default 0: none is left out.
	IgnoreOlder time.Duration `config:"ignore_older"`
	// CleanRemoved forgets the entries of files that are gone. Default true; false keeps them for ever.
	CleanRemoved bool `config:"clean_removed"`
	// CleanRemovedAfter is how long a file must be gone, so that a folder that is not mounted for a while is not read anew.
	// Default 72h; 0 forgets at the first look, which takes place once an hour.
	CleanRemovedAfter time.Duration `config:"clean_removed_after"`
	// Flight bounds the batches.
	batch.Flight `config:",inline"`
	// MaxRecordBytes is the longest record in bytes; a longer one is a fault of its file. Default and 0: 16MiB.
	MaxRecordBytes int64 `config:"max_record_bytes,bytes"`
}

// RecursiveGlob is about `**` in patterns.
type RecursiveGlob struct {
	// Enabled lets `**` stand for any number of folders. Default true; false makes it the same as `*`.
	Enabled bool `config:"enabled"`
}

// DefaultConfig gives the defaults; Paths has none.
func DefaultConfig() Config {
	return Config{
		RecursiveGlob:     RecursiveGlob{Enabled: true},
		Format:            "auto",
		ScanFrequency:     10 * time.Second,
		CleanRemoved:      true,
		CleanRemovedAfter: 72 * time.Hour,
		Flight:            batch.DefaultFlight(),
		MaxRecordBytes:    records.DefaultMaxRecordBytes,
	}
}

// Validate joins all that is wrong.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Paths) == 0 {
		bad("paths: at least one file, folder or pattern is needed")
	}
	stdin := 0
	for i, p := range c.Paths {
		switch p {
		case "":
			bad("paths.%d: must not be empty", i)
		case "-":
			if stdin++; stdin == 2 {
				bad("paths.%d: standard input (-) can be read only once", i)
			}
		default:
			if err := checkPattern(p); err != nil {
				bad("paths.%d: %q is not a valid pattern: %w", i, p, err)
			}
		}
	}
	for i, e := range c.ExcludeFiles {
		if _, err := regexp.Compile(e); err != nil {
			bad("exclude_files.%d: is %q, which is no regular expression (of RE2): %w; a dot is \\., anything is .*", i, e, err)
		}
	}
	if c.Format != "" && c.Format != "auto" && c.Format != "ndjson" {
		bad("format: must be auto or ndjson, is %q", c.Format)
	}
	if c.ScanFrequency <= 0 {
		bad("scan_frequency: must be > 0, is %s", c.ScanFrequency)
	}
	if c.IgnoreOlder < 0 {
		bad("ignore_older: must be >= 0, is %s", c.IgnoreOlder)
	}
	if c.CleanRemovedAfter < 0 {
		bad("clean_removed_after: must be >= 0, is %s", c.CleanRemovedAfter)
	}
	c.Flight.Validate(bad)
	batch.ValidateRecordBytes(c.MaxRecordBytes, bad)
	return errors.Join(errs...)
}
