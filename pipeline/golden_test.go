package pipeline_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline"
	"github.com/trailbeat/trailbeat/pipeline/geoip"
	"github.com/trailbeat/trailbeat/pipeline/geoip/geoiptest"
)

var update = flag.Bool("update", false, "rewrite the expected documents under testdata")

// goldenTime is when the golden records were read.
const goldenTime = "2026-11-20T08:00:00.123456789Z"

// goldenCase is the optional case.yml of a case.
type goldenCase struct {
	Tags   []string `yaml:"tags"`
	Retain string   `yaml:"retain"`
	// Refused says that an index takes no such document: a value is not of the type of its field.
	Refused bool `yaml:"refused"`
}

// geoDatabases are small databases of documentation addresses, so that goldens show geo data too.
func geoDatabases(t testing.TB) *geoip.Config {
	t.Helper()
	dir := t.TempDir()
	cfg := geoip.DefaultConfig()
	cfg.City, cfg.ASN = filepath.Join(dir, "city.mmdb"), filepath.Join(dir, "asn.mmdb")
	geoiptest.WriteCity(t, cfg.City, map[string]geoiptest.City{
		"203.0.113.0/24": {
			Continent: "Europe", CountryISO: "GB", Country: "United Kingdom", City: "Boxford",
			Subdivisions: []geoiptest.Subdivision{{ISO: "WBK", Name: "West Berkshire"}}, Location: []float64{51.75, -1.25},
		},
		"2001:db8::/32": {Continent: "Asia", CountryISO: "JP", Country: "Japan"},
	})
	geoiptest.WriteASN(t, cfg.ASN, map[string]geoiptest.ASN{
		"203.0.113.0/24": {Number: 64496, Organization: "Example Networks"},
	})
	return &cfg
}

// Every case under testdata/cloudtrail becomes its expected document, whose fields are all declared in fields.yml with the
// type that they have.
func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob(filepath.Join("..", "testdata", "cloudtrail", "*", "input.json"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(inputs), 85, "cases are missing")
	base, err := pipeline.New(pipeline.Config{GeoIP: geoDatabases(t)})
	require.NoError(t, err)
	defer func() { require.NoError(t, base.Close()) }()

	actions := map[string]bool{}
	ids := map[string]string{}
	for _, input := range inputs {
		dir := filepath.Dir(input)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			raw, err := os.ReadFile(input)
			require.NoError(t, err)
			raw = compacted(raw)
			conf := goldenCase{Tags: []string{"preserve_original_event", "actor_target_mapping"}}
			if text, err := os.ReadFile(filepath.Join(dir, "case.yml")); err == nil {
				require.NoError(t, yaml.Unmarshal(text, &conf))
			}
			p, err := base.With(pipeline.Config{Retain: conf.Retain})
			require.NoError(t, err)
			var ev ecs.Event
			ev.Timestamp = goldenTime
			ev.Tags = append(ev.Tags, conf.Tags...)
			require.NoError(t, p.Process(raw, &ev))
			got := ev.AppendJSON(nil)
			actions[ev.Event.Action] = true

			if conf.Refused {
				assert.Error(t, ecs.CheckDocument(got))
			} else {
				assert.NoError(t, ecs.CheckDocument(got))
			}
			if ev.Event.ID != "" {
				assert.Len(t, ev.Meta.ID, 32)
				assert.Empty(t, ids[ev.Meta.ID], "two cases with one _id")
				ids[ev.Meta.ID] = t.Name()
			}
			compareGolden(t, filepath.Join(dir, "expected.json"), got)
		})
	}
	delete(actions, "")
	assert.GreaterOrEqual(t, len(actions), 80, "different API calls")
}

// compacted is a record as CloudTrail writes it, on one line. What is no JSON stays as it is.
func compacted(raw []byte) []byte {
	var line bytes.Buffer
	if json.Compact(&line, raw) == nil {
		return line.Bytes()
	}
	return bytes.TrimSuffix(raw, []byte("\n"))
}

func compareGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		var pretty bytes.Buffer
		require.NoError(t, json.Indent(&pretty, got, "", "  "))
		pretty.WriteByte('\n')
		require.NoError(t, os.WriteFile(path, pretty.Bytes(), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test ./pipeline -update writes it")
	assert.JSONEq(t, string(want), string(got))
}
