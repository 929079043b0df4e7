package app

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/trailbeat/trailbeat/internal/config"
)

// bytesFlag is a flag that is a number of bytes, written as in a configuration.
type bytesFlag int64

// Set reads it.
func (b *bytesFlag) Set(text string) error {
	n, err := config.ParseBytes(text)
	*b = bytesFlag(n)
	return err
}

// String writes it with the unit that leaves no rest.
func (b *bytesFlag) String() string {
	n, unit := int64(*b), ""
	for _, next := range []string{"KiB", "MiB", "GiB"} {
		if n == 0 || n%1024 != 0 {
			break
		}
		n, unit = n/1024, next
	}
	return strconv.FormatInt(n, 10) + unit
}

// Type is for the help.
func (b *bytesFlag) Type() string { return "bytes" }

// explainFlag says what a flag must be whose value was not understood.
func explainFlag(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	flag := invalid.GetFlag()
	switch flag.Value.Type() {
	case "int", "int64":
		return fmt.Errorf("--%s must be a whole number, is %q", flag.Name, invalid.GetValue())
	case "float64":
		return fmt.Errorf("--%s must be a number, is %q", flag.Name, invalid.GetValue())
	case "duration":
		return fmt.Errorf("--%s must be a duration, such as 90s, 5m or 24h, is %q", flag.Name, invalid.GetValue())
	case "bytes":
		return fmt.Errorf("--%s %w", flag.Name, errors.Unwrap(invalid))
	}
	return err
}
