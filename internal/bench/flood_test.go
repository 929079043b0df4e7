package bench

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a flood costs is measured elsewhere. Here its records must be what they say: valid, different, and as large.
func TestFloods(t *testing.T) {
	src := source(t)
	for _, f := range Floods(1) {
		t.Run(f.Key, func(t *testing.T) {
			seen := map[string]bool{}
			for n := range 50 {
				var rec struct {
					UserAgent, SourceIPAddress, EventName string
					UserIdentity                          json.RawMessage
				}
				text := f.record(nil, src.records[n%len(src.records)], n)
				require.NoError(t, json.Unmarshal(text, &rec), "%s", text)
				require.NotEmpty(t, rec.EventName)
				switch f.Key {
				case "agents":
					require.False(t, seen[rec.UserAgent])
					seen[rec.UserAgent] = true
				case "addresses":
					require.False(t, seen[rec.SourceIPAddress])
					seen[rec.SourceIPAddress] = true
				case "callers":
					if caller := string(rec.UserIdentity); strings.HasPrefix(caller, `{"`) {
						require.False(t, seen[caller])
						seen[caller] = true
					}
				default:
					require.InDelta(t, 256_000, len(text), 45_000)
				}
			}
		})
	}
	var table strings.Builder
	_, err := src.WriteFloods(&table, "", 0.001, 1e9, t.TempDir())
	require.NoError(t, err)
	require.Equal(t, 8, strings.Count(table.String(), "\n"))
}
