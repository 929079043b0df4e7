package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// someDay is a day's records: mostly reads of objects, uses of keys by services, and a few calls that matter. It gives the eventIDs
// by what they are.
func someDay() (lines string, ids map[string][]string) {
	ids = map[string][]string{}
	var all strings.Builder
	for i := range 400 {
		rec := map[string]any{
			"eventVersion": "1.10", "eventID": fmt.Sprintf("4d1b7e2a-0000-4000-8000-%012d", i), "eventTime": "2026-11-20T08:00:00Z",
			"awsRegion": "eu-west-1", "recipientAccountId": "111122223333", "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2.27.0",
			"eventCategory": "Data", "readOnly": true, "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
			"userIdentity": map[string]any{"type": "IAMUser", "userName": "ann", "arn": "arn:aws:iam::111122223333:user/ann"},
		}
		kind := "read"
		switch {
		case i%10 == 0:
			kind = "management"
			rec["eventCategory"], rec["eventSource"], rec["eventName"], rec["readOnly"] = "Management", "iam.amazonaws.com", "CreateUser", false
		case i%10 == 1:
			kind = "key"
			rec["eventCategory"], rec["eventSource"], rec["eventName"] = "Management", "kms.amazonaws.com", "Decrypt"
			rec["userIdentity"] = map[string]any{"type": "AWSService", "invokedBy": "secretsmanager.amazonaws.com"}
		case i%40 == 2:
			kind = "refused"
			rec["errorCode"] = "AccessDenied"
		case i%10 < 4:
			kind = "write"
			rec["eventName"], rec["readOnly"] = "PutObject", false
		}
		line, err := json.Marshal(rec)
		if err != nil {
			panic(err)
		}
		all.Write(append(line, '\n'))
		ids[kind] = append(ids[kind], rec["eventID"].(string))
	}
	return all.String(), ids
}

// eventIDsIn are those of the NDJSON files of a folder, gzip or not.
func eventIDsIn(t *testing.T, dir string) (ids []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.ndjson*"))
	require.NoError(t, err)
	for _, name := range files {
		f, err := os.Open(name)
		require.NoError(t, err)
		var r io.Reader = f
		if strings.HasSuffix(name, ".gz") {
			r, err = gzip.NewReader(f)
			require.NoError(t, err)
		}
		for dec := json.NewDecoder(r); ; {
			var doc struct {
				Event struct {
					ID string `json:"id"`
				} `json:"event"`
			}
			err := dec.Decode(&doc)
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			ids = append(ids, doc.Event.ID)
		}
		require.NoError(t, f.Close())
	}
	return ids
}

// The example of docs/routing.md does what the page says, with a folder in place of the cluster.
func TestRoutingInDocs(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "routing.md"))
	require.NoError(t, err)
	example := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	require.NotNil(t, example)
	t.Setenv("ES_API_KEY", "id:key")
	t.Chdir(t.TempDir())
	lines, ids := someDay()
	for name, text := range map[string]string{
		"day.ndjson": lines, "example.yml": string(example[1]), "here.yml": "trailbeat.inputs: [{type: file, paths: [day.ndjson]}]\n" +
			"output: {elasticsearch.enabled: false, file: {path: siem}}\n",
	} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	code, stdout, stderr := trailbeat(t, "-c", "example.yml", "-c", "here.yml", "run", "--once")
	require.Zero(t, code, stderr)
	for line := range strings.Lines(stdout) {
		if strings.HasPrefix(line, "received") || strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "  file: ") {
			assert.True(t, strings.Contains(string(page), "\n    "+line), "docs/routing.md does not show what the example prints: %q", line)
		}
	}
	cheap, siem := eventIDsIn(t, "data/data-events"), eventIDsIn(t, "data/siem")
	assert.ElementsMatch(t, append(append([]string{}, ids["management"]...), ids["refused"]...), siem)
	assert.Subset(t, cheap, ids["write"])
	assert.Subset(t, append(append([]string{}, ids["write"]...), ids["read"]...), cheap)
	assert.Greater(t, len(cheap), len(ids["write"]), "some of the reads")
	assert.Less(t, len(cheap), len(ids["write"])+len(ids["read"])/10)

	// A second run finds nothing new, and a reading of the same day from the beginning finds the same part of the reads.
	require.NoError(t, os.RemoveAll("data"))
	code, _, stderr = trailbeat(t, "-c", "example.yml", "-c", "here.yml", "run", "--once")
	require.Zero(t, code, stderr)
	assert.ElementsMatch(t, cheap, eventIDsIn(t, "data/data-events"))
}
