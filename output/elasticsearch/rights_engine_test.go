package elasticsearch

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/output"
)

// TestRights writes with keys of the least rights that docs/elasticsearch.md names, and with less.
func TestRights(t *testing.T) {
	get := func(name string) string { return os.Getenv("TRAILBEAT_TEST_SECURE_" + name) }
	if get("URL") == "" || get("CA") == "" {
		t.Skip("needs an Elasticsearch with security: set TRAILBEAT_TEST_SECURE_URL, _USERNAME, _PASSWORD and _CA")
	}
	const name = "logs-aws.cloudtrail.rights-default"
	secure := func(c *Config) {
		c.Index, c.SSL.CertificateAuthorities = name, []string{get("CA")}
	}
	root := open(t, get("URL"), secure, func(c *Config) { c.Username, c.Password = get("USERNAME"), get("PASSWORD") })
	defer root.Close()
	server, err := root.Server(t.Context())
	require.NoError(t, err)
	if server.Flavour != Elasticsearch {
		t.Skip("keys are those of Elasticsearch")
	}
	ask := func(method, path, body string) answer {
		t.Helper()
		var data []byte
		if body != "" {
			data = []byte(body)
		}
		a, err := root.client.call(t.Context(), method, path, data)
		require.NoError(t, err)
		return a
	}
	empty := func() {
		ask(http.MethodDelete, "/_data_stream/"+name, "")
		ask(http.MethodDelete, "/_index_template/trailbeat-"+name, "")
	}
	key := func(privileges string) string {
		t.Helper()
		a := ask(http.MethodPost, "/_security/api_key", `{"name":"rights","role_descriptors":{"r":{"cluster":["monitor"],
			"indices":[{"names":["logs-aws.cloudtrail.*"],"privileges":[`+privileges+`]}]}}}`)
		require.Equal(t, http.StatusOK, a.status, string(a.body))
		var made struct{ Encoded string }
		require.NoError(t, json.Unmarshal(a.body, &made))
		return made.Encoded
	}
	count := func() int {
		t.Helper()
		ask(http.MethodPost, "/"+name+"/_refresh", "")
		var found struct{ Count int }
		require.NoError(t, json.Unmarshal(ask(http.MethodGet, "/"+name+"/_count", "").body, &found))
		return found.Count
	}
	const create = `"create_doc","auto_configure"`
	for _, test := range []struct {
		name, privileges string
		running, fresh   output.Result // of the run that knows the state before the rollover, and of the next
		left             int
		required         bool
	}{
		{"all", create + `,"view_index_metadata","read","delete"`, output.Result{Duplicate: 5}, output.Result{Duplicate: 5}, 5, true},
		{"no delete", create + `,"view_index_metadata","read"`, output.Result{Duplicate: 5}, output.Result{Duplicate: 5}, 10, false},
		{"no read", create + `,"view_index_metadata"`, output.Result{Stored: 5}, output.Result{Duplicate: 5}, 10, false},
		{"create only", create, output.Result{Stored: 5}, output.Result{Duplicate: 5}, 10, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			empty()
			t.Cleanup(empty)
			conf := oneNode()
			_, err := root.Setup(t.Context(), conf, SetupOptions{})
			require.NoError(t, err)
			encoded := key(test.privileges)
			with := func(mode string) *Output {
				out := open(t, get("URL"), secure, func(c *Config) { c.APIKey, c.DeduplicateAcrossRollover = encoded, mode })
				t.Cleanup(func() { _ = out.Close() })
				return out
			}
			write := func(out *Output) output.Result {
				t.Helper()
				res, err := out.Write(t.Context(), dated(0, 5, time.Now()))
				require.NoError(t, err)
				return res
			}
			running := with(DeduplicateAuto)
			require.Equal(t, output.Result{Stored: 5}, write(running))
			ask(http.MethodPost, "/"+name+"/_rollover", "")
			assert.Equal(t, test.running, write(running))
			assert.Equal(t, test.fresh, write(with(DeduplicateAuto)))
			assert.Equal(t, test.left, count())

			_, err = with(DeduplicateRequired).Write(t.Context(), dated(0, 5, time.Now()))
			assert.Equal(t, !test.required, output.IsFatal(err), "%v", err)
			steps := with(DeduplicateRequired).Test(t.Context())
			last := steps[len(steps)-1]
			assert.Equal(t, !test.required, last.Err != nil, "%v", last)
		})
	}
}

// TestRightsOfSearch searches with the rights of an audit, and with less.
func TestRightsOfSearch(t *testing.T) {
	get := func(name string) string { return os.Getenv("TRAILBEAT_TEST_SECURE_" + name) }
	if get("URL") == "" || get("CA") == "" {
		t.Skip("needs an Elasticsearch with security: set TRAILBEAT_TEST_SECURE_URL, _USERNAME, _PASSWORD and _CA")
	}
	const name = "logs-aws.cloudtrail.search-default"
	secure := func(c *Config) { c.Index, c.SSL.CertificateAuthorities = name, []string{get("CA")} }
	root := open(t, get("URL"), secure, func(c *Config) { c.Username, c.Password = get("USERNAME"), get("PASSWORD") })
	defer root.Close()
	server, err := root.Server(t.Context())
	require.NoError(t, err)
	if server.Flavour != Elasticsearch {
		t.Skip("keys are those of Elasticsearch")
	}
	ask := func(method, path, body string) answer {
		t.Helper()
		a, err := root.client.call(t.Context(), method, path, []byte(body))
		require.NoError(t, err)
		return a
	}
	empty := func() {
		_, _ = root.client.call(t.Context(), http.MethodDelete, "/_data_stream/"+name, nil)
		_, _ = root.client.call(t.Context(), http.MethodDelete, "/_index_template/trailbeat-"+name, nil)
	}
	empty()
	defer empty()
	_, err = root.Setup(t.Context(), oneNode(), SetupOptions{})
	require.NoError(t, err)
	with := func(privileges string) *Output {
		a := ask(http.MethodPost, "/_security/api_key", `{"name":"search","role_descriptors":{"r":{"indices":[{"names":["logs-aws.cloudtrail.*"],"privileges":[`+privileges+`]}]}}}`)
		require.Equal(t, http.StatusOK, a.status, string(a.body))
		var made struct{ Encoded string }
		require.NoError(t, json.Unmarshal(a.body, &made))
		out := open(t, get("URL"), secure, func(c *Config) { c.APIKey = made.Encoded })
		t.Cleanup(func() { _ = out.Close() })
		return out
	}
	_, err = root.Write(t.Context(), dated(0, 5, time.Now()))
	require.NoError(t, err)

	reader := with(`"read"`)
	counts, err := reader.Copies(t.Context(), "", []string{dated(0, 1, time.Now())[0].Meta.ID, "absent"})
	require.NoError(t, err)
	assert.Equal(t, []int{1, 0}, counts, "also what no refresh has made visible")
	assert.Len(t, found(t, with(`"read","maintenance"`), output.Selection{}), 5, "it makes visible what was stored a moment ago")
	assert.Len(t, found(t, reader, output.Selection{}), 5)
	err = with(`"create_doc"`).Stored(t.Context(), output.Selection{}, func([]output.Stored) error { return nil })
	require.ErrorContains(t, err, "grant read on")
}
