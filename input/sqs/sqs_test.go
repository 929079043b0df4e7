package sqs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
	"github.com/trailbeat/trailbeat/input/s3object"
	"github.com/trailbeat/trailbeat/input/sqs/notice"
)

type bench struct {
	*awstest.Server
	cfg  Config
	once bool
	log  bytes.Buffer
}

func newBench() *bench {
	b := &bench{Server: new(awstest.Server)}
	b.cfg = testConfig(b.Client())
	return b
}

func (b *bench) open(t *testing.T) *Input {
	t.Helper()
	in, err := New(b.cfg, Deps{ID: "in", Once: b.once, Version: "1.2.3", Logger: slog.New(slog.NewTextHandler(&b.log, nil))})
	require.NoError(t, err)
	return in
}

// object stores an object and tells the queue.
func (b *bench) object(key string, records ...string) {
	b.Put("trail", key, []byte(`{"Records":[`+strings.Join(records, ",")+`]}`), nil)
	b.Send("trail-queue", awstest.Notification(awstest.S3Event("ObjectCreated:Put", "trail", key)))
}

func read(t *testing.T, in *Input) *input.Batch {
	t.Helper()
	batch, err := in.Read(t.Context())
	require.NoError(t, err)
	return batch
}

func raws(b *input.Batch) (list []string) {
	for _, r := range b.Records {
		list = append(list, string(r.Raw))
	}
	return list
}

// inTime runs a test in a bubble of time, where sleeping costs nothing.
func inTime(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

func TestLease(t *testing.T) {
	inTime(t, "is kept while records wait for their ack", func(t *testing.T) {
		b := newBench()
		b.object("1", `{"a":1}`)
		in := b.open(t)
		batch := read(t, in)
		time.Sleep(2*time.Hour - time.Second)
		assert.Zero(t, b.Visible("trail-queue"))
		assert.EqualValues(t, 47, in.Stats().VisibilityExtensions.Load())
		assert.EqualValues(t, 1, in.Stats().MessagesInFlight.Load())
		batch.Ack(nil)
		synctest.Wait()
		assert.Empty(t, b.Left("trail-queue"))
		assert.EqualValues(t, 1, in.Stats().MessagesDeleted.Load())
		assert.Zero(t, in.Stats().MessagesInFlight.Load())
		require.NoError(t, in.Close())
	})
	inTime(t, "is let go before SQS ends it", func(t *testing.T) {
		b := newBench()
		b.object("1", `{"a":1}`)
		in := b.open(t)
		first, begin := read(t, in), time.Now()
		_, err := in.Read(t.Context())
		require.ErrorIs(t, err, errCeiling)
		assert.Equal(t, 12*time.Hour-time.Minute, time.Since(begin).Round(time.Second))
		again := read(t, in)
		first.Ack(nil) // too late
		synctest.Wait()
		assert.Len(t, b.Left("trail-queue"), 1)
		again.Ack(nil)
		synctest.Wait()
		assert.Empty(t, b.Left("trail-queue"))
		require.NoError(t, in.Close())
	})
	inTime(t, "may be lost to somebody else", func(t *testing.T) {
		b := newBench()
		b.object("1", `{"a":1}`)
		in := b.open(t)
		first := read(t, in)
		b.Restart("trail-queue")
		again := read(t, in)
		time.Sleep(time.Hour)
		first.Ack(nil)
		synctest.Wait()
		assert.Len(t, b.Left("trail-queue"), 1, "the old handle deletes nothing")
		again.Ack(nil)
		synctest.Wait()
		assert.Empty(t, b.Left("trail-queue"))
		require.NoError(t, in.Close())
		assert.Contains(t, b.log.String(), "no longer ours")
	})
	inTime(t, "survives calls that fail", func(t *testing.T) {
		b := newBench()
		b.object("1", `{"a":1}`)
		n := 0
		b.Hook(func(call string, _ *http.Request) *awstest.Fault {
			if call == "ChangeMessageVisibility" {
				if n++; n%8 != 0 {
					return &awstest.Fault{Status: 503, Code: "ServiceUnavailable"}
				}
			}
			return nil
		})
		in := b.open(t)
		batch := read(t, in)
		time.Sleep(time.Hour)
		assert.Zero(t, b.Visible("trail-queue"))
		batch.Ack(nil)
		synctest.Wait()
		assert.Empty(t, b.Left("trail-queue"))
		require.NoError(t, in.Close())
	})
	inTime(t, "is given back by Close", func(t *testing.T) {
		b := newBench()
		b.object("1", `{"a":1}`)
		b.object("2", `{"a":2}`)
		in := b.open(t)
		read(t, in)
		require.NoError(t, in.Close())
		assert.Equal(t, 2, b.Visible("trail-queue"))
		_, err := in.Read(t.Context())
		assert.ErrorIs(t, err, os.ErrClosed)
	})
}

func TestMessagesOfManyObjects(t *testing.T) {
	inTime(t, "are deleted with the last ack", func(t *testing.T) {
		b := newBench()
		b.cfg.Object.BatchMaxRecords = 2
		b.Put("trail", "1", []byte(`{"Records":[{"a":1},{"a":2},{"a":3}]}`), nil)
		b.Put("trail", "2", []byte(`{"Records":[{"a":4},{"a":5}]}`), nil)
		b.Send("trail-queue", `{"s3Bucket":"trail","s3ObjectKey":["1","2"]}`)
		in := b.open(t)
		var batches []*input.Batch
		for n := 0; n < 5; {
			batch := read(t, in)
			n += len(batch.Records)
			batches = append(batches, batch)
		}
		for i := len(batches) - 1; i >= 0; i-- {
			assert.Len(t, b.Left("trail-queue"), 1)
			batches[i].Ack(nil)
			synctest.Wait()
		}
		assert.Empty(t, b.Left("trail-queue"))
		assert.EqualValues(t, 2, in.Stats().Objects.ObjectsAcked.Load())
		require.NoError(t, in.Close())
	})
	inTime(t, "bring the others though one is missing", func(t *testing.T) {
		b := newBench()
		b.Put("trail", "2", []byte(`{"a":2}`), nil)
		b.Send("trail-queue", `{"s3Bucket":"trail","s3ObjectKey":["1","2"]}`)
		in := b.open(t)
		_, err := in.Read(t.Context())
		require.ErrorContains(t, err, "receive 1: reading object s3://trail/1: no such object")
		batch := read(t, in)
		assert.Equal(t, []string{`{"a":2}`}, raws(batch))
		batch.Ack(nil)
		synctest.Wait()
		assert.Len(t, b.Left("trail-queue"), 1)
		require.NoError(t, in.Close())
	})
}

func TestNothingIsDeletedThatIsNotUnderstood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		for range 3 {
			b.Send("trail-queue", "hello")
		}
		b.Send("trail-queue", awstest.Bridge("Something", "aws.ec2", "{}"))
		in := b.open(t)
		var told []string
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		for {
			_, err := in.Read(ctx)
			if ctx.Err() != nil {
				break
			}
			told = append(told, err.Error())
		}
		assert.Len(t, told, 2, "once a kind")
		assert.Len(t, b.Left("trail-queue"), 4)
		assert.Greater(t, in.Stats().MessagesUnknown.Load(), int64(100))
		assert.Less(t, in.Stats().MessagesUnknown.Load(), int64(2000), "with pauses")
		require.NoError(t, in.Close())
	})
}

func TestMaxReceiveCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.cfg.SQS.MaxReceiveCount = 3
		b.Send("trail-queue", "hello")
		b.object("1", `{"a":1}`)
		in := b.open(t)
		for n := 1; n <= 6; n++ { // an output that is down deletes nothing
			batch, err := in.Read(t.Context())
			if err != nil {
				continue
			}
			batch.Ack(errors.New("down"))
		}
		time.Sleep(time.Hour)
		assert.Len(t, b.Left("trail-queue"), 1)
		assert.EqualValues(t, 1, in.Stats().MessagesGivenUp.Load())
		assert.Contains(t, b.log.String(), "level=ERROR msg=\"a message is deleted although it was not delivered")
		require.NoError(t, in.Close())
	})
}

func TestEmptyMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.once = true
		b.Send("trail-queue", `{"Event":"s3:TestEvent"}`)
		b.Send("trail-queue", notice.ValidationMessage)
		b.Send("trail-queue", awstest.Notification(awstest.S3Event("ObjectRemoved:Delete", "trail", "1")))
		b.Send("trail-queue", awstest.Notification(awstest.S3Event("ObjectCreated:Put", "trail", "AWSLogs/123456789012/Config/x.json.gz")))
		in := b.open(t)
		_, err := in.Read(t.Context())
		assert.Equal(t, io.EOF, err)
		require.NoError(t, in.Close())
		assert.Empty(t, b.Left("trail-queue"))
		s := in.Stats()
		assert.EqualValues(t, 3, s.MessagesEmpty.Load())
		assert.EqualValues(t, 1, s.EventsSkipped.Load())
		assert.EqualValues(t, 1, s.ObjectsIgnored.Load())
		assert.EqualValues(t, 4, s.MessagesDeleted.Load())
	})
}

func TestMissingObject(t *testing.T) {
	for policy, left := range map[string]int{"retry": 1, "drop": 0} {
		inTime(t, policy, func(t *testing.T) {
			b := newBench()
			b.cfg.MissingObject, b.once = policy, true
			b.object("1", "")
			b.Remove("trail", "1")
			in := b.open(t)
			_, err := in.Read(t.Context())
			if policy == "retry" {
				require.ErrorContains(t, err, "no such object (NoSuchKey)")
				_, err = in.Read(t.Context())
			}
			assert.Equal(t, io.EOF, err)
			err = in.Close()
			if policy == "retry" {
				require.ErrorContains(t, err, "1 messages were not delivered")
			} else {
				require.NoError(t, err)
			}
			assert.Len(t, b.Left("trail-queue"), left)
			assert.EqualValues(t, 1, in.Stats().ObjectsMissing.Load())
		})
	}
}

func TestObjectsThatFail(t *testing.T) {
	inTime(t, "for a while", func(t *testing.T) {
		b := newBench()
		b.object("1", `{"a":1}`)
		n := 0
		b.Hook(func(call string, _ *http.Request) *awstest.Fault {
			if call == "GetObject" {
				if n++; n <= 7 {
					return &awstest.Fault{Status: 503, Code: "SlowDown"}
				}
			}
			return nil
		})
		in := b.open(t)
		read(t, in).Ack(nil)
		synctest.Wait()
		assert.Empty(t, b.Left("trail-queue"))
		assert.EqualValues(t, 1, in.Stats().MessagesReceived.Load(), "a receive brings the end of a redrive policy nearer")
		require.NoError(t, in.Close())
	})
	inTime(t, "in the middle, and come again without harm", func(t *testing.T) {
		b := newBench()
		b.cfg.Object.BatchMaxRecords = 10
		var all []string
		for i := range 1000 {
			all = append(all, fmt.Sprintf(`{"a":%d}`, i))
		}
		b.object("1", all...)
		n := 0
		b.Hook(func(call string, _ *http.Request) *awstest.Fault {
			if call == "GetObject" {
				if n++; n == 1 {
					return &awstest.Fault{Cut: 2000}
				} else if n < 12 {
					return &awstest.Fault{}
				}
			}
			return nil
		})
		in := b.open(t)
		got := map[string]bool{}
		for len(got) < 1000 {
			batch := read(t, in)
			for _, r := range raws(batch) {
				got[r] = true
			}
			batch.Ack(nil)
		}
		synctest.Wait()
		assert.Empty(t, b.Left("trail-queue"))
		assert.EqualValues(t, 1, in.Stats().MessagesReceived.Load())
		require.NoError(t, in.Close())
	})
	inTime(t, "for want of rights", func(t *testing.T) {
		b := newBench()
		b.object("1", `{"a":1}`)
		b.Hook(func(call string, _ *http.Request) *awstest.Fault {
			if call == "GetObject" {
				return &awstest.Fault{Status: 403, Code: "AccessDenied", Message: "Access Denied"}
			}
			return nil
		})
		in := b.open(t)
		_, err := in.Read(t.Context())
		require.ErrorContains(t, err, "allow s3:GetObject on arn:aws:s3:::trail/1")
		_, err = in.Read(t.Context())
		require.ErrorContains(t, err, " more messages could not be read to their end (access_denied)")
		b.Hook(nil)
		batch, err := in.Read(t.Context())
		for err != nil { // of a receive before that
			batch, err = in.Read(t.Context())
		}
		batch.Ack(nil)
		synctest.Wait()
		assert.Empty(t, b.Left("trail-queue"))
		require.NoError(t, in.Close())
	})
	inTime(t, "many for one reason", func(t *testing.T) {
		b := newBench()
		for i := range 50 {
			b.object(fmt.Sprint(i), `{"a":1}`)
		}
		b.Hook(func(call string, _ *http.Request) *awstest.Fault {
			if call == "GetObject" {
				return &awstest.Fault{Status: 403, Code: "AccessDenied", Message: "Access Denied"}
			}
			return nil
		})
		in := b.open(t)
		var told []string
		for until := time.Now().Add(30 * time.Minute); time.Now().Before(until); {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if _, err := in.Read(ctx); ctx.Err() == nil {
				told = append(told, err.Error())
			}
			cancel()
		}
		assert.Contains(t, told[0], "allow s3:GetObject")
		assert.Regexp(t, `^\d+ more messages could not be read to their end \(access_denied\)`, told[1])
		assert.LessOrEqual(t, len(told), 5, "one in ten minutes")
		assert.Greater(t, in.Report().Errors[input.KindAccessDenied], int64(100))
		assert.Len(t, b.Left("trail-queue"), 50)
		require.NoError(t, in.Close())
	})
	inTime(t, "as their content is broken", func(t *testing.T) {
		b := newBench()
		b.Put("trail", "1", []byte(`{"Records":[{"a":1},{"a":`), nil)
		b.Send("trail-queue", awstest.Notification(awstest.S3Event("ObjectCreated:Put", "trail", "1")))
		in := b.open(t)
		var got []string
		var told error
		for range 2 { // the error may come before the batch
			batch, err := in.Read(t.Context())
			if err != nil {
				told = err
				continue
			}
			got = append(got, raws(batch)...)
			batch.Ack(nil)
		}
		assert.Equal(t, []string{`{"a":1}`}, got)
		assert.True(t, s3object.IsContent(told))
		synctest.Wait()
		assert.Len(t, b.Left("trail-queue"), 1)
		require.NoError(t, in.Close())
	})
}

func TestAckWithAnError(t *testing.T) {
	for name, seed := range map[string]func(*bench){
		"object": func(b *bench) { b.object("1", `{"a":1}`) },
		"record": func(b *bench) { b.Send("trail-queue", awstest.Record) },
	} {
		inTime(t, name, func(t *testing.T) {
			b := newBench()
			seed(b)
			in := b.open(t)
			begin := time.Now()
			read(t, in).Ack(errors.New("down"))
			second := read(t, in)
			assert.Zero(t, time.Since(begin), "released at once")
			second.Ack(errors.New("down"))
			third := read(t, in)
			assert.Equal(t, 2*time.Second, time.Since(begin), "then with a pause")
			third.Ack(nil)
			synctest.Wait()
			assert.Empty(t, b.Left("trail-queue"))
			assert.EqualValues(t, 2, in.Stats().MessagesReturned.Load())
			require.NoError(t, in.Close())
		})
	}
}

func TestDeletingIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.object("1", `{"a":1}`)
		n := 0
		b.Hook(func(call string, _ *http.Request) *awstest.Fault {
			if call == "DeleteMessage" {
				if n++; n <= 12 {
					return &awstest.Fault{Status: 503, Code: "ServiceUnavailable"}
				}
			}
			return nil
		})
		in := b.open(t)
		read(t, in).Ack(nil)
		time.Sleep(10 * time.Minute)
		assert.Empty(t, b.Left("trail-queue"))
		assert.EqualValues(t, 1, in.Stats().MessagesReceived.Load())
		require.NoError(t, in.Close())
	})
}

func TestReceivingFails(t *testing.T) {
	failing := func(status int, code string) func(string, *http.Request) *awstest.Fault {
		return func(call string, _ *http.Request) *awstest.Fault {
			if call == "ReceiveMessage" {
				return &awstest.Fault{Status: status, Code: code, Message: "no"}
			}
			return nil
		}
	}
	inTime(t, "and goes on", func(t *testing.T) {
		b := newBench()
		b.object("1", `{"a":1}`)
		b.Hook(failing(403, "AccessDeniedException"))
		in := b.open(t)
		for range 3 {
			_, err := in.Read(t.Context())
			require.ErrorContains(t, err, "receiving messages trail-queue: access denied (AccessDeniedException); allow sqs:ReceiveMessage on arn:aws:sqs:us-east-1:123456789012:trail-queue")
			assert.False(t, input.IsFatal(err))
			assert.NotContains(t, err.Error(), "very-secret")
		}
		b.Hook(nil)
		read(t, in).Ack(nil)
		require.NoError(t, in.Close())
	})
	for name, fault := range map[string]func(string, *http.Request) *awstest.Fault{
		"for good": failing(403, "InvalidClientTokenId"), "too often": failing(503, "ServiceUnavailable"),
	} {
		inTime(t, "in a run that ends, "+name, func(t *testing.T) {
			b := newBench()
			b.once = true
			b.Send("trail-queue", awstest.Record)
			b.Hook(fault)
			in := b.open(t)
			var err error
			for range 5 {
				if _, err = in.Read(t.Context()); input.IsFatal(err) {
					break
				}
			}
			assert.True(t, input.IsFatal(err), "%v", err)
			require.NoError(t, in.Close())
		})
	}
	inTime(t, "in a run that ends, for want of a queue", func(t *testing.T) {
		b := newBench()
		b.once = true
		in := b.open(t)
		_, err := in.Read(t.Context())
		assert.True(t, input.IsFatal(err))
		assert.ErrorContains(t, err, "check queue_url")
		require.NoError(t, in.Close())
	})
}

func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.cfg.NumberOfWorkers, b.cfg.Object.BatchMaxBytes = 3, 1
		for i := range 100 {
			b.object(fmt.Sprint(i), `{"a":1}`)
		}
		in := b.open(t)
		read(t, in)
		time.Sleep(time.Hour)
		assert.LessOrEqual(t, in.Stats().MessagesReceived.Load(), int64(3+1+1), "three workers wait, one piece lies ready, one was read")
		require.NoError(t, in.Close())
		assert.Equal(t, 100, b.Visible("trail-queue"))
	})
}

func TestInFlightIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.cfg.MaxMessagesInFlight = 12
		for range 100 {
			b.Send("trail-queue", awstest.Record)
		}
		in := b.open(t)
		var batches []*input.Batch
		n := 0
		for {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			batch, err := in.Read(ctx)
			cancel()
			if err != nil {
				break
			}
			n += len(batch.Records)
			batches = append(batches, batch)
		}
		assert.Equal(t, 12, n)
		for _, batch := range batches {
			batch.Ack(nil)
		}
		read(t, in)
		require.NoError(t, in.Close())
		assert.Len(t, b.Left("trail-queue"), 88)
	})
}

func TestEndOfTheContextPausesReceiving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.Send("trail-queue", awstest.Record)
		in := b.open(t)
		ctx, cancel := context.WithCancel(t.Context())
		batch, err := in.Read(ctx)
		require.NoError(t, err)
		cancel()
		synctest.Wait()
		b.Send("trail-queue", awstest.Insight)
		time.Sleep(time.Hour)
		assert.Equal(t, 1, b.Visible("trail-queue"), "left for others")
		batch.Ack(nil)
		assert.Equal(t, []string{awstest.Insight}, raws(read(t, in)), "and on with another context")
		require.NoError(t, in.Close())
	})
}

func TestRecordsInMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		id := b.Send("trail-queue", `{"Records":[`+awstest.Record+`,`+awstest.Insight+`]}`)
		in := b.open(t)
		batch := read(t, in)
		assert.Equal(t, []string{awstest.Record, awstest.Insight}, raws(batch))
		assert.Equal(t, &input.Origin{InputID: "in", InputType: "aws-s3", Path: queueURL + "#" + id, Region: "us-west-2"}, batch.Records[0].Origin)
		assert.EqualValues(t, 1, batch.Records[1].Index)
		require.NoError(t, in.Close())
	})
}
