package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/needs"
)

// cloud is a server of the AWS APIs, filled by another program, and a place for the documents. Buckets, queues and log
// groups begin with its name. TRAILBEAT_TEST_SQS_URL and TRAILBEAT_TEST_S3_URL name other servers for these two services;
// they send no notifications.
type cloud struct {
	t            *testing.T
	ctx          context.Context
	url, sqs, s3 string
	script       string
	files        []string // the source files, with about 2,900 records together
	name         string
	data, store  string // path.data, and the database of the documents

	// Where there is an engine, store is not used.
	engine    *scene
	namespace string
	count     int // documents in the engine, when they were counted
	counted   time.Time

	kills   int
	mu      sync.Mutex
	ids     map[string]bool // all event ids that were seeded
	records map[string]int  // by the way in
}

// long says that each way in gets 20,000 records and not about 2,500.
func long() bool { return os.Getenv("TRAILBEAT_TEST_LONG") != "" }

// pick is a number of the short form or of the long one.
func pick(short, lengthy int) int {
	if long() {
		return lengthy
	}
	return short
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	server := needs.AWS(t)
	c := &cloud{t: t, url: server.URL, script: server.Seeder, files: server.Records, ids: map[string]bool{}, records: map[string]int{}, data: t.TempDir()}
	require.Greater(t, len(c.files), 50)
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(pick(300, 3600))*time.Second)
	t.Cleanup(cancel)
	c.ctx = ctx
	c.name = fmt.Sprintf("e2e-%08x", rand.Uint32())
	c.store = filepath.Join(t.TempDir(), "trail.db")
	c.chooseStore()
	c.sqs, c.s3 = c.url, c.url
	for service, url := range map[string]*string{"SQS": &c.sqs, "S3": &c.s3} {
		if other := os.Getenv("TRAILBEAT_TEST_" + service + "_URL"); other != "" {
			*url = other
		}
	}
	c.reach(c.url, c.sqs, c.s3)
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} { // the servers may know one key only
		if os.Getenv(name) == "" {
			t.Setenv(name, "test")
		}
	}
	return c
}

// reach makes what is started from now on talk to these addresses.
func (c *cloud) reach(url, sqs, s3 string) {
	c.t.Setenv("AWS_ENDPOINT_URL", url)
	c.t.Setenv("AWS_ENDPOINT_URL_SQS", sqs)
	c.t.Setenv("AWS_ENDPOINT_URL_S3", s3)
}

// otherQueues says that the queues are on a server that hears nothing from the bucket.
func (c *cloud) otherQueues() bool { return c.sqs != c.url || c.s3 != c.url }

// part is every n-th file, beginning with number i.
func (c *cloud) part(i, n int) (files []string) {
	for ; i < len(c.files); i += n {
		files = append(files, c.files[i])
	}
	return files
}

// seeded is what the seeding script says.
type seeded struct {
	QueueURL string `json:"queue_url"`
	Records  int    `json:"records"`
	Objects  int    `json:"objects"`
	TooLarge int    `json:"log_events_too_large"`
}

// seed puts files on the servers and notes their event ids. It may be called from any goroutine.
func (c *cloud) seed(files []string, args ...string) (said seeded) {
	c.t.Helper()
	list, err := os.CreateTemp(c.t.TempDir(), "ids")
	if !assert.NoError(c.t, err) {
		return said
	}
	_ = list.Close()
	args = append(append([]string{"--event-ids", list.Name()}, args...), files...)
	cmd := exec.CommandContext(c.ctx, c.script, args...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+c.url, "AWS_ENDPOINT_URL_SQS="+c.sqs, "AWS_ENDPOINT_URL_S3="+c.s3)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if !assert.NoError(c.t, err, "%s%s", out, &complaint) {
		return said
	}
	text, err := os.ReadFile(list.Name())
	assert.NoError(c.t, err)
	assert.NoError(c.t, json.Unmarshal(out, &said), "%s", out)
	assert.Zero(c.t, said.TooLarge, "the ids would hold some that are not there")
	way := "bucket"
	switch {
	case slices.Contains(args, "--queue"):
		way = "queues"
	case slices.Contains(args, "--log-group"):
		way = "groups"
	}
	c.note(way, strings.Fields(string(text))...)
	return said
}

// note has ids expected, which come by that way.
func (c *cloud) note(way string, ids ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records[way] += len(ids)
	for _, id := range ids {
		c.ids[id] = true
	}
}

// all are the event ids so far.
func (c *cloud) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.ids))
}

// inParallel does things at the same time, as few as the machine bears.
func (c *cloud) inParallel(jobs ...func()) {
	c.t.Helper()
	var all sync.WaitGroup
	free := make(chan struct{}, 3)
	for _, job := range jobs {
		all.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			job()
		})
	}
	all.Wait()
	require.False(c.t, c.t.Failed(), "the servers could not be filled")
}

// call makes a call in AWS's JSON protocol, which needs no client for what the tests want.
func (c *cloud) call(url, target string, body, answer any) {
	c.t.Helper()
	data, err := json.Marshal(body)
	require.NoError(c.t, err)
	req, err := http.NewRequestWithContext(c.ctx, http.MethodPost, url, bytes.NewReader(data))
	require.NoError(c.t, err)
	service, kind := "sqs", "application/x-amz-json-1.0"
	if strings.HasPrefix(target, "Logs_") {
		service, kind = "logs", "application/x-amz-json-1.1"
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("X-Amz-Target", target)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(resp.Body)
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusOK, resp.StatusCode, "%s: %s", target, &text)
	if answer != nil {
		require.NoError(c.t, json.Unmarshal(text.Bytes(), answer), "%s", &text)
	}
}

// send puts one message into a queue.
func (c *cloud) send(queue, body string) {
	c.t.Helper()
	c.call(c.sqs, "AmazonSQS.SendMessage", map[string]any{"QueueUrl": queue, "MessageBody": body}, nil)
}

// left is how many messages a queue holds: those that can be received and those that somebody has.
func (c *cloud) left(queue string) (visible, taken string) {
	c.t.Helper()
	const seen, unseen = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
	var answer struct{ Attributes map[string]string }
	c.call(c.sqs, "AmazonSQS.GetQueueAttributes", map[string]any{"QueueUrl": queue, "AttributeNames": []string{seen, unseen}}, &answer)
	return answer.Attributes[seen], answer.Attributes[unseen]
}

// empty says that a queue holds nothing at all.
func (c *cloud) empty(queue string) bool {
	visible, taken := c.left(queue)
	return visible == "0" && taken == "0"
}

// write puts a configuration with these inputs (items of a YAML list) and that output somewhere. An empty output is the
// chosen store.
func (c *cloud) write(inputs, output string) *scene {
	c.t.Helper()
	if output == "" {
		output = c.output()
	}
	path := filepath.Join(c.t.TempDir(), "trailbeat.yml")
	text := fmt.Sprintf("path.data: %q\ntrailbeat.inputs:\n%s\n%s\n", c.data, inputs, output)
	require.NoError(c.t, os.WriteFile(path, []byte(text), 0o600))
	return &scene{t: c.t, ctx: c.ctx, data: c.data, config: path}
}
