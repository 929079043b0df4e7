package main

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// plainBody is a source with our own names.
func plainBody(name, bucket, more string) string {
	return `{"name": "` + name + `", "input": {"type": "aws-s3", "bucket_arn": "arn:aws:s3:::` + bucket + `", "access_key_id": "AKIAOWN",
		"secret_access_key": "own-secret-access-key", "bucket_list_interval": "1h"}` + more + `}`
}

// untilThere waits until each of the events is there, once or, as a process was killed before it could note what it had written, twice:
// files do not know what is in them.
func untilThere(t *testing.T, want []string) {
	t.Helper()
	require.Eventually(t, func() bool { return slices.Equal(want, slices.Compact(shipped(t))) }, 2*time.Minute, 20*time.Millisecond)
}

// A process that is killed between an order and its outcome carries it out at the next start; sources and outcomes are still there after
// that, and nothing is lost.
func TestManageKilled(t *testing.T) {
	f := newFakeAWS(t)
	f.inManagement(t, manageFile)
	f.putLog(t, "listed", logKey("us-east-1", "aaaa"), recordsOf(0, 40)...)
	// The test of the source hangs until the process is dead.
	var hang atomic.Bool
	hang.Store(true)
	dead := make(chan struct{})
	f.refuse = func(_ http.ResponseWriter, r *http.Request) bool {
		if hang.Load() && strings.HasPrefix(r.URL.Path, "/listed") {
			<-dead
		}
		return false
	}
	m := startManaged(t)
	code, answer := m.ask("POST", "/api/v1/sources", plainBody("trail", "listed", ""))
	require.Equal(t, 202, code)
	require.Eventually(t, func() bool {
		_, order := m.ask("GET", "/"+answer["message"].(string), "")
		return order["state"] == "running"
	}, time.Minute, 10*time.Millisecond)
	m.kill()
	hang.Store(false)
	close(dead)

	m = startManaged(t)
	order := m.outcome(answer["message"].(string))
	require.Equal(t, "succeeded", order["state"], "%v", order)
	untilThere(t, eventIDs(0, 40))
	m.kill()

	f.putLog(t, "listed", logKey("us-east-1", "bbbb"), recordsOf(40, 50)...)
	m = startManaged(t)
	untilThere(t, eventIDs(0, 50)) // the source is there, and goes on where it was
	assert.Equal(t, order, m.outcome(answer["message"].(string)), "the outcome outlives the process")
	code, list := m.ask("GET", "/api/v1/sources", "")
	require.Equal(t, 200, code)
	require.Len(t, list["sources"], 1)

	// A new configuration does not cost the sources anything either.
	require.NoError(t, m.cmd.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool { return len(pageURL.FindAllString(m.logged(), -1)) == 2 }, time.Minute, 10*time.Millisecond)
	urls := pageURL.FindAllStringSubmatch(m.logged(), -1)
	m.url = urls[1][1]
	id := list["sources"].([]any)[0].(map[string]any)["id"].(string)
	require.Eventually(t, func() bool {
		_, one := m.ask("GET", "/api/v1/sources/"+id, "")
		return one["status"].(map[string]any)["reading"] == true
	}, time.Minute, 10*time.Millisecond)
	m.stop()

	f.putLog(t, "listed", logKey("us-east-1", "cccc"), recordsOf(50, 55)...)
	code, stdout, stderr := trailbeat(t, "run", "--once")
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "received 5 = 5 indexed", "a run that reads once reads them too")
	assert.Equal(t, eventIDs(0, 55), slices.Compact(shipped(t)))
	noSecret(t, m.logged(), "own-secret-access-key")
}

// What a source says of routing and enrichment holds for its documents alone.
func TestManageRouting(t *testing.T) {
	f := newFakeAWS(t)
	f.inManagement(t, manageFile)
	change := func(record, from, to string) string { return strings.Replace(record, from, to, 1) }
	f.putLog(t, "listed", logKey("us-east-1", "aaaa"),
		record("plain"), change(record("noise"), "CreateUser", "ListUsers"), change(record("bare"), "CreateUser", "GetUser"),
		change(record("other"), "iam.amazonaws.com", "s3.amazonaws.com"))
	f.putLog(t, "second", logKey("us-east-1", "bbbb"), record("elsewhere"))
	create, _ := ownBodies()
	create = strings.Replace(create, `"routing_criterion": [], "catch_all": "_logpoint"`, `"catch_all": "Cold-Store", "routing_criterion": [
		{"type": "KeyPresentValueMatches", "key": "event.action", "value": "ListUsers", "operation": "discard", "repo": ""},
		{"type": "KeyPresentValueMatches", "key": "event.action", "value": "GetUser", "operation": "discard_raw", "repo": "_logpoint"},
		{"type": "KeyPresentValueMatches", "key": "event.provider", "value": "iam.amazonaws.com", "repo": "iam"}]`, 1)
	create = strings.Replace(create, `"NormalizationPolicy"`, `"EnrichmentPolicy": "team", "NormalizationPolicy"`, 1)
	m := startManaged(t)
	order := m.succeeds("POST", configAPI, create)
	assert.Contains(t, order["warnings"], `data.config.RoutingPolicy.catch_all: the repo "Cold-Store" is the data stream of the namespace cold_store`)
	m.succeeds("POST", "/api/v1/sources", plainBody("second", "second", ""))
	require.Eventually(t, func() bool { return len(shipped(t)) >= 4 }, 2*time.Minute, 20*time.Millisecond)
	m.stop()
	got := map[string]shippedDocument{}
	for _, doc := range shippedDocuments(t) {
		got[doc.Event.ID] = doc
	}
	assert.NotContains(t, got, "noise")
	assert.Len(t, got, 4)
	assert.Equal(t, "iam", got["plain"].DataStream.Namespace)
	assert.NotEmpty(t, got["plain"].Event.Original)
	assert.Equal(t, "default", got["bare"].DataStream.Namespace)
	assert.Empty(t, got["bare"].Event.Original)
	assert.Equal(t, "cold_store", got["other"].DataStream.Namespace)
	assert.Equal(t, "default", got["elsewhere"].DataStream.Namespace)
	assert.Equal(t, map[string]any{"team": "blue"}, got["plain"].Labels)
	assert.Empty(t, got["elsewhere"].Labels)
	assert.Empty(t, got["elsewhere"].Event.Original)
}

func TestManageRefuses(t *testing.T) {
	f := newFakeAWS(t)
	f.inManagement(t, manageFile)
	f.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/closed") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`))
		return true
	}
	m := startManaged(t)
	create, _ := ownBodies()
	own := m.succeeds("POST", configAPI, create)["source"].(string)

	t.Run("requests", func(t *testing.T) {
		const nobody = "/11111111-2222-4333-8444-555555555555"
		for name, c := range map[string]struct {
			method, path, body, media, token string
			code                             int
			want                             string
		}{
			"no token":               {"GET", configAPI, "", "", "-", 401, "management.token"},
			"a wrong token":          {"POST", configAPI, create, "", "wrong-token-0123456789", 401, "management.token"},
			"the document, no token": {"GET", "/api/v1/openapi.json", "", "", "-", 401, "management.token"},
			"another media type":     {"POST", configAPI, create, "text/plain", "", 415, "application/json"},
			"no media type":          {"POST", configAPI, create, "-", "", 415, "application/json"},
			"too large":              {"POST", configAPI, `{"data":"` + strings.Repeat("x", 1<<20) + `"}`, "", "", 413, "1048576 bytes"},
			"no JSON":                {"POST", configAPI, `{"data":`, "", "", 400, "no JSON"},
			"no UTF-8":               {"POST", configAPI, "{\"data\":\"\xff\"}", "", "", 400, "UTF-8"},
			"nothing":                {"POST", configAPI, " ", "", "", 400, "no JSON"},
			"a member":               {"POST", configAPI, strings.Replace(create, `"interval": 60`, `"interval": "often"`, 1), "", "", 400, "data.config.Source.interval"},
			"the name is taken":      {"POST", configAPI, create, "", "", 409, "has the name"},
			"an unknown id":          {"PUT", configAPI + nobody, create, "", "", 404, "there is none of that id"},
			"an id of another pool":  {"DELETE", "/configapi/pool-2/logpoint-1/LogSources/" + own, "", "", "", 404, "there is none of that id"},
			"an unknown order":       {"GET", "/monitorapi/pool-1/logpoint-1/orders" + nobody, "", "", "", 404, "there is none of that id"},
			"a method":               {"PATCH", configAPI, create, "", "", 405, "there are GET, POST"},
			"an address":             {"GET", "/configapi/pool-1/logpoint-1/Devices", "", "", "", 404, "openapi.json"},
			"a pool":                 {"GET", "/configapi/po%20ol/logpoint-1/LogSources", "", "", "", 404, "pool_UUID"},
			"plain, unknown member":  {"POST", "/api/v1/sources", `{"name": "a", "inputs": {}}`, "", "", 400, "inputs: is not known"},
			"plain, no name":         {"POST", "/api/v1/sources", `{"input": {}}`, "", "", 400, "name: is missing"},
			"plain, an option":       {"POST", "/api/v1/sources", plainBody("a", "b", `, "input": {"type": "aws-s3", "bucket": "x"}`), "", "", 400, "input.bucket"},
			"plain, a file":          {"POST", "/api/v1/sources", `{"name": "a", "input": {"type": "file", "paths": ["/etc"]}}`, "", "", 400, "management.types"},
			"plain, a credential file": {"POST", "/api/v1/sources", `{"name": "a", "input": {"type": "aws-s3", "bucket_arn": "arn:aws:s3:::b", "shared_credential_file": "/etc/trailbeat/keys"}}`,
				"", "", 400, "input.shared_credential_file: cannot be set here"},
			"plain, a variable": {"POST", "/api/v1/sources", strings.Replace(plainBody("a", "b", ""), "own-secret-access-key", "${HOME}", 1), "", "", 400, "management.references"},
			"plain, routing":    {"POST", "/api/v1/sources", plainBody("a", "b", `, "routing": {"rules": [{"when": {"has_fields": ["event.id"]}, "output": "nowhere"}]}`), "", "", 400, "routing.rules.0"},
			"plain, a switch for a text": {"POST", "/api/v1/sources", plainBody("a", "b", `, "routing": {"catch_all": {"namespace": false}}`), "", "", 400,
				"routing.catch_all.namespace: is true or false, but must be a text"},
			"plain, a text for a number": {"POST", "/api/v1/sources", `{"name": "a", "input": {"type": "aws-s3", "bucket_arn": "arn:aws:s3:::b", "number_of_workers": "5"}}`, "", "", 400,
				"input.number_of_workers: is a text, but must be a number"},
			"plain, of a pool": {"PUT", "/api/v1/sources/" + own, plainBody("a", "b", ""), "", "", 409, "configapi/pool-1/logpoint-1/LogSources/" + own},
			"plain, a switch":  {"GET", "/api/v1/sources?trash=maybe", "", "", "", 400, "trash: must be true or false"},
			"plain, not there": {"POST", "/api/v1/sources/" + own + "/restore", "", "", "", 409, "not in the trash"},
		} {
			req, err := http.NewRequest(c.method, m.url+c.path, strings.NewReader(c.body))
			require.NoError(t, err)
			if c.token == "" {
				c.token = manageToken
			}
			if c.token != "-" {
				req.Header.Set("Authorization", "Bearer "+c.token)
			}
			if c.media == "" {
				c.media = "application/json"
			}
			if c.media != "-" {
				req.Header.Set("Content-Type", c.media)
			}
			res, err := http.DefaultClient.Do(req)
			require.NoError(t, err, name)
			var answer struct {
				Status, Message string
				Errors          []struct{ Member, Message string }
			}
			require.NoError(t, json.NewDecoder(res.Body).Decode(&answer), name)
			_ = res.Body.Close()
			assert.Equal(t, c.code, res.StatusCode, "%s: %v", name, answer)
			assert.Equal(t, "Failed", answer.Status, name)
			assert.Contains(t, answer.Message, c.want, name)
			assert.NotContains(t, answer.Message, "own-secret-access-key", name)
			assert.Equal(t, "application/json; charset=utf-8", res.Header.Get("Content-Type"), name)
		}
	})

	t.Run("what a test finds", func(t *testing.T) {
		order := m.order("POST", "/api/v1/sources", plainBody("closed", "closed", ""))
		assert.Equal(t, "failed", order["state"])
		assert.Contains(t, order["message"], "nothing is changed")
		steps, err := json.Marshal(order["steps"])
		require.NoError(t, err)
		assert.Contains(t, string(steps), "AccessDenied")
		_, list := m.ask("GET", "/api/v1/sources", "")
		assert.Len(t, list["sources"], 1)
	})

	t.Run("the status page", func(t *testing.T) {
		code, _ := m.ask("GET", "/api/v1/status", "")
		assert.Equal(t, 200, code, "it needs no token here, and changes nothing")
	})
	m.stop()
	noSecret(t, m.logged(), "own-secret-access-key")
}

func TestManageNeedsAToken(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("trailbeat.yml", []byte("management.enabled: true\nhttp.enabled: false\noutput.file: {path: out}\n"), 0o600))
	code, _, stderr := trailbeat(t, "test", "config")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "management.token: is missing")
	assert.Contains(t, stderr, "http.enabled is false")
}

// The trash gives back what was deleted, with its place, and a purge leaves nothing.
func TestManageTrash(t *testing.T) {
	f := newFakeAWS(t)
	f.inManagement(t, manageFile)
	f.putLog(t, "listed", logKey("us-east-1", "aaaa"), recordsOf(0, 20)...)
	m := startManaged(t, "REFERRED=secret-by-reference")
	body := strings.Replace(plainBody("trail", "listed", ""), "own-secret-access-key", "${REFERRED}", 1)
	id := m.succeeds("POST", "/api/v1/sources", body)["source"].(string)
	untilShipped(t, eventIDs(0, 20))
	m.succeeds("DELETE", "/api/v1/sources/"+id, "")
	f.putLog(t, "listed", logKey("us-east-1", "bbbb"), recordsOf(20, 30)...)
	_, list := m.ask("GET", "/api/v1/sources?trash=true", "")
	require.Len(t, list["sources"], 1)
	m.succeeds("POST", "/api/v1/sources/"+id+"/restore", "")
	untilShipped(t, eventIDs(0, 30))
	_, one := m.ask("GET", "/api/v1/sources/"+id, "")
	assert.Equal(t, "${REFERRED}", one["input"].(map[string]any)["secret_access_key"])
	m.succeeds("DELETE", "/api/v1/sources/"+id, "")
	m.succeeds("DELETE", "/api/v1/sources/"+id+"?purge=true", "")
	code, _ := m.ask("GET", "/api/v1/sources/"+id, "")
	assert.Equal(t, 404, code)
	m.stop()
	code, stdout, _ := trailbeat(t, "state", "list")
	require.Zero(t, code)
	assert.NotContains(t, stdout, id, "its checkpoints are gone")
}
