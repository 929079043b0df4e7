package main

import (
	"database/sql"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

// allWays reads one queue, one bucket and one log group of a fake AWS into a database.
const allWays = `
filebeat.inputs:
  - type: aws-s3
    id: queue
    queue_url: ${AWS}/123456789012/trail
    sqs.wait_time: 1s
    keep_null: true
  - type: aws-s3
    id: bucket
    bucket_arn: arn:aws:s3:::listed
  - type: aws-cloudwatch
    id: groups
    log_group_name: trail
    region_name: us-east-1
    api_sleep: 0s
output.sqlite: {}
`

// inAWS makes the current directory one with this configuration for every input of which the server is the AWS.
func (f *fakeAWS) inAWS(t *testing.T, text string) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("AWS", f.url)
	const account = "\n    endpoint: ${AWS}\n    access_key_id: AKIAEXAMPLE\n    secret_access_key: example\n    retry.max_attempts: 2\n    id: "
	text = strings.ReplaceAll(text, "\n    id: ", account)
	require.NoError(t, os.WriteFile("trailbeat.yml", []byte(text), 0o600))
}

// documents counts what is in the database, and what is there with an eventID of its own.
func documents(t *testing.T) (all, distinct int) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join("data", "trailbeat.db"))
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.QueryRow(`SELECT count(*), count(DISTINCT document->>'$.event.id') FROM documents`).Scan(&all, &distinct))
	return all, distinct
}

// The same trail in three ways, overlapping: each event is there once, and a second run finds nothing new.
func TestAllWaysTogether(t *testing.T) {
	f := newFakeAWS(t)
	f.inAWS(t, allWays)
	heard := logKey("us-east-1", "aaaa")
	f.putLog(t, "heard", heard, recordsOf(0, 40)...)
	f.Send("trail", created("heard", heard))
	f.Send("trail", created("heard", heard)) // SQS may deliver twice
	f.Send("trail", `{"version":"0","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","detail":`+record("event-0041")+`}`)
	f.putLog(t, "listed", logKey("us-east-1", "bbbb"), recordsOf(30, 60)...)
	f.putLog(t, "listed", logKey("eu-west-1", "cccc"), recordsOf(60, 80)...)
	f.putEvents("trail", recordsOf(70, 100)...)

	code, stdout, stderr := trailbeat(t, "test", "input")
	require.Zero(t, code, stdout+stderr)
	for _, id := range []string{"input queue (aws-s3)", "input bucket (aws-s3)", "input groups (aws-cloudwatch)"} {
		assert.Contains(t, stdout, id)
	}
	assert.NotContains(t, stdout, "FAILED")
	assert.Equal(t, 3, strings.Count(stdout, "decode one record"), stdout)
	assert.Len(t, f.Left("trail"), 3, "a test deletes nothing")
	assert.NoFileExists(t, filepath.Join("data", "registry.db"), "a test stores nothing")

	code, stdout, stderr = trailbeat(t, "run", "--once")
	require.Zero(t, code, stderr)
	assert.Regexp(t, `^received 161 = 100 indexed \+ 61 duplicate \+ 0 filtered \+ 0 dead_lettered \+ 0 returned\n`, stdout)
	assert.Contains(t, stderr, "option=trailbeat.inputs.0.keep_null")
	all, distinct := documents(t)
	assert.Equal(t, 100, all)
	assert.Equal(t, 100, distinct)
	assert.Empty(t, f.Left("trail"))

	code, stdout, stderr = trailbeat(t, "run", "--once")
	require.Zero(t, code, stderr)
	assert.Regexp(t, `^received 0 = `, stdout)

	code, stdout, _ = trailbeat(t, "state", "list")
	require.Zero(t, code)
	assert.Regexp(t, `(?m)^bucket +\d+ +\d+ .* yes$`, stdout)
	assert.Regexp(t, `(?m)^groups +\d+ +\d+ .* yes$`, stdout)

	// What comes later is found by each way.
	f.putLog(t, "listed", logKey("eu-west-1", "dddd"), recordsOf(100, 110)...)
	f.Send("trail", `{"version":"0","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","detail":`+record("event-0110")+`}`)
	f.putEvents("trail", recordsOf(111, 120)...)
	code, stdout, stderr = trailbeat(t, "run", "--once")
	require.Zero(t, code, stderr)
	assert.Regexp(t, `^received 20 = 20 indexed`, stdout)
}

// An input that cannot read something makes the exit code 1, and the others deliver all the same.
func TestOneWayThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		spoil  func(f *fakeAWS)
		stderr string
		test   string
		kept   int // messages
	}{
		"an object is gone": {
			func(f *fakeAWS) { f.Send("trail", created("heard", logKey("us-east-1", "gone"))) }, "gone.json.gz", "input queue", 1,
		},
		"a message says nothing": {func(f *fakeAWS) { f.Send("trail", "hello") }, "queue", "input queue", 1},
		"the log group is gone":  {func(f *fakeAWS) { delete(f.logs, "trail") }, "ResourceNotFoundException", "FAILED", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAWS(t)
			f.inAWS(t, allWays)
			heard := logKey("us-east-1", "aaaa")
			f.putLog(t, "heard", heard, recordsOf(0, 10)...)
			f.Send("trail", created("heard", heard))
			f.putLog(t, "listed", logKey("us-east-1", "bbbb"), recordsOf(10, 20)...)
			f.putEvents("trail")
			f.logs["trail"] = []logEvent{}
			c.spoil(f)
			code, stdout, stderr := trailbeat(t, "run", "--once")
			assert.Equal(t, 1, code, stderr)
			assert.Regexp(t, `^received 20 = 20 indexed`, stdout)
			assert.Contains(t, stderr, c.stderr)
			assert.Len(t, f.Left("trail"), c.kept)

			_, stdout, _ = trailbeat(t, "test", "input")
			assert.Contains(t, stdout, c.test)
		})
	}
}

// What is not allowed is named with the action that would allow it.
func TestInputsWithoutRights(t *testing.T) {
	f := newFakeAWS(t)
	f.inAWS(t, strings.ReplaceAll(allWays, "max_attempts: 2", "max_attempts: 1"))
	f.Hook(func(call string, _ *http.Request) *awstest.Fault {
		if call == "GetCallerIdentity" {
			return nil
		}
		return &awstest.Fault{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: "no"}
	})
	code, stdout, stderr := trailbeat(t, "test", "input", "queue", "groups")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "2 of 2 inputs cannot be read as they are")
	assert.Contains(t, stdout, "allow sqs:ReceiveMessage on arn:aws:sqs:us-east-1:123456789012:trail")
	assert.Contains(t, stdout, "allow logs:FilterLogEvents on arn:aws:logs:us-east-1:")
	assert.NotContains(t, stdout+stderr, "AKIAEXAMPLE/")
}

// Keys that expired, are wrong or have no rights, and a source that takes no calls for a while, are the matter of the one input that has
// them. All others read to their end.
func TestFaultsOfOneInputAreItsOwn(t *testing.T) {
	for name, fault := range map[string]struct {
		status int
		code   string
		passes bool // after some calls
	}{
		"expired":   {http.StatusForbidden, "ExpiredToken", false},
		"wrong":     {http.StatusForbidden, "InvalidAccessKeyId", false},
		"no rights": {http.StatusForbidden, "AccessDenied", false},
		"throttled": {http.StatusServiceUnavailable, "ThrottlingException", true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAWS(t)
			var refused atomic.Int64
			f.refuse = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.Header.Get("Authorization"), "AKIAREFUSED/") || fault.passes && refused.Load() >= 6 {
					return false
				}
				refused.Add(1)
				w.Header().Set("X-Amzn-Errortype", fault.code)
				w.WriteHeader(fault.status)
				_, _ = io.WriteString(w, `<Error><Code>`+fault.code+`</Code><Message>no</Message></Error>`)
				return true
			}
			good := strings.Replace(allWays, "output.sqlite: {}\n", "", 1)
			bad := strings.ReplaceAll(good[strings.Index(good, "  - type"):], "\n    id: ", "\n    id: refused-")
			for _, where := range []string{"/trail", ":listed", " trail\n"} {
				bad = strings.Replace(bad, where, where[:1]+"other-"+where[1:], 1)
			}
			f.inAWS(t, good+bad+"output.sqlite: {}\n")
			text, err := os.ReadFile("trailbeat.yml")
			require.NoError(t, err)
			parts := strings.Split(string(text), "AKIAEXAMPLE")
			require.Len(t, parts, 7)
			require.NoError(t, os.WriteFile("trailbeat.yml", []byte(strings.ReplaceAll( // more tries than calls are refused
				strings.Join(parts[:4], "AKIAEXAMPLE")+"AKIAREFUSED"+strings.Join(parts[4:], "AKIAREFUSED"), "max_attempts: 2", "max_attempts: 8")), 0o600))

			for i, prefix := range []string{"", "other-"} {
				heard := logKey("us-east-1", "aaaa")
				f.putLog(t, prefix+"heard", heard, recordsOf(i*100, i*100+10)...)
				f.Send(prefix+"trail", created(prefix+"heard", heard))
				f.putLog(t, prefix+"listed", logKey("us-east-1", "bbbb"), recordsOf(i*100+10, i*100+20)...)
				f.putEvents(prefix+"trail", recordsOf(i*100+20, i*100+30)...)
			}
			code, stdout, stderr := trailbeat(t, "run", "--once")
			assert.Positive(t, refused.Load())
			if fault.passes {
				assert.Zero(t, code, stderr)
				assert.Regexp(t, `^received 60 = 60 indexed`, stdout)
				return
			}
			assert.Equal(t, 1, code)
			assert.Regexp(t, `^received 30 = 30 indexed`, stdout)
			for _, id := range []string{"queue", "bucket", "groups"} {
				assert.Regexp(t, `(?m)^  `+id+`: received 10 = 10 indexed`, stdout)
				assert.Regexp(t, `(?m)^  refused-`+id+`: received 0 = `, stdout)
				assert.Regexp(t, `(?m)^  refused-`+id+`: 0 [a-z ]+ listed.*\n    last error`, stdout)
			}
			assert.Len(t, f.Left("other-trail"), 1)
		})
	}
}
