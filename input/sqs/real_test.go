package sqs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/needs"
)

// real is a server of the AWS APIs, with a bucket and a queue of its own.
type real struct {
	t             *testing.T
	cloud         needs.Cloud
	bucket, queue string
	queueURL      string // as the seeder says
}

func newReal(t *testing.T) *real {
	t.Helper()
	r := &real{t: t, cloud: needs.AWS(t)}
	r.bucket = fmt.Sprintf("sqs-%08x", rand.Uint32())
	r.queue = r.bucket
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL": r.cloud.URL, "AWS_ENDPOINT_URL_SQS": cmp.Or(os.Getenv("TRAILBEAT_TEST_SQS_URL"), r.cloud.URL), "AWS_ENDPOINT_URL_S3": cmp.Or(os.Getenv("TRAILBEAT_TEST_S3_URL"), r.cloud.URL),
		"AWS_ACCESS_KEY_ID": cmp.Or(os.Getenv("AWS_ACCESS_KEY_ID"), "test"), "AWS_SECRET_ACCESS_KEY": cmp.Or(os.Getenv("AWS_SECRET_ACCESS_KEY"), "test"), "AWS_REGION": "us-east-1",
	} {
		t.Setenv(k, v)
	}
	return r
}

// seed fills the bucket and tells the queue. It gives the event ids.
func (r *real) seed(args ...string) map[string]bool {
	r.t.Helper()
	ids, out, err := r.cloud.Seed(r.t, nil, append([]string{"--bucket", r.bucket, "--queue", r.queue}, args...)...)
	require.NoError(r.t, err)
	r.t.Logf("%s", out)
	var said struct {
		QueueURL string `json:"queue_url"`
	}
	require.NoError(r.t, json.Unmarshal(out[bytes.LastIndexByte(bytes.TrimSpace(out), '\n')+1:], &said))
	r.queueURL = said.QueueURL
	want := map[string]bool{}
	for _, id := range ids {
		want[id] = true
	}
	return want
}

func (r *real) config() Config {
	cfg := DefaultConfig()
	cfg.QueueURL = r.queueURL
	cfg.SQS.WaitTime = time.Second
	return cfg
}

func (r *real) open(cfg Config) *Input {
	r.t.Helper()
	in, err := New(cfg, Deps{ID: "in", Once: true, Logger: slog.New(slog.NewTextHandler(r.t.Output(), nil))})
	require.NoError(r.t, err)
	return in
}

func eventID(raw []byte) string {
	var e struct{ EventID, AwsAccountID string }
	_ = json.Unmarshal(raw, &e)
	return e.EventID
}

// drain reads to the end and acknowledges everything.
func (r *real) drain(in *Input, got map[string]bool) (records int) {
	r.t.Helper()
	for {
		b, err := in.Read(r.t.Context())
		if errors.Is(err, io.EOF) {
			return records
		}
		require.NoError(r.t, err)
		for _, rec := range b.Records {
			got[eventID(rec.Raw)] = true
		}
		records += len(b.Records)
		b.Ack(nil)
	}
}

// left is what the queue holds, seen or not.
func (r *real) left(in *Input) string {
	out, err := in.client.GetQueueAttributes(r.t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &in.cfg.QueueURL, AttributeNames: []types.QueueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"},
	})
	require.NoError(r.t, err)
	return out.Attributes["ApproximateNumberOfMessages"] + " " + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

func TestRealShapes(t *testing.T) {
	for _, shape := range []string{
		"--notify plain", "--notify sns", "--notify sns-raw", "--notify eventbridge",
		"--send plain", "--send sns", "--send sns-raw", "--send eventbridge", "--send cloudtrail", "--send cloudtrail-raw",
	} {
		t.Run(shape, func(t *testing.T) {
			r := newReal(t)
			if how := strings.Fields(shape)[0]; how == "--notify" && os.Getenv("TRAILBEAT_TEST_SQS_URL") != "" {
				t.Skip("this server sends no notifications: unset TRAILBEAT_TEST_SQS_URL, so that one of ../shared/stack/aws does")
			}
			want := r.seed(strings.Fields(shape)...)
			in, got := r.open(r.config()), map[string]bool{}
			records := r.drain(in, got)
			require.NoError(t, in.Close())
			assert.Equal(t, len(want), records, "none twice")
			assert.Equal(t, want, got)
			assert.Equal(t, "0 0", r.left(in))
			assert.Zero(t, in.Stats().MessagesUnknown.Load())
		})
	}
}

func TestRealKills(t *testing.T) {
	r := newReal(t)
	want := r.seed("--send", "cloudtrail")
	got := map[string]bool{}
	for life := range 8 {
		cfg := r.config()
		cfg.VisibilityTimeout = 2 * time.Second
		cfg.Object.BatchMaxRecords = 50
		client := newMortal(http.DefaultClient)
		cfg.AWS.HTTPClient = client
		cfg.AWS.Retry.MaxAttempts, cfg.SQS.ShutdownGraceTime = 1, 0 // the dead are quick
		in, err := New(cfg, Deps{ID: "in", Once: true})
		require.NoError(t, err)
		for range life * 3 {
			b, err := in.Read(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			if life%2 == 0 {
				for _, rec := range b.Records {
					got[eventID(rec.Raw)] = true
				}
				b.Ack(nil)
			}
		}
		client.kill() // nothing is released or deleted from now on
		_ = in.Close()
	}
	cfg := r.config()
	cfg.SQS.WaitTime = 3 * time.Second // longer than what the dead hold
	in := r.open(cfg)
	r.drain(in, got)
	require.NoError(t, in.Close())
	assert.Equal(t, want, got)
	assert.Equal(t, "0 0", r.left(in))
}

func TestRealConnectionsThatBreak(t *testing.T) {
	r := newReal(t)
	want := r.seed("--per-file", "2000", "--send", "plain")
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(api, "s3", "127.0.0.1:0", strings.TrimPrefix(os.Getenv("AWS_ENDPOINT_URL_S3"), "http://"))
	require.NoError(t, proxy.Start())
	defer proxy.Stop()
	_, err := proxy.Toxics.AddToxicJson(strings.NewReader(`{"type":"limit_data","stream":"downstream","attributes":{"bytes":40000}}`))
	require.NoError(t, err)
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://"+proxy.Listen)
	in, got := r.open(r.config()), map[string]bool{}
	records := r.drain(in, got)
	require.NoError(t, in.Close())
	assert.Equal(t, len(want), records)
	assert.Equal(t, want, got)
	assert.Positive(t, in.Stats().Objects.Resumes.Load())
	t.Logf("connections opened again: %d", in.Stats().Objects.Resumes.Load())
	assert.Equal(t, "0 0", r.left(in))
}

func TestRealTwoShippers(t *testing.T) {
	r := newReal(t)
	want := r.seed("--send", "plain", "--copies", "2")
	type result struct {
		got     map[string]bool
		records int
	}
	results := make(chan result)
	for range 2 {
		in := r.open(r.config())
		go func() {
			got := map[string]bool{}
			n := 0
			for {
				b, err := in.Read(t.Context())
				if err != nil {
					break
				}
				for _, rec := range b.Records {
					got[eventID(rec.Raw)] = true
				}
				n += len(b.Records)
				b.Ack(nil)
			}
			_ = in.Close()
			results <- result{got, n}
		}()
	}
	all, records := map[string]bool{}, 0
	for range 2 {
		one := <-results
		assert.Positive(t, one.records, "both have work")
		records += one.records
		for id := range one.got {
			all[id] = true
		}
	}
	assert.Equal(t, want, all)
	assert.Equal(t, len(want), records)
}

func TestRealDigests(t *testing.T) {
	r := newReal(t)
	want := r.seed("--digests", "main")
	in, got := r.open(r.config()), map[string]bool{}
	records := r.drain(in, got)
	require.NoError(t, in.Close())
	delete(got, "")
	assert.Equal(t, want, got)
	assert.Greater(t, records, len(want), "digests are records too")
	assert.Equal(t, "0 0", r.left(in))
}

func TestRealCheck(t *testing.T) {
	r := newReal(t)
	r.seed("--send", "plain")
	in := r.open(r.config())
	var names []string
	in.Check(t.Context(), func(s Step) {
		assert.NoError(t, s.Err, s.Name)
		assert.Equal(t, s.Name == "identity", s.Skipped, s.Name) // a server elsewhere is not asked
		names = append(names, s.Name)
		t.Logf("%s: %s", s.Name, s.Detail)
	})
	assert.Len(t, names, 8)
	require.NoError(t, in.Close())
	var _ input.Input = in
}
