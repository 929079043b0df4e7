package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pasted is a configuration as its users have it, with options that do not apply here.
const pasted = `
path.data: %q
filebeat.inputs:
  - type: aws-s3
    enabled: true
    queue_url: %q
    endpoint: %q
    access_key_id: %q
    secret_access_key: %q
    default_region: us-east-1
    expand_event_list_from_field: Records
    visibility_timeout: 300s
    sqs.wait_time: 1s
    number_of_workers: 2
    tags: [forwarded, aws-cloudtrail]
    file_selectors:
      - regex: '/CloudTrail/'
        expand_event_list_from_field: Records
processors:
  - add_host_metadata: ~
setup.ilm.enabled: false
`

// pastedConsole and pastedEngine are its end.
const (
	pastedConsole = "output.console:\n  pretty: false\n"
	pastedEngine  = "output.elasticsearch:\n  hosts: [%q]\n  preset: balanced\n  worker: 2\ndata_stream.namespace: %s\n"
)

// A configuration of Filebeat runs as it is.
func TestAWSPastedConfiguration(t *testing.T) {
	c := newCloud(t)
	shape, endpoint := "--notify plain", c.url
	if c.otherQueues() { // the configuration names one endpoint for all services
		shape = "--send plain"
		queues, objects := forwardTo(t, c.sqs), forwardTo(t, c.s3)
		endpoint = behind(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Amz-Target") != "" {
				queues.ServeHTTP(w, r)
				return
			}
			objects.ServeHTTP(w, r)
		}))
	}
	queue := c.queue(shape, 0, 10, 1)
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"} {
		require.NoError(t, os.Unsetenv(name)) // it was set by Setenv, which puts it back
	}
	path := filepath.Join(t.TempDir(), "filebeat.yml")
	end := pastedConsole
	if c.engine != nil {
		end = fmt.Sprintf(pastedEngine, c.engine.engine.URL, c.namespace)
	}
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, pasted+"%s", c.data, queue, endpoint, "test", "test", end), 0o600))
	run := exec.CommandContext(c.ctx, binary, "run", "--once", "-c", path)
	var complaints strings.Builder
	run.Stderr = &complaints
	out, err := run.Output()
	require.NoError(t, err, complaints.String())
	assert.Contains(t, complaints.String(), "has no effect", "options that do not apply say so")
	assert.True(t, c.empty(queue))
	if c.engine != nil {
		c.check()
		return
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		var doc struct {
			Event struct{ ID string }
			Tags  []string
		}
		require.NoError(t, json.Unmarshal([]byte(line), &doc), line)
		assert.Contains(t, doc.Tags, "aws-cloudtrail")
		got = append(got, doc.Event.ID)
	}
	assert.Len(t, got, len(c.all()), "none twice")
	c.same(got)
}

// What an operator asks before the first run: does it work, and what rights does it need.
func TestAWSOperator(t *testing.T) {
	c := newCloud(t)
	inputs, queues := c.fewWays(hurriedQueue)
	s := c.write(inputs, "")
	out, err := exec.CommandContext(c.ctx, binary, "test", "input", "-c", s.config).CombinedOutput()
	t.Logf("%s", out)
	require.NoError(t, err)
	for _, id := range []string{"queue", "org", "groups"} {
		assert.Contains(t, string(out), "input "+id)
	}
	assert.NotContains(t, string(out), "FAILED")
	assert.False(t, c.drained(queues), "the test released what it received")

	gone, err := exec.CommandContext(c.ctx, binary, "test", "input", "-c", s.config, "-E", "trailbeat.inputs.1.bucket_arn=arn:aws:s3:::"+c.name+"-nowhere").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(gone), "FAILED")
	assert.Contains(t, string(gone), "no such bucket")

	policy, err := exec.CommandContext(c.ctx, binary, "export", "iam-policy", "-c", s.config).Output()
	require.NoError(t, err)
	var document struct {
		Version   string
		Statement []struct{ Action, Resource []string }
	}
	require.NoError(t, json.Unmarshal(policy, &document), "%s", policy)
	var actions []string
	for _, statement := range document.Statement {
		actions = append(actions, statement.Action...)
	}
	for _, action := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "s3:GetObject", "s3:ListBucket", "logs:FilterLogEvents"} {
		assert.Contains(t, actions, action)
	}
	assert.NotContains(t, actions, "s3:DeleteObject")

	// The test took nothing away.
	s.start("run").good()
	c.finish(s, queues...)
	c.check()
}
