package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A range of a bucket is loaded once, and what comes into it later is loaded then. Another range of the same bucket goes into the same
// store, with what they share there once.
func TestInvestigateABucketRange(t *testing.T) {
	f := newFakeAWS(t)
	t.Chdir(t.TempDir())
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "example")
	day := func(n int, name string) {
		at := time.Date(2026, 11, n, 12, 0, 0, 0, time.UTC)
		key := fmt.Sprintf("AWSLogs/111122223333/CloudTrail/us-east-1/%s/111122223333_CloudTrail_us-east-1_%sZ_%s.json.gz", at.Format("2006/01/02"), at.Format("20060102T1504"), name)
		f.putLog(t, "trail", key, event(len(f.keys["trail"])*10, at.Add(-time.Minute)), event(len(f.keys["trail"])*10+1, at.Add(-2*time.Minute)))
	}
	for n := range 9 {
		day(n+1, "abc")
	}
	events := func(from, to string) (n int64) {
		t.Helper()
		code, _, stderr := trailbeat(t, "investigate", "--store", "case.db", "--input", "endpoint="+f.url, "--from", from, "--to", to, "-q", "-o", "json", "s3://trail/AWSLogs/")
		require.Zero(t, code, stderr)
		code, stdout, stderr := trailbeat(t, "investigate", "--store", "case.db", "-o", "json", "--query", "SELECT count(*) AS n FROM trail")
		require.Zero(t, code, stderr)
		var r struct{ Rows []struct{ N int64 } }
		require.NoError(t, json.Unmarshal([]byte(stdout), &r))
		return r.Rows[0].N
	}
	assert.EqualValues(t, 6, events("2026-11-03", "2026-11-05"))
	assert.EqualValues(t, 6, events("2026-11-03", "2026-11-05"))
	day(4, "late")
	assert.EqualValues(t, 8, events("2026-11-03", "2026-11-05"))
	assert.EqualValues(t, 14, events("2026-11-01", "2026-11-06"), "an older and a later part, with what lies between")
}
