package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/needs"
	"github.com/trailbeat/trailbeat/internal/stack"
	"github.com/trailbeat/trailbeat/pipeline/geoip"
	"github.com/trailbeat/trailbeat/pipeline/useragent"
)

// simulate runs documents through processors of OpenSearch's ingest node and gives what came out.
func simulate(t testing.TB, engine stack.Engine, processors []any, sources []any) []map[string]any {
	t.Helper()
	const most = 500
	var results []map[string]any
	for ; len(sources) > 0; sources = sources[min(most, len(sources)):] {
		docs := []any{}
		for _, source := range sources[:min(most, len(sources))] {
			docs = append(docs, map[string]any{"_index": "referee", "_source": source})
		}
		question, err := json.Marshal(map[string]any{"pipeline": map[string]any{"processors": processors}, "docs": docs})
		require.NoError(t, err)
		var answer struct {
			Docs []struct {
				Doc struct {
					Source map[string]any `json:"_source"`
				} `json:"doc"`
				Error json.RawMessage `json:"error"`
			} `json:"docs"`
		}
		require.NoError(t, json.Unmarshal(engine.Must(t, http.MethodPost, "/_ingest/pipeline/_simulate", string(question)), &answer))
		require.Len(t, answer.Docs, len(docs))
		for i, d := range answer.Docs {
			require.Empty(t, d.Error, "%v", docs[i])
			results = append(results, d.Doc.Source)
		}
	}
	return results
}

// member is the value at a path of members, as text; empty where there is none.
func member(tree map[string]any, path ...string) string {
	switch v := at(tree, path).(type) {
	case string:
		return v
	case nil:
		return ""
	default:
		text, _ := json.Marshal(v)
		return string(text)
	}
}

func parityRecords(t testing.TB) string { return needs.Shared(t, "parity", "records.ndjson") }

func realRecords(t testing.TB) []rawRecord {
	bucket, _ := realBucket(t)
	return recordsIn(t, bucket)
}

// allAgents are the user agents of the reference and of the real files, each once, in order.
func allAgents(t testing.TB) []string {
	t.Helper()
	var agents []string
	data, err := os.ReadFile(needs.Shared(t, "parity", "user_agents.ndjson"))
	require.NoError(t, err)
	for _, line := range lines(t, data) {
		var agent struct{ Original string }
		require.NoError(t, json.Unmarshal(line, &agent))
		agents = append(agents, agent.Original)
	}
	for _, r := range append(recordsIn(t, parityRecords(t)), realRecords(t)...) {
		agents = append(agents, r.text("userAgent"))
	}
	slices.Sort(agents)
	return slices.DeleteFunc(slices.Compact(agents), func(a string) bool { return a == "" })
}

// refereeAgent is what OpenSearch makes of a user agent.
func refereeAgent(doc map[string]any) useragent.Info {
	agent, _ := doc["user_agent"].(map[string]any)
	return useragent.Info{
		Name: member(agent, "name"), Version: member(agent, "version"),
		OSName: member(agent, "os", "name"), OSVersion: member(agent, "os", "version"), OSFull: member(agent, "os", "full"),
		DeviceName: member(agent, "device", "name"),
	}
}

// agentDifference is a class of differences between OpenSearch's user_agent processor and ours.
type agentDifference struct {
	reason string
	// theirs makes of our answer what OpenSearch gives, and is false where the class does not apply.
	theirs func(ours useragent.Info) (useragent.Info, bool)
}

// agentDifferences are all the classes that are known. What fits none of them is a fault.
var agentDifferences = []agentDifference{
	{
		"its copy of uap-core is older: the rule for AWS tools does not know aws-sdk-go-v2 and its like yet",
		func(ours useragent.Info) (useragent.Info, bool) {
			known := strings.HasPrefix(ours.Name, "aws-sdk-go-v")
			ours.Name, ours.Version = "Other", ""
			return ours, known
		},
	},
	{
		"its older rule for Firefox ends in a group that matches nothing, and OpenSearch puts a dot before that empty part; " +
			"Elasticsearch leaves an empty part out, as the reference answers (136.0, not 136.0.) show",
		func(ours useragent.Info) (useragent.Info, bool) {
			ours.Version += "."
			return ours, ours.Name == "Firefox"
		},
	},
}

// OpenSearch's user_agent processor says the same as ours about each user agent of the reference and of the real files, less
// the differences that are explained.
func TestRefereeUserAgents(t *testing.T) {
	engine := stack.Find(t, stack.OpenSearch)
	agents := allAgents(t)
	require.Greater(t, len(agents), 150)
	var sources []any
	for _, agent := range agents {
		sources = append(sources, map[string]any{"agent": agent})
	}
	processor := map[string]any{"user_agent": map[string]any{"field": "agent"}}
	answers := simulate(t, engine, []any{processor}, sources)
	conf := useragent.DefaultConfig()
	conf.Budget, conf.MaxLength = 0, 0 // the rules decide about every agent
	parser, err := useragent.New(conf)
	require.NoError(t, err)
	equal, explained := 0, make([]int, len(agentDifferences))
	for i, agent := range agents {
		ours, theirs := parser.Parse(agent), refereeAgent(answers[i])
		if ours == theirs {
			equal++
			continue
		}
		class := slices.IndexFunc(agentDifferences, func(d agentDifference) bool {
			changed, applies := d.theirs(ours)
			return applies && changed == theirs
		})
		if assert.GreaterOrEqual(t, class, 0, "%s: ours %+v, OpenSearch's %+v", agent, ours, theirs) {
			explained[class]++
		}
	}
	t.Logf("%d of %d user agents equal", equal, len(agents))
	for i, n := range explained {
		t.Logf("%d differ: %s", n, agentDifferences[i].reason)
	}
}

// geoDir is where OpenSearch keeps the databases of its geoip processor.
func geoDir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("TRAILBEAT_TEST_GEOIP_DIR"); dir != "" {
		return dir
	}
	home := os.Getenv("STACK_HOME")
	if home == "" {
		cache, err := os.UserCacheDir()
		require.NoError(t, err)
		home = filepath.Join(cache, "trailbeat-stack")
	}
	found, err := filepath.Glob(filepath.Join(home, "opensearch", "opensearch-*", "modules", "ingest-geoip"))
	require.NoError(t, err)
	if len(found) > 0 {
		return found[len(found)-1]
	}
	t.Skip("needs the databases of OpenSearch: name the folder modules/ingest-geoip of the OpenSearch that runs in TRAILBEAT_TEST_GEOIP_DIR")
	return ""
}

// notPublic are the blocks of IPv4 that nobody has in the internet, beside those that netip knows.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
}

// wideBlocks are blocks of IPv6 that are in use, as nearly all of 2000::/3 is not.
var wideBlocks = []netip.Addr{
	netip.MustParseAddr("2001:4860::"), netip.MustParseAddr("2404:6800::"), netip.MustParseAddr("2600:1f18::"),
	netip.MustParseAddr("2603:1000::"), netip.MustParseAddr("2804:14c::"), netip.MustParseAddr("2a00:1450::"),
	netip.MustParseAddr("2a02:8100::"), netip.MustParseAddr("2a05:d018::"), netip.MustParseAddr("2406:da1c::"),
}

// publicAddresses are always the same n addresses, spread over the whole internet, one in five of them IPv6.
func publicAddresses(n int) []netip.Addr {
	var all []netip.Addr
	for i := 0; len(all) < n; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "address %d", i))
		if i%5 == 0 {
			wide := [16]byte(sum[:16])
			block := wideBlocks[i/5%len(wideBlocks)].As16()
			copy(wide[:4], block[:4])
			all = append(all, netip.AddrFrom16(wide))
			continue
		}
		addr := netip.AddrFrom4([4]byte(sum[:4]))
		reserved := slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(addr) })
		if addr.IsGlobalUnicast() && !addr.IsPrivate() && !reserved {
			all = append(all, addr)
		}
	}
	return all
}

// refereeInfo is what OpenSearch knows of an address.
func refereeInfo(doc map[string]any) geoip.Info {
	geo, _ := doc["geo"].(map[string]any)
	as, _ := doc["as"].(map[string]any)
	info := geoip.Info{Geo: geoip.Geo{
		ContinentName: member(geo, "continent_name"), CountryISOCode: member(geo, "country_iso_code"),
		CountryName: member(geo, "country_name"), RegionISOCode: member(geo, "region_iso_code"),
		RegionName: member(geo, "region_name"), CityName: member(geo, "city_name"),
	}}
	if at, ok := geo["location"].(map[string]any); ok {
		lat, _ := at["lat"].(float64)
		lon, _ := at["lon"].(float64)
		info.Geo.Location = geoip.Location{Lat: lat, Lon: lon, Set: true}
	}
	number, _ := as["asn"].(float64)
	info.AS = geoip.AS{Number: uint32(number), Organization: member(as, "organization_name")}
	return info
}

// OpenSearch's geoip processor says the same as ours about 1,000 addresses, and about those of the real files and of the
// reference, from the same databases. No difference is explained: there is none.
func TestRefereeAddresses(t *testing.T) {
	engine := stack.Find(t, stack.OpenSearch)
	dir := geoDir(t)
	conf := geoip.DefaultConfig()
	conf.City, conf.ASN = filepath.Join(dir, "GeoLite2-City.mmdb"), filepath.Join(dir, "GeoLite2-ASN.mmdb")
	conf.ReloadInterval = 0
	for _, file := range []string{conf.City, conf.ASN} {
		require.FileExists(t, file, "TRAILBEAT_TEST_GEOIP_DIR names the wrong folder")
	}
	db, err := geoip.Open(conf, nil)
	require.NoError(t, err)
	defer db.Close()

	t.Run("public", func(t *testing.T) {
		found := compareAddresses(t, engine, db, publicAddresses(1000))
		assert.Greater(t, found.placed, 900)
		assert.Greater(t, found.cities, 250)
		assert.Greater(t, found.owned, 600)
	})
	t.Run("records", func(t *testing.T) {
		var addresses []netip.Addr
		for _, r := range append(recordsIn(t, parityRecords(t)), realRecords(t)...) {
			if addr, err := netip.ParseAddr(r.text("sourceIPAddress")); err == nil && !slices.Contains(addresses, addr) {
				addresses = append(addresses, addr)
			}
		}
		assert.NotZero(t, compareAddresses(t, engine, db, addresses).placed)
	})
	assert.Zero(t, db.Failures())
}

// answered counts what was known of addresses: a country, a city, an owner.
type answered struct{ placed, cities, owned int }

func compareAddresses(t *testing.T, engine stack.Engine, db *geoip.DB, addresses []netip.Addr) answered {
	t.Helper()
	var sources []any
	for _, a := range addresses {
		sources = append(sources, map[string]any{"ip": a.String()})
	}
	look := func(target, file string) any {
		return map[string]any{"geoip": map[string]any{"field": "ip", "target_field": target, "database_file": file}}
	}
	answers := simulate(t, engine, []any{look("geo", "GeoLite2-City.mmdb"), look("as", "GeoLite2-ASN.mmdb")}, sources)
	var n answered
	for i, addr := range addresses {
		info := db.Lookup(addr)
		assert.Equal(t, refereeInfo(answers[i]), info, "%s", addr)
		if info.Geo.CountryName != "" {
			n.placed++
		}
		if info.Geo.CityName != "" {
			n.cities++
		}
		if info.AS.Number != 0 {
			n.owned++
		}
	}
	t.Logf("%d addresses, %d with a country, %d with a city, %d with an owner", len(addresses), n.placed, n.cities, n.owned)
	return n
}
