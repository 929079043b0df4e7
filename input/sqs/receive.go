package sqs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
)

// perCall is the most messages that SQS gives at once.
const perCall = 10

// onceTries is how often receiving may fail in a row before a run that ends by itself gives up.
const onceTries = 3

// receive is the one goroutine that receives.
func (in *Input) receive() {
	empty, failed := 0, 0
	for {
		free, err := in.room.wait(in.ctx, in.isPaused)
		if err != nil {
			return
		}
		before := in.room.resting()
		messages, err := in.receiveSome(min(free, perCall))
		switch {
		case in.ctx.Err() != nil:
			return
		case errors.Is(err, errPaused):
			continue
		case err != nil:
			failed++
			if in.deps.Once && (failed >= onceTries || !aws.ClassOf(err).Passing()) {
				in.state.Failed(err)
				in.end(&input.FatalError{Err: err})
				return
			}
			if in.deps.Once { // it ends well or with a fatal error; a try in between is neither
				in.state.Failed(err)
				in.log.Warn("receiving failed, trying again", "error.message", err.Error())
			} else {
				in.note(whatReceive, err)
			}
			pause := backoff(failed-1, time.Second, time.Minute)
			in.state.Retrying(time.Now().Add(pause))
			if sleep(in.ctx, pause) != nil {
				return
			}
			continue
		}
		failed = 0
		if len(messages) > 0 {
			empty = 0
			in.state.Reading()
			in.room.take(len(messages))
			for _, m := range messages {
				in.work.Go(func() { in.handle(m) })
			}
			continue
		}
		if empty++; !before {
			empty = 0 // a message may have been released meanwhile
		}
		if in.room.resting() {
			in.state.Waiting(time.Time{}) // the next long poll begins at once
		}
		if in.deps.Once && empty >= 2 && in.room.resting() {
			in.end(nil)
			return
		}
		if in.cfg.SQS.WaitTime < time.Second && sleep(in.ctx, in.cfg.SQS.WaitTime) != nil {
			return
		}
	}
}

// end makes Read return io.EOF, or an error, once everything was taken.
func (in *Input) end(fatal error) {
	in.endFaults()
	in.mu.Lock()
	in.fatal = fatal
	in.mu.Unlock()
	in.state.Ended()
	in.drained.Store(true)
	in.ready.wake()
}

func (in *Input) isPaused() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.paused
}

var errPaused = errors.New("receiving was paused")

// receiveSome is one long poll.
func (in *Input) receiveSome(most int) ([]*message, error) {
	ctx, cancel := context.WithCancel(in.ctx)
	defer cancel()
	in.mu.Lock()
	if in.paused {
		in.mu.Unlock()
		return nil, errPaused
	}
	in.poll = cancel
	in.mu.Unlock()
	asked := time.Now()
	in.stats.Receives.Add(1)
	out, err := in.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &in.cfg.QueueURL, MaxNumberOfMessages: int32(most),
		WaitTimeSeconds: int32(in.cfg.SQS.WaitTime / time.Second), VisibilityTimeout: int32(in.cfg.VisibilityTimeout / time.Second),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount, types.MessageSystemAttributeNameSentTimestamp,
		},
	})
	in.mu.Lock()
	in.poll = nil
	in.mu.Unlock()
	if err != nil {
		if ctx.Err() != nil {
			return nil, errPaused
		}
		return nil, in.call("receiving messages", "sqs:ReceiveMessage").Explain(err)
	}
	list := make([]*message, len(out.Messages))
	for i, m := range out.Messages {
		list[i] = in.newMessage(m, asked)
	}
	return list, nil
}

// call is a call about the queue, for its error.
func (in *Input) call(doing, action string) aws.Call {
	return aws.Call{Doing: doing, Target: in.queue.Name, Action: action, Resource: in.queue.ARN(in.region())}
}

func (in *Input) newMessage(raw types.Message, asked time.Time) *message {
	m := &message{
		in: in, id: awssdk.ToString(raw.MessageId), handle: raw.ReceiptHandle, body: awssdk.ToString(raw.Body),
		received: time.Now(), hidden: asked.Add(in.cfg.VisibilityTimeout),
	}
	m.receives, _ = strconv.Atoi(raw.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	m.receives = max(m.receives, 1)
	if ms, err := strconv.ParseInt(raw.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil && m.receives == 1 {
		in.stats.LagNanoseconds.Store(int64(max(0, m.received.Sub(time.UnixMilli(ms)))))
	}
	m.ctx, m.cancel = context.WithCancelCause(in.ctx)
	m.pending.Store(1)
	in.mu.Lock()
	in.messages[m] = true
	in.mu.Unlock()
	in.stats.MessagesReceived.Add(1)
	in.stats.MessagesInFlight.Add(1)
	in.work.Go(m.keepAlive)
	return m
}

// watch asks each minute how many messages wait. Without the right to ask nothing is known, and nothing is said.
func (in *Input) watch() {
	for {
		n := int64(-1)
		out, err := in.client.GetQueueAttributes(in.ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: &in.cfg.QueueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages},
		})
		if err == nil {
			if waiting, err := strconv.ParseInt(out.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)], 10, 64); err == nil {
				n = waiting
			}
		}
		in.stats.MessagesWaiting.Store(n)
		if sleep(in.ctx, time.Minute) != nil {
			return
		}
		if !in.deps.Once {
			in.endFaults()
		}
	}
}

// backoff is a pause that doubles with each try, with some chance in it.
func backoff(try int, first, most time.Duration) time.Duration {
	d := most
	if try < 20 {
		d = min(first<<try, most)
	}
	return d/2 + rand.N(d/2+1)
}

// sleep waits unless ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting: %w", context.Cause(ctx))
	}
}
