package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

// history reads the event history of a fake AWS, and laterTrail the bucket that the account gets later.
const (
	history = `
trailbeat.inputs:
  - type: aws-cloudtrail
    id: history
    api_sleep: 0s
output.sqlite: {}
`
	laterTrail = `
trailbeat.inputs:
  - type: aws-s3
    id: trail
    bucket_arn: arn:aws:s3:::listed
output.sqlite: {}
`
)

// byEventID gives the documents of a database, without what tells of the way that they came.
func byEventID(t *testing.T, path string) map[string]map[string]any {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	rows, err := db.Query(`SELECT id, document FROM documents`)
	require.NoError(t, err)
	defer rows.Close()
	list := map[string]map[string]any{}
	for rows.Next() {
		var id, text string
		require.NoError(t, rows.Scan(&id, &text))
		var doc map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &doc))
		event := doc["event"].(map[string]any)
		delete(event, "ingested")
		delete(event, "created")
		delete(doc["aws"].(map[string]any), "s3")
		for _, name := range []string{"agent", "input", "log"} {
			delete(doc, name)
		}
		list[id] = doc
	}
	require.NoError(t, rows.Err())
	return list
}

// An account without a trail is covered by its event history. When it gets a trail, which delivers the same events as files, nothing is
// there twice, and the documents are those that the files make.
func TestEventHistoryThenTrail(t *testing.T) {
	f := newFakeAWS(t)
	h := f.History()
	h.Regions = []string{"us-east-1", "eu-west-1", "me-central-1"}
	var files [3][]string
	for i := range 300 {
		text := recordsOf(i, i+1)[0]
		if i%3 > 0 {
			text = strings.Replace(text, `"awsRegion":"us-east-1"`, `"awsRegion":"`+h.Regions[i%3]+`"`, 1)
		}
		h.Put(h.Regions[i%3], awstest.HistoryEvent{ID: fmt.Sprintf("event-%04d", i), At: time.Now().Add(-time.Duration(i) * time.Hour), Text: text})
		files[i%3] = append(files[i%3], text)
	}
	f.inAWS(t, history)
	code, stdout, stderr := trailbeat(t, "test", "input")
	require.Zero(t, code, stdout+stderr)
	assert.Contains(t, stdout, "3 are enabled: eu-west-1, me-central-1, us-east-1")
	assert.Contains(t, stdout, "3 of 3 regions can be read; the newest event is of ")
	assert.Contains(t, stdout, "CreateUser of iam.amazonaws.com, eventVersion 1.08")
	assert.NoFileExists(t, filepath.Join("data", "registry.db"), "a test stores nothing")

	code, stdout, stderr = trailbeat(t, "run", "--once")
	require.Zero(t, code, stderr)
	assert.Regexp(t, `^received 300 = 300 indexed \+ 0 duplicate `, stdout)
	assert.Contains(t, stdout, "300 events listed")
	code, stdout, stderr = trailbeat(t, "run", "--once")
	require.Zero(t, code, stderr)
	assert.Regexp(t, `^received 0 = `, stdout)
	code, stdout, _ = trailbeat(t, "state", "show", "history")
	require.Zero(t, code)
	assert.Contains(t, stdout, "history/me-central-1/management")
	assert.Contains(t, stdout, `"account":"123456789012"`)
	looked := byEventID(t, filepath.Join("data", "trailbeat.db"))

	// The trail delivers them all again.
	require.NoError(t, os.WriteFile("trailbeat.yml", []byte(strings.ReplaceAll(laterTrail, "\n    id: ",
		"\n    endpoint: ${AWS}\n    access_key_id: AKIAEXAMPLE\n    secret_access_key: example\n    id: ")), 0o600))
	for i, region := range h.Regions {
		f.putLog(t, "listed", logKey(region, "aaaa"), files[i]...)
	}
	code, stdout, stderr = trailbeat(t, "run", "--once")
	require.Zero(t, code, stderr)
	assert.Regexp(t, `^received 300 = 0 indexed \+ 300 duplicate `, stdout)
	all, distinct := documents(t)
	assert.Equal(t, 300, all)
	assert.Equal(t, 300, distinct)

	// On its own it makes the same documents.
	require.NoError(t, os.RemoveAll("data"))
	code, stdout, stderr = trailbeat(t, "run", "--once")
	require.Zero(t, code, stderr)
	assert.Regexp(t, `^received 300 = 300 indexed `, stdout)
	filed := byEventID(t, filepath.Join("data", "trailbeat.db"))
	require.Len(t, filed, 300)
	for id, doc := range filed {
		require.Equal(t, doc, looked[id])
	}
}

// What is not allowed is named with the action that would allow it. Without the right to ask for regions those are read that every
// account has.
func TestEventHistoryWithoutRights(t *testing.T) {
	f := newFakeAWS(t)
	h := f.History()
	for i, text := range recordsOf(0, 10) {
		h.Put("us-east-1", awstest.HistoryEvent{ID: fmt.Sprintf("event-%04d", i), At: time.Now().Add(-time.Duration(i) * time.Hour), Text: text})
	}
	f.inAWS(t, history)
	refused := "ListRegions"
	f.Hook(func(call string, _ *http.Request) *awstest.Fault {
		if call != refused {
			return nil
		}
		return &awstest.Fault{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: "no"}
	})
	code, stdout, stderr := trailbeat(t, "run", "--once")
	assert.Equal(t, 1, code, "regions may be missing")
	assert.Regexp(t, `^received 10 = 10 indexed`, stdout)
	assert.Contains(t, stderr, "allow account:ListRegions on arn:aws:account::*:account")
	code, stdout, stderr = trailbeat(t, "run", "--once", "-E", "trailbeat.inputs.0.regions=[default]")
	assert.Zero(t, code, stderr)
	assert.Regexp(t, `^received 0 = `, stdout)

	refused = "LookupEvents"
	code, stdout, _ = trailbeat(t, "test", "input", "-E", "trailbeat.inputs.0.regions=[eu-west-1]")
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout, "allow cloudtrail:LookupEvents on *")
	code, stdout, _ = trailbeat(t, "export", "iam-policy", "-E", "trailbeat.inputs.0.regions=[eu-west-1]")
	assert.Zero(t, code)
	assert.Contains(t, stdout, `"cloudtrail:LookupEvents"`)
	assert.Contains(t, stdout, `"aws:RequestedRegion"`)
	assert.NotContains(t, stdout, "account:ListRegions")
	_, stdout, _ = trailbeat(t, "export", "iam-policy", "--partition", "aws-cn")
	assert.Contains(t, stdout, `"arn:aws-cn:account::*:account"`)
}
