package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/locked"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
)

// lately is a folder with a file of events, one a minute of the last twelve hours, and their number in each whole hour.
func lately(t *testing.T) (dir string, n int) {
	dir = t.TempDir()
	begin := time.Now().UTC().Truncate(time.Hour).Add(-12 * time.Hour)
	var text strings.Builder
	for ; n < 12*60; n++ {
		fmt.Fprintf(&text, `{"eventVersion":"1.08","eventTime":"%s","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1",`+
			`"eventID":"00000000-0000-4000-8000-%012d","recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser"}}`+"\n",
			begin.Add(time.Duration(n)*time.Minute).Format(time.RFC3339), n)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "events.ndjson"), []byte(text.String()), 0o600))
	return dir, n
}

// While a run goes on, it finds the hours in which documents are missing: in its API, in its metrics, and as documents.
func testIntegrity(t *testing.T, output string, remove func() (hour string), findings func() []string) {
	dir, n := lately(t)
	data := t.TempDir()
	conf := config(t, data, dir, output)
	require.Equal(t, n, run(t, "run", "--once", "-c", conf).indexed)
	hour := remove()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "run", "-c", conf, "-E", "integrity.enabled=true", "-E", "integrity.start=8h", "-E", "http.enabled=true",
		"-E", fmt.Sprint("http.port=", port))
	var said locked.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	get := func(path string) []byte {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), http.NoBody)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil // it does not listen yet
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return body
	}
	var status api.Status
	for status.Integrity == nil || status.Integrity.Checks == 0 {
		select {
		case err := <-ended:
			require.Failf(t, "the run ended", "%v\n%s", err, said.String())
		case <-ctx.Done():
			require.Failf(t, "no check was made", "%s", said.String())
		case <-time.After(100 * time.Millisecond):
		}
		if body := get(api.StatusPath); body != nil {
			require.NoError(t, json.Unmarshal(body, &status))
		}
	}
	i := status.Integrity
	require.Empty(t, i.Error)
	require.EqualValues(t, 1, i.IncompleteHours, "%+v", i)
	assert.EqualValues(t, 3, i.Missing)
	assert.Equal(t, hour, i.Incomplete[0].Hour.Format(time.RFC3339))
	assert.Equal(t, []api.IntegrityFindings{{Check: "audit", Complete: 7, Incomplete: 1}}, i.Findings)
	assert.Equal(t, api.StateDegraded, status.State)
	assert.True(t, status.Ready, "what is new is delivered all the same")
	metrics := string(get("/metrics"))
	for _, line := range []string{
		"trailbeat_integrity_incomplete 1\n", "trailbeat_integrity_missing 3\n", `trailbeat_integrity_checks_total{result="done"} 1` + "\n",
		`trailbeat_integrity_findings_total{check="audit",outcome="incomplete"} 1` + "\n", "trailbeat_integrity_checked_until_timestamp_seconds ",
	} {
		assert.Contains(t, metrics, line)
	}
	documents := findings()
	assert.Len(t, documents, 8)
	failures := 0
	for _, text := range documents {
		var doc struct {
			Event struct{ Outcome, Start, Action, Dataset string }
			Cloud struct{ Account struct{ ID string } }

			Trailbeat struct {
				Integrity struct {
					Complete bool
					Events   struct{ Source, Stored, Missing int64 }
				}
			}
		}
		require.NoError(t, json.Unmarshal([]byte(text), &doc))
		assert.Equal(t, "audit", doc.Event.Action)
		assert.Equal(t, "111122223333", doc.Cloud.Account.ID)
		assert.EqualValues(t, 60, doc.Trailbeat.Integrity.Events.Source)
		if doc.Event.Outcome == "failure" {
			failures++
			assert.Equal(t, hour, doc.Event.Start)
			assert.False(t, doc.Trailbeat.Integrity.Complete)
			assert.EqualValues(t, 3, doc.Trailbeat.Integrity.Events.Missing)
		}
	}
	assert.Equal(t, 1, failures)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	assert.NoError(t, <-ended, said.String())
	assert.NotContains(t, said.String(), "could not be checked")
}

func TestIntegritySQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trail.db")
	open := func() *sql.DB {
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(30000)")
		require.NoError(t, err)
		return db
	}
	hour := time.Now().UTC().Truncate(time.Hour).Add(-6 * time.Hour).Format(time.RFC3339)
	testIntegrity(t, "output.sqlite.path: "+path, func() string {
		db := open()
		defer db.Close()
		var seqs []int64
		rows, err := db.Query("SELECT seq FROM event_columns WHERE time >= ? ORDER BY time LIMIT 3", hour[:13])
		require.NoError(t, err)
		for rows.Next() {
			var seq int64
			require.NoError(t, rows.Scan(&seq))
			seqs = append(seqs, seq)
		}
		require.NoError(t, rows.Close())
		for _, seq := range seqs {
			_, err := db.Exec("DELETE FROM event_columns WHERE seq = ?", seq)
			require.NoError(t, err)
			_, err = db.Exec("DELETE FROM documents WHERE seq = ?", seq)
			require.NoError(t, err)
		}
		return hour
	}, func() (list []string) {
		db := open()
		defer db.Close()
		rows, err := db.Query("SELECT document FROM events WHERE data_stream = 'logs-trailbeat.integrity-default'")
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var text string
			require.NoError(t, rows.Scan(&text))
			list = append(list, text)
		}
		return list
	})
}

func TestIntegrityEngines(t *testing.T) {
	for _, variable := range []string{"TRAILBEAT_TEST_ELASTICSEARCH_URL", "TRAILBEAT_TEST_OPENSEARCH_URL"} {
		t.Run(variable, func(t *testing.T) {
			url := strings.TrimSuffix(os.Getenv(variable), "/")
			if url == "" {
				t.Skipf(engineHint, variable)
			}
			namespace := fmt.Sprintf("integrity%d", os.Getpid())
			stream, notes := "logs-aws.cloudtrail-"+namespace, "logs-trailbeat.integrity-"+namespace
			t.Cleanup(func() {
				ask(t, http.MethodDelete, url+"/_data_stream/"+stream, nil)
				ask(t, http.MethodDelete, url+"/_data_stream/"+notes, nil)
			})
			type hits struct {
				Hits struct {
					Hits []struct {
						Index  string          `json:"_index"`
						ID     string          `json:"_id"`
						Source json.RawMessage `json:"_source"`
					} `json:"hits"`
				} `json:"hits"`
			}
			at := time.Now().UTC().Truncate(time.Hour).Add(-6 * time.Hour)
			testIntegrity(t, fmt.Sprintf("output.elasticsearch:\n  hosts: [%q]\ndata_stream.namespace: %s\nintegrity.data_stream: %s", url, namespace, notes), func() string {
				require.NotZero(t, stored(t, url, stream))
				var found hits
				ask(t, http.MethodGet, fmt.Sprintf("%s/%s/_search?size=3&q=%%40timestamp:%%5B%d+TO+%d%%5D", url, stream, at.UnixMilli(), at.Add(59*time.Minute).UnixMilli()), &found)
				require.Len(t, found.Hits.Hits, 3)
				for _, hit := range found.Hits.Hits {
					require.Equal(t, http.StatusOK, ask(t, http.MethodDelete, url+"/"+hit.Index+"/_doc/"+hit.ID, nil))
				}
				return at.Format(time.RFC3339)
			}, func() (list []string) {
				require.Equal(t, 8, stored(t, url, notes))
				var found hits
				ask(t, http.MethodGet, url+"/"+notes+"/_search?size=100", &found)
				for _, hit := range found.Hits.Hits {
					list = append(list, string(hit.Source))
				}
				// What an alert asks.
				var alert hits
				ask(t, http.MethodGet, url+"/"+notes+"/_search?q=event.outcome:failure+AND+trailbeat.integrity.complete:false", &alert)
				assert.Len(t, alert.Hits.Hits, 1)
				return list
			})
		})
	}
}
