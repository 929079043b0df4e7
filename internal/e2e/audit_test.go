package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/audit"
)

// auditBucket is a folder with n events of one day, of two accounts and three regions, a thousand to a file.
func auditBucket(t testing.TB, n int) string {
	dir := t.TempDir()
	accounts, regions := []string{"111122223333", "444455556666"}, []string{"eu-west-1", "us-east-1", "eu-north-1"}
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	const perFile = 1000
	for from := 0; from < n; from += perFile {
		account, region := accounts[from/perFile%2], regions[from/perFile%3]
		folder := filepath.Join(dir, "AWSLogs", account, "CloudTrail", region, "2026", "11", "01")
		require.NoError(t, os.MkdirAll(folder, 0o755))
		var text bytes.Buffer
		zip := gzip.NewWriter(&text)
		fmt.Fprint(zip, `{"Records":[`)
		for i := from; i < min(from+perFile, n); i++ {
			if i > from {
				fmt.Fprint(zip, ",")
			}
			at := day.Add(24 * time.Hour / time.Duration(n) * time.Duration(i))
			fmt.Fprintf(zip, `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::%s:user/ann",`+
				`"accountId":"%s","userName":"ann"},"eventTime":"%s","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"%s",`+
				`"sourceIPAddress":"198.51.100.%d","userAgent":"aws-cli/2.15.0","requestParameters":{"bucketName":"b","key":"k%d"},"responseElements":null,`+
				`"eventID":"00000000-0000-4000-8000-%012d","readOnly":true,"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"%s","eventCategory":"Data"}`,
				account, account, at.Format(time.RFC3339), region, i%250, i, i, account)
		}
		fmt.Fprint(zip, "]}")
		require.NoError(t, zip.Close())
		name := fmt.Sprintf("%s_CloudTrail_%s_20261101T%02d%02dZ_%016d.json.gz", account, region, from/perFile/60%24, from/perFile%60, from)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), text.Bytes(), 0o644))
	}
	return dir
}

// auditRun runs the command and gives its report, its exit code and the differences that it lists.
func auditRun(t testing.TB, conf string, args ...string) (report audit.Report, code int, listed map[string][]string) {
	t.Helper()
	list := filepath.Join(t.TempDir(), "differences.ndjson")
	began := time.Now()
	cmd := exec.Command(binary, append([]string{"audit", "-c", conf, "-q", "-o", "json", "--list", list}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		require.NoError(t, err, stderr.String())
	}
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &report), "%s%s", stdout.String(), stderr.String())
	require.NoError(t, report.Total.Check())
	t.Logf("audit %s: exit code %d, %s, %d events, %d stored, %d missing, CPU time %s", strings.Join(args, " "), code, time.Since(began).Round(time.Millisecond),
		report.Total.Events, report.Total.Stored, report.Total.Missing, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Round(time.Millisecond))
	f, err := os.Open(list)
	require.NoError(t, err)
	defer f.Close()
	listed = map[string][]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var d audit.Difference
		require.NoError(t, json.Unmarshal(lines.Bytes(), &d))
		listed[d.Kind] = append(listed[d.Kind], d.ID)
	}
	return report, code, listed
}

// auditedStore is an output that a test takes documents out of.
type auditedStore struct {
	output string
	ids    func() []string
	remove func(ids []string)
	count  func() int
}

// Each of 50 documents that are deleted at random is found, and exactly these are repaired.
func testAudit(t *testing.T, store auditedStore) {
	n := 20_000
	if os.Getenv("TRAILBEAT_TEST_LONG") != "" {
		n = 1_000_000
	}
	bucket := auditBucket(t, n)
	conf := config(t, t.TempDir(), bucket, store.output+"\nprocessors:\n  - drop_event.when.equals.source.ip: 198.51.100.7\n")
	shipped := run(t, "run", "--once", "-c", conf)
	require.Equal(t, account{received: n, indexed: n - n/250, filtered: n / 250}, shipped)

	report, code, _ := auditRun(t, conf)
	assert.Zero(t, code)
	assert.True(t, report.Complete)
	want := audit.Counts{Records: int64(n), Events: int64(n), Stored: int64(shipped.indexed), Filtered: int64(shipped.filtered)}
	require.Equal(t, want, report.Total)
	assert.Equal(t, []audit.Named{{Name: "processors.0", Events: int64(shipped.filtered)}}, report.Rules)

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	lots := rand.New(rand.NewPCG(seed, 0))
	all := store.ids()
	slices.Sort(all)
	lots.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	deleted := all[:50]
	store.remove(deleted)
	require.Equal(t, shipped.indexed-50, store.count())

	report, code, listed := auditRun(t, conf, "--from", "2026-11-01", "--to", "2026-11-01")
	assert.Equal(t, 1, code)
	assert.False(t, report.Complete)
	assert.True(t, report.Final)
	assert.ElementsMatch(t, deleted, listed[audit.Lost])
	assert.Len(t, listed, 1, "%v", listed)
	lacking := want
	lacking.Stored, lacking.Missing = want.Stored-50, 50
	assert.Equal(t, lacking, report.Total)

	report, code, listed = auditRun(t, conf, "--repair", bucket)
	assert.Zero(t, code)
	assert.ElementsMatch(t, deleted, listed[audit.Lost], "what is repaired is told")
	assert.Equal(t, want, report.Total)
	assert.Equal(t, &audit.Repair{Missing: 50, Sent: 50, Indexed: 50}, report.Repair)
	assert.Equal(t, shipped.indexed, store.count())

	// In a part of the range nothing else is extra.
	report, code, listed = auditRun(t, conf, "--from", "2026-11-01T06:00:00Z", "--to", "2026-11-01T07:30:00Z", "--accounts", "111122223333", "--hours")
	assert.Zero(t, code)
	assert.Empty(t, listed)
	assert.NotEmpty(t, report.Hours)
	assert.Less(t, report.Total.Events, int64(n)/16)
	assert.Positive(t, report.Total.Stored)
}

func TestAuditSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trail.db")
	open := func() *sql.DB {
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(30000)")
		require.NoError(t, err)
		return db
	}
	testAudit(t, auditedStore{
		output: "output.sqlite.path: " + path,
		count:  func() int { return documents(path) },
		ids: func() (ids []string) {
			db := open()
			defer db.Close()
			rows, err := db.Query("SELECT id FROM documents")
			require.NoError(t, err)
			defer rows.Close()
			for rows.Next() {
				var id string
				require.NoError(t, rows.Scan(&id))
				ids = append(ids, id)
			}
			require.NoError(t, rows.Err())
			return ids
		},
		remove: func(ids []string) {
			db := open()
			defer db.Close()
			for _, id := range ids {
				_, err := db.Exec("DELETE FROM event_columns WHERE seq IN (SELECT seq FROM documents WHERE data_stream = 1 AND id = ?)", id)
				require.NoError(t, err)
				_, err = db.Exec("DELETE FROM documents WHERE data_stream = 1 AND id = ?", id)
				require.NoError(t, err)
			}
		},
	})
}

func TestAuditEngines(t *testing.T) {
	for _, variable := range []string{"TRAILBEAT_TEST_ELASTICSEARCH_URL", "TRAILBEAT_TEST_OPENSEARCH_URL"} {
		t.Run(variable, func(t *testing.T) {
			url := strings.TrimSuffix(os.Getenv(variable), "/")
			if url == "" {
				t.Skipf(engineHint, variable)
			}
			namespace := fmt.Sprintf("audit%d", os.Getpid())
			stream := "logs-aws.cloudtrail-" + namespace
			t.Cleanup(func() { ask(t, http.MethodDelete, url+"/_data_stream/"+stream, nil) })
			index := map[string]string{} // of each document, where it is
			testAudit(t, auditedStore{
				output: fmt.Sprintf("output.elasticsearch:\n  hosts: [%q]\ndata_stream.namespace: %s", url, namespace),
				count:  func() int { return stored(t, url, stream) },
				ids: func() (ids []string) {
					var page struct {
						Scroll string `json:"_scroll_id"`
						Hits   struct {
							Hits []struct {
								Index string `json:"_index"`
								ID    string `json:"_id"`
							} `json:"hits"`
						} `json:"hits"`
					}
					for next := "/" + stream + "/_search?scroll=5m&size=10000&_source=false&sort=_doc"; ; next = "/_search/scroll?scroll=5m&scroll_id=" + page.Scroll {
						page.Hits.Hits = nil
						require.Equal(t, http.StatusOK, ask(t, http.MethodGet, url+next, &page))
						if len(page.Hits.Hits) == 0 {
							ask(t, http.MethodDelete, url+"/_search/scroll/"+page.Scroll, nil)
							return ids
						}
						for _, hit := range page.Hits.Hits {
							ids = append(ids, hit.ID)
							index[hit.ID] = hit.Index
						}
					}
				},
				remove: func(ids []string) {
					for _, id := range ids {
						require.Equal(t, http.StatusOK, ask(t, http.MethodDelete, url+"/"+index[id]+"/_doc/"+id, nil))
					}
				},
			})
		})
	}
}
