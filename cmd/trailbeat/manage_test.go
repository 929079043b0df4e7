package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/needs"
)

const (
	manageToken = "manage-token-0123456789"
	manageFile  = `
path.data: data
http: {port: 0}
management:
  enabled: true
  token: ` + manageToken + `
  references: [REFERRED]
  enrichments:
    team: {processors: [{add_labels.labels.team: blue}]}
output.file: {path: out}
`
	configAPI = "/configapi/pool-1/logpoint-1/LogSources"
)

// managed is a shipper in a process of its own, with the management API.
type managed struct {
	t   *testing.T
	cmd *exec.Cmd
	url string

	mu  sync.Mutex
	log bytes.Buffer
}

// startManaged runs the shipper in the current directory, which has a trailbeat.yml.
func startManaged(t *testing.T, env ...string) *managed {
	t.Helper()
	m := &managed{t: t, cmd: exec.Command("trailbeat", "run")}
	m.cmd.Env = append(os.Environ(), env...)
	stderr, err := m.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, m.cmd.Start())
	t.Cleanup(func() { _ = m.cmd.Process.Kill(); _ = m.cmd.Wait() })
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			m.mu.Lock()
			fmt.Fprintln(&m.log, lines.Text())
			m.mu.Unlock()
			if at := pageURL.FindStringSubmatch(lines.Text()); at != nil {
				select {
				case found <- at[1]:
				default:
				}
			}
		}
		close(found)
	}()
	url, ok := <-found
	require.True(t, ok, "it ended: %s", m.logged())
	m.url = url
	return m
}

var pageURL = regexp.MustCompile(`status page.* url\.full=(\S+)`)

func (m *managed) logged() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log.String()
}

// kill ends the process as the loss of power does.
func (m *managed) kill() {
	require.NoError(m.t, m.cmd.Process.Kill())
	_ = m.cmd.Wait()
}

// stop ends it as an administrator does.
func (m *managed) stop() {
	m.t.Helper()
	require.NoError(m.t, m.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(m.t, m.cmd.Wait(), m.logged())
}

// ask sends a request and gives the answer.
func (m *managed) ask(method, path, body string) (int, map[string]any) {
	m.t.Helper()
	for {
		req, err := http.NewRequest(method, m.url+path, strings.NewReader(body))
		require.NoError(m.t, err)
		req.Header.Set("Authorization", "Bearer "+manageToken)
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(m.t, err)
		data, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		require.NoError(m.t, err)
		if res.StatusCode == http.StatusServiceUnavailable {
			continue // it is starting
		}
		var answer map[string]any
		require.NoError(m.t, json.Unmarshal(data, &answer), "%s", data)
		return res.StatusCode, answer
	}
}

// order sends a request that makes an order, waits for its end, and gives the order.
func (m *managed) order(method, path, body string) map[string]any {
	m.t.Helper()
	code, answer := m.ask(method, path, body)
	require.Less(m.t, code, 300, "%v", answer)
	assert.Equal(m.t, "Success", answer["status"])
	return m.outcome(answer["message"].(string))
}

func (m *managed) outcome(address string) (order map[string]any) {
	m.t.Helper()
	require.Eventually(m.t, func() bool {
		code, answer := m.ask("GET", "/"+address, "")
		require.Equal(m.t, 200, code, "%v", answer)
		order = answer
		return answer["state"] == "succeeded" || answer["state"] == "failed"
	}, 2*time.Minute, 10*time.Millisecond, "%s", m.logged())
	return order
}

func (m *managed) succeeds(method, path, body string) map[string]any {
	m.t.Helper()
	order := m.order(method, path, body)
	require.Equal(m.t, "succeeded", order["state"], "%v\n%s", order, m.logged())
	return order
}

// shipped are the ids of the events in the files of the output, sorted, each as often as it is there.
func shipped(t *testing.T) []string {
	t.Helper()
	list := []string{}
	for _, doc := range shippedDocuments(t) {
		list = append(list, doc.Event.ID)
	}
	slices.Sort(list)
	return list
}

type shippedDocument struct {
	Event struct {
		ID       string `json:"id"`
		Original string `json:"original"`
	} `json:"event"`
	DataStream struct {
		Namespace string `json:"namespace"`
	} `json:"data_stream"`
	Labels map[string]any `json:"labels"`
}

func shippedDocuments(t *testing.T) (docs []shippedDocument) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("data", "out", "*.ndjson"))
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range bytes.Lines(data) {
			var doc shippedDocument
			if !bytes.HasSuffix(line, []byte("\n")) {
				continue // it is being written
			}
			require.NoError(t, json.Unmarshal(line, &doc))
			docs = append(docs, doc)
		}
	}
	return docs
}

func untilShipped(t *testing.T, want []string) {
	t.Helper()
	var got []string
	if !assert.Eventually(t, func() bool { got = shipped(t); return len(got) >= len(want) }, 2*time.Minute, 20*time.Millisecond) {
		t.Logf("there are %d of %d", len(got), len(want))
		t.FailNow()
	}
	require.Equal(t, want, got)
}

// eventIDs are those of recordsOf.
func eventIDs(from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprintf("event-%04d", i))
	}
	return list
}

// inManagement makes the current directory one with the configuration of the API, and lets all calls to AWS go to the server.
func (f *fakeAWS) inManagement(t *testing.T, text string) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("AWS_ENDPOINT_URL", f.url)
	require.NoError(t, os.WriteFile("trailbeat.yml", []byte(text), 0o600))
}

// bodies are a request that makes a source, and one that edits it.
func ownBodies() (create, edit string) {
	body := func(name, bucket, region string, interval int) string {
		return fmt.Sprintf(`{"data": {"name": %q, "type": "S3Fetcher", "vendor_name": "AWS", "config": {
			"Source": {"name": %q, "interval": %d, "charset": "utf_8", "timezone": "UTC"},
			"Connector": {"endpoint_url": "https://s3.amazonaws.com", "access_key": "AKIAOWN", "secret_key": "own-secret-access-key",
				"bucket_name": %q, "region_name": %q, "filter_date": "2020-01-01T00:00:00Z", "parser": "CloudTrailLogParser",
				"enable_proxy": false, "protocol": "http"},
			"RoutingPolicy": {"routing_criterion": [], "catch_all": "_logpoint"},
			"NormalizationPolicy": {"normalizers": [{"name": "CloudTrailCompiledNormalizer", "type": "compiled"}]}}}}`,
			name, name, interval, bucket, region)
	}
	return body("trail", "listed", "eu-west-1", 60), body("trail of the company", "listed", "us-east-1", 15)
}

// seedBodies are the two requests of the vendor's document.
func seedBodies(t *testing.T) (create, edit string) {
	t.Helper()
	data, err := os.ReadFile(needs.SharedFiles(t, "seeds/003*.txt")[0])
	require.NoError(t, err)
	var found []string
	for rest := data; len(rest) > 0; {
		at := bytes.IndexByte(rest, '{')
		if at < 0 {
			break
		}
		dec := json.NewDecoder(bytes.NewReader(rest[at:]))
		var body struct{ Data json.RawMessage }
		if err := dec.Decode(&body); err != nil || body.Data == nil {
			rest = rest[at+1:]
			continue
		}
		found = append(found, string(rest[at:at+int(dec.InputOffset())]))
		rest = rest[at+int(dec.InputOffset()):]
	}
	require.Len(t, found, 2)
	return found[0], found[1]
}

// connector is what a body says about where to read.
func connector(t *testing.T, body string) (bucket, region, secret string) {
	t.Helper()
	var b struct {
		Data struct {
			Config struct {
				Connector struct {
					Bucket string `json:"bucket_name"`
					Region string `json:"region_name"`
					Secret string `json:"secret_key"`
				}
			} `json:"config"`
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &b))
	c := b.Data.Config.Connector
	return c.Bucket, c.Region, c.Secret
}

// Bodies as they stand, in the order create, edit, delete, against a shipper that runs: the records arrive, nothing is lost or read
// twice by an edit, and what was read is there when a deletion has ended.
func TestManageCreateEditDelete(t *testing.T) {
	t.Run("own", func(t *testing.T) {
		create, edit := ownBodies()
		createEditDelete(t, create, edit)
	})
	t.Run("vendor", func(t *testing.T) {
		create, edit := seedBodies(t)
		createEditDelete(t, create, edit)
	})
}

func createEditDelete(t *testing.T, create, edit string) {
	f := newFakeAWS(t)
	f.inManagement(t, manageFile)
	first, region, secret := connector(t, create)
	second, _, _ := connector(t, edit)
	f.putLog(t, first, logKey(region, "aaaa"), recordsOf(0, 40)...)
	m := startManaged(t)

	order := m.succeeds("POST", configAPI, create)
	assert.NotEmpty(t, order["steps"], "it was tested")
	id := order["source"].(string)
	untilShipped(t, eventIDs(0, 40))

	f.putLog(t, first, logKey(region, "bbbb"), recordsOf(40, 60)...) // the interval is an hour, so nobody has seen it
	want := eventIDs(0, 60)
	if second != first {
		// State belongs to a bucket, so what comes late is read before the source moves on.
		m.succeeds("PUT", configAPI+"/"+id, create)
		untilShipped(t, want)
		f.putLog(t, second, logKey(region, "cccc"), recordsOf(60, 70)...)
	} else {
		f.putLog(t, first, logKey(region, "cccc"), recordsOf(60, 70)...)
	}
	m.succeeds("PUT", configAPI+"/"+id, edit)
	untilShipped(t, eventIDs(0, 70))

	code, one := m.ask("GET", configAPI+"/"+id, "")
	require.Equal(t, 200, code)
	data := one["data"].(map[string]any)
	assert.Equal(t, "LogSources/"+id, data["id"])
	assert.Equal(t, true, data["state"].(map[string]any)["reading"])
	got := data["config"].(map[string]any)["Connector"].(map[string]any)
	assert.Equal(t, second, got["bucket_name"])
	assert.Equal(t, "xxxxx", got["secret_key"])

	m.succeeds("DELETE", configAPI+"/"+id, "")
	code, _ = m.ask("GET", configAPI+"/"+id, "")
	assert.Equal(t, 404, code)
	f.putLog(t, second, logKey(region, "dddd"), recordsOf(70, 80)...)
	m.stop()
	assert.Equal(t, eventIDs(0, 70), shipped(t), "nothing is read any more")
	noSecret(t, m.logged(), secret)
}

// noSecret looks for a secret in everything that was written.
func noSecret(t *testing.T, log string, secrets ...string) {
	t.Helper()
	texts := map[string]string{"the log": log}
	require.NoError(t, filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == "trailbeat.yml" {
			return err
		}
		data, err := os.ReadFile(path)
		texts[path] = string(data)
		return err
	}))
	for where, text := range texts {
		for _, secret := range secrets {
			assert.NotContains(t, text, secret, where)
		}
	}
	require.Contains(t, texts, filepath.Join("data", "management.keystore"))
}
