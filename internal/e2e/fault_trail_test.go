package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/stack"
)

// trail makes files of CloudTrail records, each with an eventID of its own, as a bucket holds them.
type trail struct {
	dir string
	ids []string // of all records so far
	// vary changes record number n before it is written, n counting from 0. Nil: none is changed.
	vary func(n int, record map[string]any)
}

// newTrail makes some files with so many records each, for an engine: without one the test is skipped before that.
func newTrail(t testing.TB, files, records int, vary func(n int, record map[string]any)) *trail {
	t.Helper()
	stack.Find(t, engineKind())
	tr := &trail{dir: t.TempDir(), vary: vary}
	for range files {
		tr.add(t, records)
	}
	return tr
}

// add makes one more file.
func (tr *trail) add(t testing.TB, records int) {
	t.Helper()
	var all struct{ Records []map[string]any }
	for range records {
		n := len(tr.ids)
		id := eventID(n)
		tr.ids = append(tr.ids, id)
		record := record(n, id)
		if tr.vary != nil {
			tr.vary(n, record)
		}
		all.Records = append(all.Records, record)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	require.NoError(t, json.NewEncoder(w).Encode(all))
	require.NoError(t, w.Close())
	dir := filepath.Join(tr.dir, "AWSLogs", "111122223333", "CloudTrail", "eu-central-1", "2024", "02", "03")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	name := fmt.Sprintf("111122223333_CloudTrail_eu-central-1_20240203T0000Z_%06d.json.gz", len(tr.ids))
	// The name with its extension appears with the whole file behind it only.
	temporary := filepath.Join(tr.dir, "unfinished")
	require.NoError(t, os.WriteFile(temporary, packed.Bytes(), 0o644))
	require.NoError(t, os.Rename(temporary, filepath.Join(dir, name)))
}

// eventID looks as one of AWS.
func eventID(n int) string {
	sum := fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, "event ", n)))
	return strings.Join([]string{sum[:8], sum[8:12], sum[12:16], sum[16:20], sum[20:32]}, "-")
}

func record(n int, id string) map[string]any {
	return map[string]any{
		"eventVersion": "1.09", "eventID": id, "requestID": fmt.Sprintf("REQ%09d", n),
		"eventTime":   fmt.Sprintf("2024-02-03T%02d:%02d:%02dZ", n/3600%24, n/60%60, n%60),
		"eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances", "awsRegion": "eu-central-1",
		"eventType": "AwsApiCall", "eventCategory": "Management", "readOnly": true, "managementEvent": true,
		"recipientAccountId": "111122223333", "sourceIPAddress": fmt.Sprintf("198.51.100.%d", n%250+1),
		"userAgent": "aws-cli/2.15.0 Python/3.11.6 Linux/6.1 exe/x86_64",
		"userIdentity": map[string]any{
			"type": "IAMUser", "principalId": "AIDAEXAMPLE", "accountId": "111122223333", "userName": "dana",
			"arn": "arn:aws:iam::111122223333:user/dana",
		},
		"requestParameters": map[string]any{
			"filterSet":    map[string]any{"items": []any{map[string]any{"name": "tag:team", "value": fmt.Sprintf("team-%d", n%17)}}},
			"instancesSet": map[string]any{"items": []any{map[string]any{"instanceId": fmt.Sprintf("i-%017d", n)}}},
		},
		"responseElements": nil,
	}
}
