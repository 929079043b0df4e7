package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// code is the exit code of a run, -1 of one that a signal ended.
func (p *shipping) code() int {
	<-p.ended
	return p.cmd.ProcessState.ExitCode()
}

// places makes a queue, a bucket and a log group with nothing in them.
func (c *cloud) places() (queue string) {
	c.t.Helper()
	name := c.name + "-q0"
	var made struct{ QueueUrl string }
	c.call(c.sqs, "AmazonSQS.CreateQueue", map[string]any{"QueueName": name}, &made)
	c.call(c.url, "Logs_20140328.CreateLogGroup", map[string]any{"logGroupName": c.name + "-group-0"}, nil)
	// A key that is no log file lets the script make the bucket. What it brings is older than anything that is wanted.
	c.seed(c.files[5:6], "--bucket", c.name+"-org", "--prefix", "elsewhere")
	c.mu.Lock()
	clear(c.ids)
	clear(c.records)
	c.mu.Unlock()
	return made.QueueUrl
}

// On a day on which nothing came, a test of the inputs goes as far as there is something, and a run ends well at once.
func TestAWSEmptyDay(t *testing.T) {
	c := newCloud(t)
	queue := c.places()
	bucket := fmt.Sprintf("  - {type: aws-s3, id: org, bucket_arn: 'arn:aws:s3:::%s-org', bucket_list_prefix: trail/}\n", c.name)
	s := c.write(queueInput("queue", queue)+bucket+c.groupInput(), "")
	check := func() string {
		out, err := exec.CommandContext(c.ctx, binary, "test", "input", "-c", s.config).CombinedOutput()
		require.NoError(t, err, "%s", out)
		assert.NotContains(t, string(out), "FAILED")
		return string(out)
	}
	out := check()
	for _, text := range []string{"the queue is empty", "there is no object yet", "holds no log event"} {
		assert.Contains(t, out, text)
	}
	run := s.start("run")
	assert.Equal(t, account{}, run.good())
	assert.Zero(t, run.code())
	assert.Contains(t, run.output(), "nothing new to read")

	// Today is empty, and the last month has one file: that is what the test reads.
	c.seed(c.files[5:6], "--bucket", c.name+"-org", "--prefix", "trail", "--newest", time.Now().AddDate(0, -1, 0).UTC().Format("2006-01-02T15:04:05Z"))
	out = check()
	_, org, _ := strings.Cut(out, "input org")
	assert.Regexp(t, `read one object +ok`, org)
	assert.Regexp(t, `decode one record +ok`, org)
	assert.NotZero(t, s.start("run").good().indexed)
	c.check()
}

// The exit code of a run that was to end says whether all of it is durable: a place that is missing, an object that is gone, a message
// that nobody understands, and an engine that is not there are each a 1, and what can be read is delivered all the same.
func TestAWSOnceExitCodes(t *testing.T) {
	c := newCloud(t)
	queue := c.places()
	c.fast(queue, c.crafted(0, 5))
	good := queueInput("queue", queue)
	nowhere := map[string]string{
		"no such queue":     queueInput("gone", queue+"-nowhere"),
		"no such bucket":    fmt.Sprintf("  - {type: aws-s3, id: gone, bucket_arn: 'arn:aws:s3:::%s-nowhere'}\n", c.name),
		"no such log group": fmt.Sprintf("  - {type: aws-cloudwatch, id: gone, log_group_name: %s-nowhere, region_name: us-east-1}\n", c.name),
	}
	for name, input := range nowhere {
		t.Run(name, func(t *testing.T) {
			run := c.write(good+input, "").start("run")
			assert.Equal(t, 1, run.code(), run.output())
			assert.Contains(t, run.output(), "nowhere")
			t.Logf("exit code %d", run.code())
		})
	}
	t.Run("the other input was read", func(t *testing.T) {
		assert.True(t, c.empty(queue))
		assert.Equal(t, 5, len(c.inStore()))
	})
	t.Run("a configuration that is wrong", func(t *testing.T) {
		run := c.write("  - {type: aws-s3, id: two, queue_url: 'https://x/1/q', bucket_arn: 'arn:aws:s3:::b'}\n", "").start("run")
		assert.Equal(t, 2, run.code(), run.output())
	})
	t.Run("a message that nobody understands", func(t *testing.T) {
		c.send(queue, "what is this")
		run := c.write(hurriedQueue("queue", queue), "").start("run")
		t.Logf("exit code %d", run.code())
		assert.Equal(t, 1, run.code(), run.output())
		assert.Contains(t, run.output(), "not understood")
		assert.False(t, c.empty(queue), "it is left for the redrive policy")
	})
	t.Run("an object that is gone", func(t *testing.T) {
		other := c.queue("--send plain", 1, 30, 1)
		c.send(other, fmt.Sprintf(`{"s3Bucket": "%s-q1", "s3ObjectKey": ["AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/02/gone.json.gz"]}`, c.name))
		run := c.write(hurriedQueue("queue", other), "").start("run")
		t.Logf("exit code %d", run.code())
		assert.Equal(t, 1, run.code(), run.output())
		assert.Contains(t, run.output(), "no such object")
		dropped := strings.ReplaceAll(hurriedQueue("queue", other), "}\n", ", missing_object: drop}\n")
		s := c.write(dropped, "")
		c.finish(s, other)
	})
	t.Run("an engine that is not there", func(t *testing.T) {
		c.fast(queue, c.crafted(20, 25))
		s := c.write(hurriedQueue("queue", queue), "output.elasticsearch: {hosts: ['http://127.0.0.1:9'], backoff: {init: 100ms, max: 1s}}\ntrailbeat.shutdown_timeout: 1s")
		run := s.start("run")
		run.says("output is down")
		require.NoError(t, run.cmd.Process.Signal(syscall.SIGTERM))
		assert.Equal(t, 1, run.code(), run.output())
		t.Logf("exit code %d", run.code())
	})
	s := c.write(hurriedQueue("queue", queue), "")
	s.until("what came back", func() bool {
		<-s.start("run").ended
		return len(c.inStore()) == len(c.all())
	})
	c.check()
}
