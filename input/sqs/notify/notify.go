// Package notify tells a queue of objects as S3 would: with notifications of ObjectCreated, several objects a message, several
// messages a call. Whoever reads the queue with the aws-s3 input cannot tell the difference.
package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/trailbeat/trailbeat/input/aws"
)

// Object is what is told of.
type Object struct {
	Bucket, Key, ETag string
	// Region of the bucket; may be empty.
	Region string
	Size   int64
}

const (
	// MaxMessages is how many messages SQS takes in one call.
	MaxMessages = 10
	// MaxBytes is how many bytes one call may have, and one message. SQS took 256 KiB for long, and queues may be set to less.
	MaxBytes = 256 << 10
	// tries bounds how often messages are sent that SQS refused for now.
	tries = 8
)

// Sender sends to one queue. Safe for concurrent use.
type Sender struct {
	session *aws.Session
	queue   aws.Queue
	client  *sdk.Client
	fifo    bool
}

// New makes a Sender for the URL of a queue. It calls nobody.
func New(session *aws.Session, queueURL string) (*Sender, error) {
	queue, err := aws.ParseQueueURL(queueURL)
	if err != nil {
		return nil, err
	}
	return &Sender{session: session, queue: queue, client: session.Queue(queue), fifo: strings.HasSuffix(queue.Name, ".fifo")}, nil
}

// ARN of the queue, for the right to send.
func (s *Sender) ARN() string { return s.queue.ARN(s.session.Region(s.queue.Region)) }

// Close lets the connections go.
func (s *Sender) Close() { s.session.Close() }

// Send tells of objects, perMessage of them in each message, fewer where the bytes do not allow it. When it returns nil the queue has all of
// them. On an error some may be in the queue.
func (s *Sender) Send(ctx context.Context, objects []Object, perMessage int) (calls int64, err error) {
	var call []types.SendMessageBatchRequestEntry
	size := 0
	flush := func() error {
		if len(call) == 0 {
			return nil
		}
		n, err := s.send(ctx, call)
		calls += n
		call, size = nil, 0
		return err
	}
	for _, body := range messages(objects, perMessage, MaxBytes) {
		if len(call) == MaxMessages || size+len(body) > MaxBytes {
			if err := flush(); err != nil {
				return calls, err
			}
		}
		entry := types.SendMessageBatchRequestEntry{Id: awssdk.String(strconv.Itoa(len(call))), MessageBody: &body}
		if s.fifo {
			// The same objects are the same message, so what is sent twice within five minutes is there once.
			sum := sha256.Sum256([]byte(body))
			id := hex.EncodeToString(sum[:])
			entry.MessageDeduplicationId, entry.MessageGroupId = &id, &id
		}
		call = append(call, entry)
		size += len(body)
	}
	return calls, flush()
}

func (s *Sender) send(ctx context.Context, entries []types.SendMessageBatchRequestEntry) (calls int64, err error) {
	explain := aws.Call{Doing: "sending to queue", Target: s.queue.URL, Action: "sqs:SendMessage", Resource: s.ARN()}
	for try := range tries {
		if try > 0 {
			select {
			case <-time.After(min(100*time.Millisecond<<try, 5*time.Second)):
			case <-ctx.Done():
				return calls, ctx.Err()
			}
		}
		calls++
		out, callErr := s.client.SendMessageBatch(ctx, &sdk.SendMessageBatchInput{QueueUrl: &s.queue.URL, Entries: entries})
		if callErr != nil {
			return calls, explain.Explain(callErr)
		}
		if len(out.Failed) == 0 {
			return calls, nil
		}
		failed := make(map[string]bool, len(out.Failed))
		for _, f := range out.Failed {
			err = fmt.Errorf("%s: the queue refused a message: %s: %s", explain.Target, awssdk.ToString(f.Code), awssdk.ToString(f.Message))
			if f.SenderFault {
				return calls, err
			}
			failed[awssdk.ToString(f.Id)] = true
		}
		var again []types.SendMessageBatchRequestEntry
		for _, e := range entries {
			if failed[*e.Id] {
				again = append(again, e)
			}
		}
		entries = again
	}
	return calls, errors.Join(err, fmt.Errorf("tried %d times", tries))
}

// The members of a notification of S3 that readers look at, in S3's order.
type event struct {
	EventVersion string `json:"eventVersion"`
	EventSource  string `json:"eventSource"`
	AWSRegion    string `json:"awsRegion,omitempty"`
	EventName    string `json:"eventName"`
	S3           struct {
		SchemaVersion string `json:"s3SchemaVersion"`
		Bucket        struct {
			Name string `json:"name"`
			ARN  string `json:"arn"`
		} `json:"bucket"`
		Object struct {
			Key  string `json:"key"`
			Size int64  `json:"size"`
			ETag string `json:"eTag,omitempty"`
		} `json:"object"`
	} `json:"s3"`
}

// record is the event of one object. The key is encoded as S3 does it.
func record(o Object) []byte {
	e := event{EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: o.Region, EventName: "ObjectCreated:Put"}
	e.S3.SchemaVersion = "1.0"
	e.S3.Bucket.Name, e.S3.Bucket.ARN = o.Bucket, aws.BucketARN(o.Region, o.Bucket)
	e.S3.Object.Key = strings.ReplaceAll(url.QueryEscape(o.Key), "%2F", "/")
	e.S3.Object.Size, e.S3.Object.ETag = o.Size, strings.Trim(o.ETag, `"`)
	text, _ := json.Marshal(e) // strings and a number: never an error
	return text
}

const head, tail = `{"Records":[`, `]}`

// messages makes the bodies. A key has 1024 bytes at most, so that one event always fits.
func messages(objects []Object, perMessage, maxBytes int) (list []string) {
	var b strings.Builder
	n := 0
	end := func() {
		if n > 0 {
			b.WriteString(tail)
			list = append(list, b.String())
			b.Reset()
			n = 0
		}
	}
	for _, o := range objects {
		text := record(o)
		if n >= perMessage || n > 0 && b.Len()+1+len(text)+len(tail) > maxBytes {
			end()
		}
		if n == 0 {
			b.WriteString(head)
		} else {
			b.WriteByte(',')
		}
		b.Write(text)
		n++
	}
	end()
	return list
}
