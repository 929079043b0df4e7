package console

// Config is the section output.console.
type Config struct {
	// Pretty spreads each document over several indented lines, for people to read. The default, false, writes one
	// document a line (NDJSON).
	Pretty bool `config:"pretty"`
}

// DefaultConfig returns the configuration that holds where nothing is set.
func DefaultConfig() Config { return Config{} }

// Validate has nothing to object to. It is there because every configuration has it.
func (c *Config) Validate() error { return nil }
