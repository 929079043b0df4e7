package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/locked"
)

const manageToken = "e2e-token-0123456789"

var statusPage = regexp.MustCompile(`status page.* url\.full=(\S+)`)

// managedRun is a shipper whose sources are made over HTTP.
type managedRun struct {
	c    *cloud
	url  string
	cmd  *exec.Cmd
	text locked.Buffer
}

func (c *cloud) startManaged() *managedRun {
	c.t.Helper()
	path := filepath.Join(c.t.TempDir(), "trailbeat.yml")
	text := fmt.Sprintf("path.data: %q\nhttp.port: 0\nmanagement: {enabled: true, token: %s}\n%s\n", c.data, manageToken, c.output())
	require.NoError(c.t, os.WriteFile(path, []byte(text), 0o600))
	m := &managedRun{c: c, cmd: exec.CommandContext(c.ctx, binary, "run", "-c", path)}
	m.cmd.Stdout, m.cmd.Stderr = &m.text, &m.text
	require.NoError(c.t, m.cmd.Start())
	c.t.Cleanup(func() {
		_ = m.cmd.Process.Kill()
		_ = m.cmd.Wait()
		if c.t.Failed() {
			c.t.Logf("the shipper's output:\n%s", m.text.String())
		}
	})
	require.Eventually(c.t, func() bool {
		if at := statusPage.FindStringSubmatch(m.text.String()); at != nil {
			m.url = at[1]
		}
		return m.url != ""
	}, time.Minute, 10*time.Millisecond)
	return m
}

func (m *managedRun) ask(method, path, body string) (answer map[string]any) {
	m.c.t.Helper()
	require.Eventually(m.c.t, func() bool {
		req, err := http.NewRequestWithContext(m.c.ctx, method, m.url+path, strings.NewReader(body))
		require.NoError(m.c.t, err)
		req.Header.Set("Authorization", "Bearer "+manageToken)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		require.NoError(m.c.t, err)
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		require.NoError(m.c.t, err)
		answer = nil
		require.NoError(m.c.t, json.Unmarshal(data, &answer), "%s", data)
		return res.StatusCode != http.StatusServiceUnavailable
	}, time.Minute, 50*time.Millisecond)
	return answer
}

// order waits until what is asked for is done, and gives the id of the source.
func (m *managedRun) order(method, path, body string) string {
	m.c.t.Helper()
	order := m.outcome(method, path, body)
	require.Equal(m.c.t, "succeeded", order["state"], "%v", order)
	return order["source"].(string)
}

// outcome waits for what becomes of an order.
func (m *managedRun) outcome(method, path, body string) (order map[string]any) {
	m.c.t.Helper()
	taken := m.ask(method, path, body)
	require.Equal(m.c.t, "Success", taken["status"], "%v", taken)
	require.Eventually(m.c.t, func() bool {
		order = m.ask("GET", "/"+taken["message"].(string), "")
		return order["state"] == "succeeded" || order["state"] == "failed"
	}, 2*time.Minute, 50*time.Millisecond)
	return order
}

// Log sources in the form of Logpoint, made, edited and deleted against a real server of S3, as any other store that is not AWS's: the
// records arrive, what comes while the interval and the region change is not lost or read twice, and a deletion drains.
func TestManagedSourcesOnARealServer(t *testing.T) {
	c := newCloud(t)
	bucket := c.name + "-managed"
	file := 0
	deliver := func(n int) {
		for range n {
			c.seed(c.files[file:file+1], "--bucket", bucket, "--seed", fmt.Sprintf("%s-%d", c.name, file), "--newest", "now")
			file++
		}
	}
	deliver(3)
	body := func(interval int, region string) string {
		return fmt.Sprintf(`{"data": {"name": "real", "type": "S3Fetcher", "config": {
			"Source": {"name": "real", "interval": %d, "charset": "utf_8", "timezone": "UTC"},
			"Connector": {"endpoint_url": %q, "access_key": %q, "secret_key": %q, "bucket_name": %q, "region_name": %q,
				"filter_date": "2015-01-01T00:00:00Z", "parser": "CloudTrailLogParser", "enable_proxy": false, "protocol": "http"},
			"RoutingPolicy": {"routing_criterion": [], "catch_all": "_logpoint"},
			"NormalizationPolicy": {"normalizers": [{"name": "CloudTrailCompiledNormalizer", "type": "compiled"}]}}}}`,
			interval, c.s3, os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), bucket, region)
	}
	const sources = "/configapi/pool/logpoint/LogSources"
	m := c.startManaged()
	id := m.order("POST", sources, body(60, "us-east-1"))
	there := func() bool { return c.documents() == len(c.all()) }
	require.Eventually(t, there, 2*time.Minute, 100*time.Millisecond, "the records of the beginning")
	for _, change := range []struct {
		interval int
		region   string
	}{{15, "us-east-1"}, {15, "eu-west-1"}, {60, "us-east-1"}} {
		deliver(1) // the next look would be in a quarter of an hour at the earliest
		order := m.outcome("PUT", sources+"/"+id, body(change.interval, change.region))
		if order["state"] == "failed" && change.region == "eu-west-1" && c.s3 != c.url {
			// This store takes signatures of its own region alone: the test of the source finds that, and the source goes on.
			assert.Contains(t, order["message"], "nothing is changed")
			assert.Equal(t, true, m.ask("GET", "/api/v1/sources/"+id, "")["status"].(map[string]any)["reading"])
			continue
		}
		require.Equal(t, "succeeded", order["state"], "%v", order)
		require.Eventually(t, there, 2*time.Minute, 100*time.Millisecond, "after %v", change)
	}
	counts := m.ask("GET", "/api/v1/sources/"+id, "")["status"].(map[string]any)
	assert.EqualValues(t, len(c.all()), counts["received"], "nothing was read twice")
	assert.EqualValues(t, len(c.all()), counts["indexed"])
	m.order("DELETE", sources+"/"+id, "")
	require.NoError(t, m.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, m.cmd.Wait())
	c.check()
}
