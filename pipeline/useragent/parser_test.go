package useragent

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestConfigValidate(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	require.NoError(t, Config{}.Validate())
	_, err := New(Config{Parser: "quick", CacheSize: -1, CacheBytes: -2, MaxLength: -3, Budget: -4, BudgetBurst: -5})
	require.EqualError(t, err, `making the user agent parser: parser: must be "uap" or "fast", is "quick"
cache_size: must be >= 0, is -1
cache_bytes: must be >= 0, is -2
max_length: must be >= 0, is -3
budget: must be >= 0, is -4
budget_burst: must be >= 0, is -5`)
	require.ErrorContains(t, Config{CacheSize: 1 << 30}.Validate(), "cache_size: must be at most")
}

func text(s string) *string { return &s }

// TestTemplates is what the processor of Elasticsearch makes of a match, and where it differs from uap-go.
func TestTemplates(t *testing.T) {
	cases := []struct {
		name string
		rule *rule
		ua   string
		want *match // nil: no match
	}{
		{"groups", &rule{expr: `(a)/(\d+)\.(\d+)`}, "x a/1.2", &match{"a", [4]string{"1", "2"}}},
		{"five groups", &rule{expr: `(a)/(1)(2)(3)(4)`}, "a/1234", &match{"a", [4]string{"1", "2", "3", "4"}}},
		{"no match", &rule{expr: `(a)/(\d+)`}, "b/1", nil},
		{"no name group", &rule{expr: `a`}, "a", nil},
		{"name group took no part", &rule{expr: `(b)?a`}, "a", nil},
		{"name of no letters", &rule{expr: `(b?)a`}, "a", &match{}},
		{"constant name", &rule{expr: `(a)/(\d+)`, name: text("Ay")}, "a/1", &match{"Ay", [4]string{"1"}}},
		{"first $1 only", &rule{expr: `(a)(b)`, name: text("$1 $2 $1")}, "ab", &match{"a $2 $1", [4]string{"b"}}},
		{"$1 without a group", &rule{expr: `a`, name: text("$1")}, "a", &match{name: "$1"}},
		{"nothing is trimmed", &rule{expr: `(a )`}, "a ", &match{name: "a "}},
		{"version is literal", &rule{expr: `(a)(b)`, version: [4]*string{text("$1"), text(""), text("7")}}, "ab", &match{"a", [4]string{"$1", "", "7"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var m match
			ok := c.rule.apply(&agent{ua: c.ua, masked: c.ua}, &m)
			require.Equal(t, c.want != nil, ok)
			if ok {
				require.Equal(t, *c.want, m)
			}
		})
	}
}

func TestJoinVersion(t *testing.T) {
	for want, parts := range map[string][4]string{
		"":        {"", "1"},
		"1":       {"1", "", "3"},
		"1.2":     {"1", "2", "", "4"},
		"1.2.3":   {"1", "2", "3"},
		"1.2.3.4": {"1", "2", "3", "4"},
	} {
		require.Equal(t, want, joinVersion(parts))
	}
}

// TestExact is what the rules say of agents of every kind that CloudTrail holds.
func TestExact(t *testing.T) {
	p := newParser(t, nil)
	for ua, want := range map[string]Info{
		"aws-cli/1.16.310 Python/3.8.1 Darwin/18.7.0 botocore/1.13.46": {Name: "aws-cli", Version: "1.16.310", DeviceName: "Spider"},
		"Boto3/1.34.5 Python/3.11.6 Linux/6.1.0 Botocore/1.34.5":       {"Boto3", "1.34.5", "Linux", "6.1.0", "Linux 6.1.0", "Spider"},
		"signin.amazonaws.com": {Name: "Other", DeviceName: "Other"},
		"curl/8.5.0":           {Name: "curl", Version: "8.5.0", DeviceName: "Other"},
		"":                     {Name: "Other", DeviceName: "Other"},
		sdkAgent:               {Name: "aws-sdk-go", Version: "1.44.157", OSName: "Linux", DeviceName: "Other"},
		browserAgent:           {"Chrome", "140.0.0.0", "Mac OS X", "10.15.7", "Mac OS X 10.15.7", "Mac"},
	} {
		require.Equal(t, want, p.Parse(ua), ua)
	}
	require.EqualValues(t, 7, p.Stats().Parses, "none by the fast parser")
}

func TestHitAllocatesNothing(t *testing.T) {
	p := newParser(t, nil)
	p.Parse(browserAgent)
	require.Zero(t, testing.AllocsPerRun(100, func() { p.Parse(browserAgent) }))
}

// TestBufferIsNotKept changes the memory that an agent was parsed from.
func TestBufferIsNotKept(t *testing.T) {
	for _, change := range []func(*Config){
		func(*Config) {},
		func(c *Config) { c.Parser = ParserFast },
		func(c *Config) { c.MaxLength = 40 },
		func(c *Config) { c.Budget, c.BudgetBurst, c.CacheSize = 1, 1, 0 },
	} {
		p := newParser(t, change)
		buffer := []byte(sdkAgent)
		info := p.Parse(unsafeString(buffer))
		want := info
		want.Name, want.Version, want.OSName = strings.Clone(info.Name), strings.Clone(info.Version), strings.Clone(info.OSName)
		for i := range buffer {
			buffer[i] = 'x'
		}
		require.Equal(t, want, info)
		require.Equal(t, want, p.Parse(sdkAgent))
	}
}

func TestTooLong(t *testing.T) {
	p := newParser(t, func(c *Config) { c.MaxLength = 100 })
	long := "aws-cli/1.2.3 Linux/4.5.6 " + strings.Repeat("x", 100)
	require.Equal(t, Info{"aws-cli", "1.2.3", "Linux", "4.5.6", "Linux 4.5.6", "Other"}, p.Parse(long))
	p.Parse(long)
	s := p.Stats()
	require.EqualValues(t, 2, s.FallbackLength, "not kept")
	require.Zero(t, s.Parses+s.Hits)
	require.Zero(t, s.CacheEntries)

	p = newParser(t, func(c *Config) { c.MaxLength = 0 })
	p.Parse(strings.Repeat(long, 20))
	require.EqualValues(t, 1, p.Stats().Parses)
}

// TestBudget spends the burst, meets the fast parser, and gets the exact answer for the same agent later.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParser(t, func(c *Config) { c.Budget, c.BudgetBurst = 2, 3 })
		agent := func(i int) string { return fmt.Sprintf("curl/7.%d.0", i) }
		for i := range 3 {
			p.Parse(agent(i))
		}
		require.Zero(t, p.Stats().FallbackBudget)
		for range 2 {
			require.Equal(t, "curl", p.Parse(agent(9)).Name)
		}
		require.EqualValues(t, 2, p.Stats().FallbackBudget, "what the guard refused is not kept")
		p.Parse(agent(0))
		require.EqualValues(t, 1, p.Stats().Hits, "what is known stays known")

		time.Sleep(500 * time.Millisecond)
		p.Parse(agent(9))
		require.EqualValues(t, 4, p.Stats().Parses)
		p.Parse(agent(9))
		require.EqualValues(t, 2, p.Stats().Hits)
		p.Parse(agent(10))
		require.EqualValues(t, 3, p.Stats().FallbackBudget)

		time.Sleep(time.Hour)
		for i := 20; i < 24; i++ {
			p.Parse(agent(i))
		}
		require.EqualValues(t, 4, p.Stats().FallbackBudget, "no more than the burst is saved up")
	})
}

func TestBudgetPrices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(1, 5)
		require.True(t, b.take(1024), "four")
		require.False(t, b.take(257), "two")
		require.True(t, b.take(0), "one")
		require.False(t, b.take(1))
		time.Sleep(5 * time.Second)
		require.True(t, b.take(1<<20), "more than the burst costs all of it")
		require.False(t, b.take(1))
	})
	require.True(t, newBudget(0, 0).take(1<<30), "no limit")
	require.EqualValues(t, 7, newBudget(7, 0).burst)
}

func TestCacheBounds(t *testing.T) {
	key := func(i int) string { return fmt.Sprintf("agent %d %s", i, strings.Repeat("x", 100)) }
	t.Run("entries", func(t *testing.T) {
		c := newCache(64, 0)
		for i := range 10_000 {
			c.put(key(i), Info{Name: key(i)})
			require.Equal(t, key(i), c.get(key(i)).Name)
		}
		require.LessOrEqual(t, c.entries.Load(), int64(64))
		require.EqualValues(t, 10_000, c.entries.Load()+int64(c.evicted.Load()))
	})
	t.Run("bytes", func(t *testing.T) {
		c := newCache(10_000, 100_000)
		for i := range 10_000 {
			c.put(key(i), Info{})
			require.LessOrEqual(t, c.bytes.Load(), int64(100_000))
		}
		require.Greater(t, c.bytes.Load(), int64(50_000))
		c.put(strings.Repeat("x", 200_000), Info{})
		require.Nil(t, c.get(strings.Repeat("x", 200_000)), "larger than the whole")
	})
	t.Run("what is used outlives a flood", func(t *testing.T) {
		c := newCache(1024, 0)
		for i := range 100_000 {
			if c.get("often") == nil {
				require.Zero(t, i, "driven out")
				c.put("often", Info{Name: "often"})
			}
			c.put(key(i), Info{})
		}
	})
	t.Run("twice", func(t *testing.T) {
		c := newCache(8, 0)
		c.put("a", Info{Name: "first"})
		c.put("a", Info{Name: "second"})
		require.EqualValues(t, 1, c.entries.Load())
		require.Equal(t, "first", c.get("a").Name)
	})
	t.Run("none", func(t *testing.T) {
		c := newCache(0, 0)
		c.put("a", Info{})
		require.Nil(t, c.get("a"))
		require.Zero(t, c.hits())
	})
}

func TestConcurrent(t *testing.T) {
	p := newParser(t, func(c *Config) { c.CacheSize, c.CacheBytes, c.Budget = 32, 8000, 0 })
	rules := testRules(t)
	agents := make([]string, 60)
	want := make([]Info, len(agents))
	for i := range agents {
		agents[i] = fmt.Sprintf("aws-cli/2.%d.0 Python/3.%d.0 Linux/5.%d.0 botocore/1.0.0", i, i, i)
		want[i] = rules.parse(agents[i])
	}
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			for i := range 2000 {
				n := (i*7 + w*i) % len(agents)
				if i%3 > 0 {
					n %= 5
				}
				if got := p.Parse(agents[n]); got != want[n] {
					t.Errorf("%s: %+v", agents[n], got)
					return
				}
			}
		})
	}
	group.Wait()
	s := p.Stats()
	require.EqualValues(t, 8000, s.Hits+s.Parses)
	require.LessOrEqual(t, s.CacheEntries, int64(32))
}

func TestWarm(t *testing.T) {
	require.NoError(t, newParser(t, nil).Warm())
	require.NoError(t, newParser(t, func(c *Config) { c.Parser = ParserFast }).Warm())
}
