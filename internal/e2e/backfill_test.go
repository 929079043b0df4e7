package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// trailOfOrganisation puts files of three accounts and two regions, one an hour, into a bucket. All records have ids of their own.
func (c *cloud) trailOfOrganisation(files, records int) (bucket string) {
	c.t.Helper()
	bucket = c.name + "-past"
	c.put(bucket, "", nil)
	const mark = "THE-EVENT-ID"
	template, err := json.Marshal(record(1, mark))
	require.NoError(c.t, err)
	first := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	for f := range files {
		account := []string{"111122223333", "222233334444", "333344445555"}[f%3]
		region := []string{"eu-west-1", "us-east-1"}[f/3%2]
		at := first.Add(time.Duration(f/6) * time.Hour)
		var body bytes.Buffer
		w, _ := gzip.NewWriterLevel(&body, gzip.BestSpeed)
		_, _ = w.Write([]byte(`{"Records":[`))
		ids := make([]string, records)
		for i := range records {
			ids[i] = fmt.Sprintf("%s-%d-%d", c.name, f, i)
			if i > 0 {
				_, _ = w.Write([]byte{','})
			}
			_, _ = w.Write(bytes.Replace(template, []byte(mark), []byte(ids[i]), 1))
		}
		_, _ = w.Write([]byte(`]}`))
		require.NoError(c.t, w.Close())
		c.note("bucket", ids...)
		c.put(bucket, fmt.Sprintf("AWSLogs/o-abcde12345/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s_%016d.json.gz",
			account, region, at.Format("2006/01/02"), account, region, at.Format("20060102T1504Z"), f), body.Bytes())
	}
	return bucket
}

// put stores an object, or makes the bucket where there is no key.
func (c *cloud) put(bucket, key string, body []byte) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.ctx, http.MethodPut, c.s3+"/"+bucket+"/"+key, bytes.NewReader(body))
	require.NoError(c.t, err)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	require.Equal(c.t, http.StatusOK, resp.StatusCode, "%s/%s", bucket, key)
}

// backfill starts a backfill.
func (s *scene) backfill(args ...string) *shipping {
	return s.command(append([]string{"backfill", "-c", s.config}, args...)...)
}

// follow starts a run that does not end by itself.
func (s *scene) follow() *shipping { return s.command("run", "-c", s.config) }

func (s *scene) command(args ...string) *shipping {
	s.t.Helper()
	p := &shipping{s: s, cmd: exec.CommandContext(s.ctx, binary, args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.text, &p.text
	require.NoError(s.t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
	}()
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("the output:\n%s", p.output())
		}
	})
	return p
}

// A backfill is sent to a queue, by a process that is killed and one that goes on. Three shippers share the queue, and one of them is killed: all is
// there, and nothing twice. 6,000 records; 1,000,000 in the long form.
func TestBackfillThroughAQueue(t *testing.T) {
	c := newCloud(t)
	began := time.Now()
	bucket := c.trailOfOrganisation(pick(120, 1000), pick(50, 1000))
	t.Logf("%d records after %s", len(c.all()), time.Since(began).Round(time.Second))
	var made struct{ QueueUrl string }
	c.call(c.sqs, "AmazonSQS.CreateQueue", map[string]any{"QueueName": c.name + "-past"}, &made)

	s := c.write("  []", c.output())
	args := []string{"s3://" + bucket, "--to-queue", made.QueueUrl, "--per-message", "2"}
	sending := s.backfill(append(args, "--rate", fmt.Sprint(pick(20, 200)))...)
	s.until("some messages", func() bool { visible, _ := c.left(made.QueueUrl); return visible != "0" || sending.hasEnded() })
	require.NoError(t, sending.cmd.Process.Kill())
	<-sending.ended
	rest := s.backfill(args...)
	<-rest.ended
	require.NoError(t, rest.err)
	again := s.backfill(args...)
	<-again.ended
	require.NoError(t, again.err)
	assert.Contains(t, again.output(), "nothing is left to do")

	var shippers []*scene
	for range 3 {
		c.data = t.TempDir()
		shippers = append(shippers, c.write(fmt.Sprintf("  - {type: aws-s3, id: past, queue_url: %q, visibility_timeout: %s, sqs.wait_time: 2s}\n", made.QueueUrl, map[bool]string{false: "5s", true: "60s"}[long()]), ""))
	}
	began = time.Now()
	one, two, three := shippers[0].start("run"), shippers[1].start("run"), shippers[2].start("run")
	s.until("some documents", func() bool { return c.documents() > len(c.all())/10 || one.hasEnded() })
	_ = one.cmd.Process.Kill()
	<-one.ended
	c.kills = 2
	a, b := two.good(), three.good()
	c.finish(shippers[0], made.QueueUrl)
	took := time.Since(began)
	t.Logf("shipped in %s, %.0f records/s; the two that were left: %+v, %+v", took.Round(time.Second), float64(len(c.all()))/took.Seconds(), a, b)
	assert.NotZero(t, a.indexed)
	assert.NotZero(t, b.indexed)
	c.check()
}

// A backfill is killed again and again, beside a live run with the same path.data. Each event is there once.
func TestBackfillBesideALiveRun(t *testing.T) {
	c := newCloud(t)
	bucket := c.trailOfOrganisation(pick(120, 600), 50)
	live := c.write(fmt.Sprintf("  - {type: aws-s3, id: org, bucket_arn: 'arn:aws:s3:::%s', start_timestamp: 2025-03-01T15:00:00Z, bucket_list_interval: 1s}\n", bucket), "")
	running := live.follow()
	kills := 0
	for range 3 {
		p := live.backfill("org", "--to", "2025-12-31", "--rate", "40")
		before := c.documents()
		live.until("some documents", func() bool { return p.hasEnded() || c.documents() > before+300 })
		if !p.hasEnded() {
			kills++
		}
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	p := live.backfill("org", "--to", "2025-12-31", "--order", "newest", "-o", "json")
	<-p.ended
	require.NoError(t, p.err)
	assert.Contains(t, p.output(), `"complete": true`)
	require.NoError(t, running.cmd.Process.Kill())
	<-running.ended
	c.kills = kills
	c.check()
	states, err := filepath.Glob(filepath.Join(c.data, "backfill", "*.db"))
	require.NoError(t, err)
	assert.Len(t, states, 1)
}
