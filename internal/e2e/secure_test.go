package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sampleEvents is the number of different events among the samples.
func sampleEvents(t testing.TB) int {
	return len(recordsIn(t, filepath.Join(repository, "testdata", "samples")))
}

// A writer that may only create documents ships them, and can do nothing else.
func TestSecureWriterThatMayOnlyCreate(t *testing.T) {
	n := newSecureNode(t)
	events := sampleEvents(t)
	const foreign = "setup.template.enabled: false"
	for _, c := range []struct {
		name     string
		may      rights
		template bool // the run may try to install the template
		exists   bool // the data stream is there
		fails    bool
	}{
		{name: "create into a stream that is there", may: createOnly, exists: true},
		{name: "create without a stream", may: createOnly, fails: true},
		{name: "make the stream", may: createStream},
		{name: "make the stream, template not for us to install", may: createStream, template: true},
		{name: "look first", may: createSeeing},
		{name: "install the template", may: createSetup, template: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			n.drop(t)
			n.install(t)
			if c.exists {
				n.must(t, http.MethodPut, "/_data_stream/"+n.stream, "")
			}
			data := t.TempDir()
			w := n.writer(t, c.may)
			seen := n
			if !n.openSearch && !strings.Contains(c.may.elastic, "monitor") {
				seen = n.complete(t)
			}
			path := seen.config(t, data, seen.trust(), w.options)
			if !c.template {
				appendTo(t, path, foreign)
			}
			said, code := n.trailbeat(t, path, "run", "--once")
			assert.NotContains(t, said, w.secret)
			if c.fails {
				assert.Equal(t, 1, code, said)
				assert.Len(t, errorLines(said), 1, said)
				assert.Contains(t, said, "is not allowed")
				assert.Zero(t, n.stored(t))
				// Nothing counts as read: with rights that do, all of it is shipped.
				path = n.config(t, data, n.trust(), n.writer(t, createStream).options)
				appendTo(t, path, foreign)
				said, code = n.trailbeat(t, path, "run", "--once")
			}
			require.Zero(t, code, said)
			assert.Contains(t, said, fmt.Sprintf("received %d = %d indexed", events, events))
			assert.Equal(t, events, n.stored(t))
			n.checkLimits(t, w.authorization)
		})
	}
}

// checkLimits tries what the writer must not be able to do.
func (n *secureNode) checkLimits(t *testing.T, authorization string) {
	t.Helper()
	var found struct {
		Hits struct {
			Hits []struct {
				Index string `json:"_index"`
				ID    string `json:"_id"`
				Seq   int64  `json:"_seq_no"`
				Term  int64  `json:"_primary_term"`
			}
		}
	}
	require.NoError(t, json.Unmarshal(n.must(t, http.MethodPost, "/"+n.stream+"/_search?size=1&seq_no_primary_term=true", "{}"), &found))
	require.Len(t, found.Hits.Hits, 1)
	hit := found.Hits.Hits[0]
	overwrite := [3]string{
		http.MethodPut, fmt.Sprintf("/%s/_doc/%s?if_seq_no=%d&if_primary_term=%d", hit.Index, hit.ID, hit.Seq, hit.Term),
		`{"@timestamp":"2026-11-20T00:00:00Z"}`,
	}
	forbidden := [][3]string{
		{http.MethodPost, "/" + n.stream + "/_search", "{}"},
		{http.MethodGet, "/" + hit.Index + "/_doc/" + hit.ID, ""},
		{http.MethodDelete, "/" + hit.Index + "/_doc/" + hit.ID, ""},
		{http.MethodDelete, "/" + hit.Index, ""},
		{http.MethodPost, "/other-index/_create/1", `{"@timestamp":"2026-11-20T00:00:00Z"}`},
	}
	if !n.openSearch {
		forbidden = append(forbidden, overwrite)
	}
	for _, request := range forbidden {
		status, body := n.do(t, authorization, request[0], request[1], request[2])
		assert.Equal(t, http.StatusForbidden, status, "%s %s: %s", request[0], request[1], body)
	}
}

func appendTo(t testing.TB, path, line string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(text, line+"\n"...), 0o644))
}

// 'trailbeat test output' says what the writer may do, before anything is written.
func TestSecureTestOutput(t *testing.T) {
	n := newSecureNode(t)
	n.install(t)
	check := func(may rights) (string, int) {
		return n.trailbeat(t, n.config(t, t.TempDir(), n.trust(), n.writer(t, may).options), "test", "output")
	}
	said, code := check(createSeeing)
	require.Zero(t, code, said)
	assert.Contains(t, said, "will be made by template")
	if n.openSearch {
		assert.Contains(t, said, "the server cannot be asked")
	} else {
		assert.NotContains(t, said, "skipped")
		said, code = check(createOnly)
		assert.Zero(t, code, said)
		assert.Contains(t, said, "grant auto_configure too")
		said, code = check(rights{elastic: `{"indices":[{"names":["other-*"],"privileges":["create_doc"]}]}`})
		assert.Equal(t, 1, code, said)
		assert.Contains(t, said, "grant create_doc")
	}
	assert.Zero(t, n.stored(t))
}

// After a rollover the same records are found in the older index by a writer that may read. Without that right they are
// stored again, and a warning says so.
func TestSecureDuplicatesAfterRollover(t *testing.T) {
	n := newSecureNode(t)
	events := sampleEvents(t)
	for _, c := range []struct {
		name   string
		may    rights
		copies int
	}{
		{"may read", createReading, 1},
		{"may not read", createSeeing, 2},
		{"may not see", createStream, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			n.drop(t)
			n.install(t)
			w := n.writer(t, c.may)
			seen := n
			if !n.openSearch && !strings.Contains(c.may.elastic, "monitor") {
				seen = n.complete(t)
			}
			ship := func() string {
				path := seen.config(t, t.TempDir(), seen.trust(), w.options) // it has forgotten what it read
				appendTo(t, path, "setup.template.enabled: false")
				said, code := n.trailbeat(t, path, "run", "--once")
				require.Zero(t, code, said)
				return said
			}
			ship()
			n.must(t, http.MethodPost, "/"+n.stream+"/_rollover", "")
			said := ship()
			assert.Equal(t, c.copies*events, n.stored(t), said)
			assert.Equal(t, c.copies > 1, strings.Contains(said, "will be stored again"), said)
		})
	}
}

// Wrong credentials end the run with one clear error. Nothing is acknowledged: with the right ones all is shipped.
func TestSecureWrongCredentials(t *testing.T) {
	n := newSecureNode(t)
	n.install(t)
	events := sampleEvents(t)
	for name, options := range map[string]string{
		"password":    fmt.Sprintf("username: %q\n  password: not-the-password", n.username),
		"user":        "username: nobody-of-that-name\n  password: not-the-password",
		"key":         "api_key: bm90LWEta2V5Om5vdC1hLXNlY3JldA==",
		"none at all": "timeout: 30s",
	} {
		for _, template := range []string{"true", "false"} {
			t.Run(name+", template "+template, func(t *testing.T) {
				n.drop(t)
				data := t.TempDir()
				path := n.config(t, data, n.trust(), options)
				appendTo(t, path, "setup.template.enabled: "+template)
				said, code := n.trailbeat(t, path, "run", "--once")
				assert.Equal(t, 1, code, said)
				lines := errorLines(said)
				if assert.Len(t, lines, 1, said) {
					assert.Contains(t, lines[0], "check username and password, or api_key")
				}
				assert.NotContains(t, said, "not-the-password")
				assert.NotContains(t, said, "bm90LWEta2V5")
				assert.Zero(t, n.stored(t))

				said, code = n.trailbeat(t, n.config(t, data, n.trust(), n.admin()), "run", "--once")
				require.Zero(t, code, said)
				assert.Equal(t, events, n.stored(t))
			})
		}
	}
}

// The ways to trust a server, and what happens where it is not trusted.
func TestSecureConnection(t *testing.T) {
	n := newSecureNode(t)
	n.install(t)
	authority, err := os.ReadFile(n.ca)
	require.NoError(t, err)
	block, _ := pem.Decode(authority)
	require.NotNil(t, block)
	sum := sha256.Sum256(block.Bytes)
	printed := hex.EncodeToString(sum[:])
	colons := strings.ToUpper(strings.TrimSuffix(regexp.MustCompile("..").ReplaceAllString(printed, "$0:"), ":"))
	const unverified = "certificates are not verified"

	events := sampleEvents(t)
	inline := "ssl.certificate_authorities:\n    - |\n      " + strings.ReplaceAll(strings.TrimSpace(string(authority)), "\n", "\n      ")
	for name, c := range map[string]struct {
		options string
		warns   bool
	}{
		"authority in a file": {n.trust(), false},
		"authority inline":    {inline, false},
		"certificate":         {n.trust() + "\n  ssl.verification_mode: certificate", false},
		"fingerprint":         {"ssl.ca_trusted_fingerprint: " + printed, false},
		"fingerprint, colons": {fmt.Sprintf("ssl.ca_trusted_fingerprint: %q", colons), false},
		"none":                {"ssl.verification_mode: none", true},
	} {
		t.Run(name, func(t *testing.T) {
			n.drop(t)
			said, code := n.trailbeat(t, n.config(t, t.TempDir(), c.options, n.admin()), "run", "--once")
			require.Zero(t, code, said)
			assert.Equal(t, events, n.stored(t))
			want := 0
			if c.warns {
				want = 1
			}
			assert.Equal(t, want, strings.Count(said, unverified), said)
		})
	}
	n.drop(t)
	for name, options := range map[string]string{
		"unknown authority":      "ssl.verification_mode: full",
		"another's fingerprint":  "ssl.ca_trusted_fingerprint: " + strings.Repeat("0", 64),
		"pin of another's key":   n.trust() + "\n  ssl.ca_sha256: [\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]",
		"protocol version of no": n.trust() + "\n  ssl.supported_protocols: [TLSv1.0]",
	} {
		t.Run(name, func(t *testing.T) {
			said, code := n.trailbeat(t, n.config(t, t.TempDir(), options, n.admin()), "test", "output")
			assert.Equal(t, 1, code, said)
			assert.Contains(t, said, "FAILED")
			assert.Contains(t, said, "ssl.", "the message names what to set")
			assert.NotContains(t, said, unverified)
			t.Log(said)
		})
	}
	assert.Zero(t, n.stored(t))
}
