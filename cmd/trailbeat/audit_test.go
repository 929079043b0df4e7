package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/audit"
)

// A bucket is read again by the range, with the rules and the identity of a configured input, and left as it is whatever the options of that
// input say.
func TestAuditOfABucket(t *testing.T) {
	f := newFakeAWS(t)
	var mu sync.Mutex
	var read, changed []string
	f.refuse = func(_ http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".gz"):
			read = append(read, r.URL.Path[strings.LastIndex(r.URL.Path, "_")+1:])
		case r.Method == http.MethodPut, r.Method == http.MethodDelete:
			changed = append(changed, r.Method+" "+r.URL.Path)
		}
		return false
	}
	day := time.Now().UTC().Truncate(24 * time.Hour)
	key := func(account string, at time.Time, name string) string {
		return "AWSLogs/" + account + "/CloudTrail/us-east-1/" + at.Format("2006/01/02/") + account + "_CloudTrail_us-east-1_" + at.Format("20060102T1504Z") + "_" + name + ".json.gz"
	}
	put := func(account string, at time.Time, name string, names ...string) {
		var list []string
		for i, action := range names {
			list = append(list, fmt.Sprintf(`{"eventVersion":"1.08","eventID":"%s-%d","eventTime":"%s","eventSource":"iam.amazonaws.com","eventName":"%s",`+
				`"awsRegion":"us-east-1","recipientAccountId":"%s","userIdentity":{"type":"IAMUser"}}`, name, i, at.Format(time.RFC3339), action, account))
		}
		f.putLog(t, "trail", key(account, at.Add(10*time.Minute), name), list...)
	}
	const one, other = "111122223333", "444455556666"
	put(one, day.Add(-60*time.Hour), "long")
	put(one, day.Add(-40*time.Hour), "a", "CreateUser", "ListUsers", "DeleteUser")
	put(other, day.Add(-39*time.Hour), "b", "CreateUser")
	put(one, day.Add(-25*time.Hour), "c", "CreateUser")
	put(one, day.Add(-23*time.Hour-30*time.Minute), "next", "CreateUser") // delivered within --late, but an event of the next day
	put(one, day.Add(-2*time.Hour), "later", "CreateUser")

	f.inAWS(t, `
trailbeat.inputs:
  - type: aws-s3
    id: bucket
    bucket_arn: arn:aws:s3:::trail
    start_timestamp: 1h
    backup_to_bucket_arn: arn:aws:s3:::copies
    delete_after_backup: true
  - type: aws-s3
    id: queue
    queue_url: https://sqs.us-east-1.amazonaws.com/111122223333/q
output.sqlite: {}
processors:
  - drop_event.when.equals.event.action: ListUsers
`)
	run := func(args ...string) (report audit.Report, code int) {
		t.Helper()
		mu.Lock()
		read = nil
		mu.Unlock()
		args = append([]string{"audit", "--from", day.Add(-48 * time.Hour).Format(time.RFC3339), "--to", day.Add(-24 * time.Hour).Format(time.RFC3339), "--late", "1h", "-o", "json"}, args...)
		code, stdout, stderr := trailbeat(t, args...)
		require.NoError(t, json.Unmarshal([]byte(stdout), &report), "%s%s", stdout, stderr)
		require.Empty(t, report.Error)
		return report, code
	}
	report, code := run()
	assert.Equal(t, 1, code)
	assert.True(t, report.Final)
	assert.Equal(t, []string{"queue"}, report.NotRead)
	assert.Equal(t, audit.Counts{Records: 5, Events: 5, Filtered: 1, Missing: 4}, report.Total)
	assert.ElementsMatch(t, []string{"a.json.gz", "b.json.gz", "c.json.gz", "next.json.gz"}, read)

	report, code = run("--accounts", other, "--repair")
	assert.Zero(t, code)
	assert.Equal(t, &audit.Repair{Missing: 1, Sent: 1, Indexed: 1}, report.Repair)
	assert.ElementsMatch(t, []string{"b.json.gz", "b.json.gz"}, read)

	// The objects with missing events are read again, and no others.
	report, code = run("--repair", "s3://trail", "--input", "queue")
	assert.Zero(t, code)
	assert.Equal(t, &audit.Repair{Missing: 3, Sent: 3, Indexed: 3}, report.Repair)
	assert.Equal(t, audit.Counts{Records: 5, Events: 5, Filtered: 1, Stored: 4}, report.Total)
	assert.ElementsMatch(t, []string{"a.json.gz", "b.json.gz", "c.json.gz", "next.json.gz", "a.json.gz", "c.json.gz"}, read)
	all, _ := documents(t)
	assert.Equal(t, 4, all)
	assert.Empty(t, changed, "nothing is copied or deleted")
}
