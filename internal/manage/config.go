package manage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

// Config is the group management.
type Config struct {
	// Enabled serves the management API below http, and runs the sources that were made by it. Default false: they rest. It needs
	// management.token.
	Enabled bool `config:"enabled"`
	// Token is sent as "Authorization: Bearer TOKEN". It is not that of http.auth, which lets look and change nothing. At least 16
	// characters. No default.
	Token string `config:"token,secret"`
	// Types are the inputs that a source may be of. Others, such as file, can read what lies on this machine. Default [aws-s3,
	// aws-cloudwatch].
	Types []string `config:"types"`
	// References are names of the keystore or the environment that a source may name as ${NAME} in place of a secret. Default: none.
	References []string `config:"references"`
	// Enrichments are lists of processors that a source may name. Default: none.
	Enrichments map[string]Enrichment `config:"enrichments"`
	// TestTimeout is how long the test of a source may take. Default 60s.
	TestTimeout time.Duration `config:"test_timeout"`
	// DrainTimeout is how long a source that is edited or deleted may take to deliver what it has read. After it a deletion fails, and an
	// edit reads again what was not delivered. Default 5m.
	DrainTimeout time.Duration `config:"drain_timeout"`
	// TrashRetention is how long a source that was deleted can be restored. Default 720h (30 days). Zero: for ever.
	TrashRetention time.Duration `config:"trash_retention"`
}

// Enrichment is one member of management.enrichments.
type Enrichment struct {
	// Processors run after those of the source.
	Processors []*config.Section `config:"processors"`
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		Types: []string{"aws-s3", "aws-cloudwatch"}, TestTimeout: time.Minute, DrainTimeout: 5 * time.Minute, TrashRetention: 30 * 24 * time.Hour,
	}
}

var variable = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Validate joins all that is wrong.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch n := len(c.Token); {
	case n == 0 && c.Enabled:
		bad("token: is missing; whoever can change sources must show it. Make one with: openssl rand -hex 16")
	case n > 0 && n < 16:
		bad("token: has %d characters, but must have 16 or more; make one with: openssl rand -hex 16", n)
	case strings.ContainsAny(c.Token, " \t\r\n"):
		bad("token: must not contain white space")
	}
	if slices.Contains(c.Types, "") {
		bad("types: holds an empty name; remove it")
	}
	for i, name := range c.References {
		if !variable().MatchString(name) {
			bad("references.%d: must be a name of letters, digits and _, without ${}, is %q", i, name)
		}
	}
	for _, d := range []struct {
		option string
		value  time.Duration
	}{{"test_timeout", c.TestTimeout}, {"drain_timeout", c.DrainTimeout}} {
		if d.value <= 0 {
			bad("%s: must be > 0, is %s", d.option, d.value)
		}
	}
	if c.TrashRetention < 0 {
		bad("trash_retention: must be >= 0 (0: for ever), is %s", c.TrashRetention)
	}
	return errors.Join(errs...)
}
