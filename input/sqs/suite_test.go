package sqs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
	"github.com/trailbeat/trailbeat/input/inputtest"
)

const queueURL = "https://sqs.us-east-1.amazonaws.com/123456789012/trail-queue"

func testConfig(client aws.HTTPClient) Config {
	cfg := DefaultConfig()
	cfg.QueueURL = queueURL
	cfg.AWS.AccessKeyID, cfg.AWS.SecretAccessKey = "AKIDEXAMPLE", "very-secret"
	cfg.AWS.Endpoint = "http://127.0.0.1:1"
	cfg.AWS.HTTPClient = client
	return cfg
}

// mortal is a client that can be killed, as a process can.
type mortal struct {
	aws.HTTPClient
	ctx  context.Context
	kill context.CancelFunc
}

func newMortal(c aws.HTTPClient) *mortal {
	ctx, cancel := context.WithCancel(context.Background())
	return &mortal{HTTPClient: c, ctx: ctx, kill: cancel}
}

func (m *mortal) Do(r *http.Request) (*http.Response, error) {
	if m.ctx.Err() != nil {
		return nil, errors.New("killed")
	}
	ctx, cancel := context.WithCancel(m.ctx) // so that a call is dead at once when the process is
	context.AfterFunc(r.Context(), cancel)
	return m.HTTPClient.Do(r.WithContext(ctx))
}

// seeders tell the queue of records, each in its own way.
var seeders = map[string]func(s *awstest.Server, n int, records []string){
	"one object each time": func(s *awstest.Server, n int, records []string) {
		key := fmt.Sprintf("%04d.json", n)
		s.Put("trail", key, []byte(`{"Records":[`+strings.Join(records, ",")+`]}`), nil)
		s.Send("trail-queue", awstest.Notification(awstest.S3Event("ObjectCreated:Put", "trail", key)))
	},
	"a few records an object": func(s *awstest.Server, n int, records []string) {
		for i := 0; i < len(records); i += 3 {
			key := fmt.Sprintf("%04d-%04d.json", n, i)
			s.Put("trail", key, []byte(`{"Records":[`+strings.Join(records[i:min(i+3, len(records))], ",")+`]}`), nil)
			s.Send("trail-queue", awstest.Bridge("Object Created", "aws.s3", `{"bucket":{"name":"trail"},"object":{"key":`+awstest.Quoted(key)+`}}`))
		}
	},
	"many objects a message": func(s *awstest.Server, n int, records []string) {
		keys := []string{}
		for i, r := range records {
			key := fmt.Sprintf("%04d-%04d.json", n, i)
			s.Put("trail", key, []byte(r), nil)
			keys = append(keys, awstest.Quoted(key))
		}
		s.Send("trail-queue", `{"s3Bucket":"trail","s3ObjectKey":[`+strings.Join(keys, ",")+`]}`)
	},
	"records in messages": func(s *awstest.Server, _ int, records []string) {
		for _, r := range records {
			s.Send("trail-queue", awstest.Bridge("AWS API Call via CloudTrail", "aws.iam", r))
		}
	},
}

func TestContract(t *testing.T) {
	for name, seed := range seeders {
		for _, once := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/once=%v", name, once), func(t *testing.T) {
				t.Parallel()
				inputtest.Run(t, inputtest.Harness{Ends: once, New: func(t *testing.T) inputtest.Source {
					server, n := new(awstest.Server), 0
					client := newMortal(nil)
					server.Send("trail-queue", `{"Event":"s3:TestEvent"}`)
					return inputtest.Source{
						Seed: func(records []string) { seed(server, n, records); n++ },
						Open: func() input.Input {
							client.kill()
							server.Restart("trail-queue")
							client = newMortal(server.Client())
							cfg := testConfig(client)
							cfg.Object.BatchMaxRecords = 7
							cfg.SQS.WaitTime = 5 * time.Millisecond
							cfg.MaxMessagesInFlight = 1000
							if !once { // the suite then looks for the last record, and several workers bring it early
								cfg.NumberOfWorkers = 1
							}
							in, err := New(cfg, Deps{ID: "in", Once: once})
							require.NoError(t, err)
							return in
						},
					}
				}})
			})
		}
	}
}
