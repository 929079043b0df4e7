package useragent

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/needs"
)

// exampleAgent is an agent with the answer of a cluster.
type exampleAgent struct {
	Original string
	Name     string
	Version  string
	OS       struct{ Name, Version, Full string }
	Device   struct{ Name string }
}

func (e exampleAgent) info() Info {
	return Info{e.Name, e.Version, e.OS.Name, e.OS.Version, e.OS.Full, e.Device.Name}
}

// clusterAgents reads the agents that a cluster has parsed.
func clusterAgents(t testing.TB) []exampleAgent {
	t.Helper()
	file, err := os.Open(needs.Shared(t, "parity", "user_agents.ndjson"))
	require.NoError(t, err)
	defer file.Close()
	var list []exampleAgent
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var a exampleAgent
		require.NoError(t, json.Unmarshal(lines.Bytes(), &a))
		list = append(list, a)
	}
	require.NotEmpty(t, list)
	return list
}

// realAgents reads the different agents of real CloudTrail files.
func realAgents(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(needs.Shared(t, "real", "cloudtrail"), "*.json"))
	require.NoError(t, err)
	var list []string
	seen := map[string]bool{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		var log struct {
			Records []struct{ UserAgent string }
		}
		require.NoError(t, json.Unmarshal(data, &log))
		for _, r := range log.Records {
			if !seen[r.UserAgent] {
				seen[r.UserAgent] = true
				list = append(list, r.UserAgent)
			}
		}
	}
	require.NotEmpty(t, list)
	return list
}

func newParser(t testing.TB, change func(*Config)) *Parser {
	t.Helper()
	cfg := DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	p, err := New(cfg)
	require.NoError(t, err)
	return p
}

func TestSameAsCluster(t *testing.T) {
	p := newParser(t, nil)
	for _, a := range clusterAgents(t) {
		require.Equal(t, a.info(), p.Parse(a.Original), a.Original)
		require.Equal(t, a.info(), p.Parse(a.Original), "from the cache: %s", a.Original)
	}
	s := p.Stats()
	require.Zero(t, s.FallbackLength+s.FallbackBudget+s.FallbackRules)
}

func TestFastOnClusterAgents(t *testing.T) {
	p := newParser(t, func(c *Config) { c.Parser = ParserFast })
	same := 0
	for _, a := range clusterAgents(t) {
		if got := p.Parse(a.Original); got == a.info() {
			same++
		} else {
			t.Logf("%s\n  cluster %+v\n  fast    %+v", a.Original, a.info(), got)
		}
	}
	t.Logf("%d of %d the same", same, len(clusterAgents(t)))
}
