package lambdaqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
	"github.com/trailbeat/trailbeat/input/sqs"
)

// scene is an input that reads the calls of a function, with a bucket.
type scene struct {
	awstest.Server
	calls *Queue
	in    *sqs.Input
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{calls: New()}
	cfg := sqs.DefaultConfig()
	cfg.QueueURL = "https://sqs.us-east-1.amazonaws.com/123456789012/trail-queue"
	cfg.AWS.AccessKeyID, cfg.AWS.SecretAccessKey = "AKIAEXAMPLE", "example"
	cfg.AWS.Endpoint = "http://127.0.0.1:1" // objects by path, as the server of this test has them
	cfg.AWS.HTTPClient = s.Client()
	cfg.Object.BatchMaxRecords = 1 // so that messages do not share a batch, and its fate
	in, err := sqs.New(cfg, sqs.Deps{ID: "in", Queue: s.calls, Settled: s.calls.Settled})
	require.NoError(t, err)
	s.in = in
	return s
}

func (s *scene) put(name string, ids ...string) {
	var records []string
	for _, id := range ids {
		records = append(records, fmt.Sprintf(`{"eventID":%q}`, id))
	}
	s.Put("trail", name, []byte(`{"Records":[`+strings.Join(records, ",")+`]}`), nil)
}

// deliver reads until ctx ends, and settles each batch as fate says.
func (s *scene) deliver(ctx context.Context, fate func(*input.Batch) error) (records func() []string) {
	var got []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			batch, err := s.in.Read(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				continue // what it is about fails with its message
			}
			for _, r := range batch.Records {
				got = append(got, string(r.Raw))
			}
			batch.Ack(fate(batch))
		}
	}()
	return func() []string { <-done; return got }
}

// batch is the event of a queue; bodies by message id.
func batch(t *testing.T, bodies ...string) []byte {
	t.Helper()
	type message struct {
		ID     string            `json:"messageId"`
		Handle string            `json:"receiptHandle"`
		Body   string            `json:"body"`
		Source string            `json:"eventSource"`
		Attrs  map[string]string `json:"attributes"`
	}
	var list []message
	for i, body := range bodies {
		list = append(list, message{
			ID: fmt.Sprintf("m%d", i), Handle: "same", Body: body, Source: "aws:sqs",
			Attrs: map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": "1714979289000"},
		})
	}
	event, err := json.Marshal(map[string]any{"Records": list})
	require.NoError(t, err)
	return event
}

func created(key string) string {
	return awstest.Notification(awstest.S3Event("ObjectCreated:Put", "trail", key))
}

func all(*input.Batch) error { return nil }

// Each message is done or failed on its own, and the failed ones are named.
func TestInvokeNamesWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.put("a.json", "a1", "a2")
		s.put("c.json", "c1")
		ctx, cancel := context.WithCancel(t.Context())
		defer s.in.Close()
		defer cancel()
		records := s.deliver(ctx, func(b *input.Batch) error {
			if strings.Contains(string(b.Records[0].Raw), "c1") {
				return errors.New("the output is down")
			}
			return nil
		})
		answer, err := s.calls.Invoke(ctx, batch(t,
			created("a.json"), created("gone.json"), created("c.json"), `{"what":"is this"}`,
			`{"version":"0","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","detail":{"eventID":"d1"}}`))
		require.NoError(t, err)
		assert.JSONEq(t, `{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m2"},{"itemIdentifier":"m3"}]}`, string(answer))

		// The next call finds nothing of this one, and an empty list is an empty list.
		answer, err = s.calls.Invoke(ctx, batch(t, created("a.json")))
		require.NoError(t, err)
		assert.Equal(t, `{"batchItemFailures":[]}`, string(answer))
		cancel()
		require.NoError(t, s.in.Close())
		assert.ElementsMatch(t, []string{`{"eventID":"a1"}`, `{"eventID":"a2"}`, `{"eventID":"a1"}`, `{"eventID":"a2"}`, `{"eventID":"c1"}`, `{"eventID":"d1"}`}, records())
	})
}

// More messages than the input holds at once, with handles that repeat.
func TestInvokeWithManyMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		var bodies []string
		for i := range 500 {
			name := fmt.Sprintf("%d.json", i)
			s.put(name, name)
			bodies = append(bodies, created(name))
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer s.in.Close()
		defer cancel()
		records := s.deliver(ctx, all)
		answer, err := s.calls.Invoke(ctx, batch(t, bodies...))
		require.NoError(t, err)
		assert.Equal(t, `{"batchItemFailures":[]}`, string(answer))
		cancel()
		require.NoError(t, s.in.Close())
		assert.Len(t, records(), 500)
	})
}

// A function that runs out of time answers before it is killed: what is durable is done, the rest comes again.
func TestInvokeAnswersInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.put("a.json", "a1")
		s.put("b.json", "b1")
		ctx, cancel := context.WithCancel(t.Context())
		defer s.in.Close()
		defer cancel()
		stuck := make(chan struct{})
		records := s.deliver(ctx, func(b *input.Batch) error {
			if strings.Contains(string(b.Records[len(b.Records)-1].Raw), "b1") {
				<-stuck
			}
			return nil
		})
		call, end := context.WithTimeout(ctx, time.Minute)
		defer end()
		began := time.Now()
		answer, err := s.calls.Invoke(call, batch(t, created("b.json")))
		require.NoError(t, err)
		assert.Equal(t, `{"batchItemFailures":[{"itemIdentifier":"m0"}]}`, string(answer))
		assert.Equal(t, time.Minute-reserve, time.Since(began))
		close(stuck)
		answer, err = s.calls.Invoke(ctx, batch(t, created("a.json")))
		require.NoError(t, err)
		assert.Equal(t, `{"batchItemFailures":[]}`, string(answer), "what comes late from the call before changes nothing")
		cancel()
		require.NoError(t, s.in.Close())
		assert.Len(t, records(), 2)
		assert.Empty(t, s.calls.open)
	})
}

// Services that call the function themselves get an error where something failed, which is how they learn of it.
func TestInvokeWithoutAQueue(t *testing.T) {
	for name, c := range map[string]struct {
		event string
		fails string
	}{
		"S3":               {event: created("a.json")},
		"S3, gone":         {event: created("gone.json"), fails: "gone.json"},
		"SNS":              {event: `{"Records":[{"EventSource":"aws:sns","Sns":{"MessageId":"x","Message":` + awstest.Quoted(created("a.json")) + `}}]}`},
		"EventBridge":      {event: `{"version":"0","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","detail":{"eventID":"d1"}}`},
		"nothing at all":   {event: `{}`},
		"something else":   {event: `{"hello":"world"}`, fails: "not"},
		"not JSON":         {event: `hello`, fails: "reading the event"},
		"no message id":    {event: `{"Records":[{"eventSource":"aws:sqs","body":"{}"}]}`, fails: "record 0 of the event of the function has no messageId"},
		"a record, broken": {event: `{"Records":[7]}`, fails: "reading record 0"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				s.put("a.json", "a1")
				ctx, cancel := context.WithCancel(t.Context())
				defer s.in.Close()
				defer cancel()
				records := s.deliver(ctx, all)
				_, err := s.calls.Invoke(ctx, []byte(c.event))
				if c.fails == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, c.fails)
				}
				cancel()
				require.NoError(t, s.in.Close())
				records()
			})
		})
	}
}
