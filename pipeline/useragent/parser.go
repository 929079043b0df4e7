package useragent

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

// Parser parses user agents. It is safe for concurrent use. Make one with [New].
type Parser struct {
	fast      bool
	maxLength int
	cache     *cache
	budget    *budget
	rules     func() (*ruleSet, error)

	parses, fastParses                   atomic.Uint64
	overLength, overBudget, withoutRules atomic.Uint64
}

// New returns a Parser, or what is wrong with cfg. It loads no rules: the first new agent does, or [Parser.Warm].
func New(cfg Config) (*Parser, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("making the user agent parser: %w", err)
	}
	return &Parser{
		fast:      cfg.Parser == ParserFast,
		maxLength: cfg.MaxLength,
		cache:     newCache(cfg.CacheSize, cfg.CacheBytes),
		budget:    newBudget(cfg.Budget, cfg.BudgetBurst),
		rules:     sync.OnceValues(loadRules),
	}, nil
}

// Warm loads the rules now, so that the first agent does not wait for it (some milliseconds). It may be called more than once, and
// from any goroutine. An error means that the embedded rules cannot be read; Parse then answers with the fast parser.
func (p *Parser) Warm() error {
	if p.fast {
		return nil
	}
	_, err := p.rules()
	return err
}

// Parse returns what is known of ua. The answer does not refer to ua's memory, so ua may point into a buffer that is used again.
func (p *Parser) Parse(ua string) Info {
	if info := p.cache.get(ua); info != nil {
		return *info
	}
	return p.parseNew(ua)
}

// parseNew answers what the cache does not know.
func (p *Parser) parseNew(ua string) Info {
	if p.maxLength > 0 && len(ua) > p.maxLength {
		p.overLength.Add(1)
		return fastParse(strings.Clone(ua[:p.maxLength]))
	}
	own := strings.Clone(ua) // the cache and the answer keep parts of it
	if p.fast {
		p.fastParses.Add(1)
		info := fastParse(own)
		p.cache.put(own, info)
		return info
	}
	if !p.budget.take(len(own)) {
		p.overBudget.Add(1)
		return fastParse(own)
	}
	rules, err := p.rules()
	if err != nil {
		p.withoutRules.Add(1)
		return fastParse(own)
	}
	p.parses.Add(1)
	info := rules.parse(own)
	p.cache.put(own, info)
	return info
}

// Stats are counters since the Parser was made, and the cache's present size.
type Stats struct {
	Hits       uint64 // answers from the cache
	Parses     uint64 // answers of the rules
	FastParses uint64 // answers of the fast parser where the configuration asks for it
	// Answers of the fast parser in place of the rules, by reason: the agent is longer than Config.MaxLength, Config.Budget is spent, or
	// the rules cannot be loaded.
	FallbackLength, FallbackBudget, FallbackRules uint64
	Evictions                                     uint64 // answers that the cache gave up
	CacheEntries                                  int64  // agents in the cache
	CacheBytes                                    int64  // about what they take, in bytes
}

// Stats returns the counters. Safe for concurrent use; meant to be called every few seconds, not per event.
func (p *Parser) Stats() Stats {
	s := Stats{
		Hits:           p.cache.hits(),
		Parses:         p.parses.Load(),
		FastParses:     p.fastParses.Load(),
		FallbackLength: p.overLength.Load(),
		FallbackBudget: p.overBudget.Load(),
		FallbackRules:  p.withoutRules.Load(),
	}
	if p.cache != nil {
		s.Evictions, s.CacheEntries, s.CacheBytes = p.cache.evicted.Load(), p.cache.entries.Load(), p.cache.bytes.Load()
	}
	return s
}
