package useragent

import (
	"errors"
	"fmt"
)

// The values of [Config.Parser].
const (
	// ParserUAP is exact: the rules of uap-core, as in Elasticsearch.
	ParserUAP = "uap"
	// ParserFast is github.com/mssola/useragent with an eye for the tools of AWS: quick and approximate.
	ParserFast = "fast"
)

// Config is the section user_agent of the configuration.
type Config struct {
	// Parser is "uap" (exact) or "fast" (approximate, 1-5 µs for every new agent). Default "uap", empty means the default.
	Parser string `config:"parser"`
	// CacheSize is the number of agents remembered, rounded up to a multiple of 8. Default 10000. 0 remembers nothing.
	CacheSize int `config:"cache_size"`
	// CacheBytes bounds the memory of the remembered agents, keys and answers. Default 16MiB. 0 means no bound but CacheSize.
	CacheBytes int64 `config:"cache_bytes,bytes"`
	// MaxLength is the longest agent, in bytes, that the exact parser is given; of a longer one the fast parser sees the first MaxLength bytes.
	// CloudTrail itself cuts user agents at 1 KB. Default 1024. 0 means no limit.
	MaxLength int `config:"max_length"`
	// Budget is how many new agents a second may go to the exact parser, once the burst is spent. An agent of more than 256 bytes counts once
	// more for every 256 bytes begun. Default 500: 1-3 % of one core where AWS's tools or desktop browsers write them, 4-7 % for old and mobile
	// browsers. 0 means no limit: every answer is exact.
	Budget int `config:"budget"`
	// BudgetBurst is how many new agents may go to the exact parser at once, at start and after a quiet time. Default 20000, twice CacheSize. 0 means one
	// second's Budget.
	BudgetBurst int `config:"budget_burst"`
}

// DefaultConfig returns the defaults named at the fields of [Config].
func DefaultConfig() Config {
	return Config{
		Parser:      ParserUAP,
		CacheSize:   10_000,
		CacheBytes:  16 << 20,
		MaxLength:   1024,
		Budget:      500,
		BudgetBurst: 20_000,
	}
}

// Validate names everything that is wrong with c, nil if nothing is.
func (c Config) Validate() error {
	var errs []error
	switch c.Parser {
	case "", ParserUAP, ParserFast:
	default:
		errs = append(errs, fmt.Errorf("parser: must be %q or %q, is %q", ParserUAP, ParserFast, c.Parser))
	}
	notNegative := func(name string, v int64) {
		if v < 0 {
			errs = append(errs, fmt.Errorf("%s: must be >= 0, is %d", name, v))
		}
	}
	notNegative("cache_size", int64(c.CacheSize))
	notNegative("cache_bytes", c.CacheBytes)
	notNegative("max_length", int64(c.MaxLength))
	notNegative("budget", int64(c.Budget))
	notNegative("budget_burst", int64(c.BudgetBurst))
	if c.CacheSize > 1<<24 {
		errs = append(errs, fmt.Errorf("cache_size: must be at most %d, is %d", 1<<24, c.CacheSize))
	}
	return errors.Join(errs...)
}
