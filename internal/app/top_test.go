package app

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/monitor/web"
	"github.com/trailbeat/trailbeat/internal/top"
)

// top asks a run in the middle of a write, with the token of the same configuration.
func TestTop(t *testing.T) {
	dir, err := os.MkdirTemp("", "tb") // the names of sockets are short
	require.NoError(t, err)
	defer func() { _ = os.RemoveAll(dir) }()
	socket := filepath.Join(dir, "s")
	w := &world{}
	ask := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code := Main(append([]string{"top"}, args...), IO{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}, w.components())
		return code, out.String(), errs.String()
	}
	var text, object, denied string
	w.onWrite = func() {
		var code int
		code, text, _ = ask()
		assert.Zero(t, code)
		code, object, _ = ask("-o", "json", "--url", "unix://"+socket)
		assert.Zero(t, code)
		code, _, denied = ask("-E", "http.auth.token=another-token-of-16")
		assert.Equal(t, 1, code)
	}
	config := "name: here\nhttp: {enabled: true, host: 'unix://" + socket + "', auth.token: 0123456789abcdef}\n" + configOf("records: ['"+listBuckets+"']", "")
	code, _, stderr := runApp(t, w, config, "run", "--once")
	require.Zero(t, code, stderr)
	assert.Contains(t, text, "trailbeat "+Version()+"  here")
	assert.Contains(t, text, "received 1\n")
	assert.Contains(t, text, "+ 1 in flight")
	assert.NotContains(t, text, "\x1b")
	var shot top.Snapshot
	require.NoError(t, json.Unmarshal([]byte(object), &shot), object)
	assert.EqualValues(t, 1, shot.Status.Flow.InFlight)
	assert.Contains(t, denied, "http.auth.token")

	code, _, stderr = ask()
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "no trailbeat answers at unix://"+socket+": start one with http.enabled: true")
	code, _, stderr = ask("--url", "localhost:5066")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "--url must be an address such as http://localhost:5066")
	code, _, stderr = ask("--output", "yaml")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "must be text or json")
}

func TestPlaceOfTop(t *testing.T) {
	for want, c := range map[string]web.Config{
		"http://localhost:5066":   {Host: "localhost", Port: 5066},
		"http://localhost:80":     {Host: "0.0.0.0", Port: 80},
		"https://[2001:db8::1]:9": {Host: "[2001:db8::1]", Port: 9, SSL: web.SSLConfig{Certificate: "missing.pem"}},
	} {
		client, err := watchClient(&c, "")
		require.NoError(t, err)
		assert.Equal(t, want, client.URL)
	}
	client, err := watchClient(&web.Config{Auth: web.AuthConfig{Token: "t"}}, "http://u:p@h:1/")
	require.NoError(t, err)
	assert.Equal(t, []string{"http://h:1/", "", "u", "p"}, []string{client.URL, client.Token, client.Username, client.Password})
}
