package sqs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/trailbeat/trailbeat/input/aws"
)

// message is one receive of a message, until it was deleted or released.
type message struct {
	in       *Input
	id, body string
	handle   *string
	receives int
	received time.Time
	ctx      context.Context // of the reading and the signs of life
	cancel   context.CancelCauseFunc
	// pending counts what must be settled: the reading itself, objects and batches. abandoned goes before all that.
	pending atomic.Int64
	ended   sync.Once

	// signs lets one call for the visibility end before the next begins: a sign of life that is under way must not hide a
	// message that was just released.
	signs sync.Mutex

	mu      sync.Mutex
	hidden  time.Time // when it comes back unless a sign of life is given
	failure error
	drop    bool // a failure that sqs.max_receive_count counts
}

// fail notes why the message cannot be deleted; the first reason stays. counts says that sqs.max_receive_count applies.
func (m *message) fail(err error, counts bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failure == nil {
		m.failure, m.drop = err, counts
	} else if !counts {
		m.drop = false
	}
}

// settle takes one from what is pending and ends the message with the last.
func (m *message) settle() {
	if m.pending.Add(-1) == 0 {
		m.end(nil)
	}
}

// abandon ends the message now, whatever is pending. It does nothing to one that has ended.
func (m *message) abandon(err error) {
	m.end(err)
	m.cancel(err)
}

// end deletes or releases the message, in the background and once.
func (m *message) end(reason error) {
	m.ended.Do(func() {
		if reason != nil {
			m.fail(reason, false)
		}
		m.mu.Lock()
		failure, drop := m.failure, m.drop
		m.mu.Unlock()
		m.in.farther.Go(func() {
			if failure == nil || m.givenUp(failure, drop) {
				m.delete()
				m.in.room.left()
				failure = nil
			} else {
				m.release(failure)
			}
			if m.in.deps.Settled != nil {
				m.in.deps.Settled(*m.handle, failure)
			}
			m.cancel(errDone)
			m.in.mu.Lock()
			delete(m.in.messages, m)
			m.in.mu.Unlock()
			m.in.stats.MessagesInFlight.Add(-1)
		})
	})
}

var errDone = errors.New("the message is done")

// givenUp says that the message is deleted although it failed.
func (m *message) givenUp(failure error, drop bool) bool {
	limit := m.in.cfg.SQS.MaxReceiveCount
	if !drop || limit < 0 || m.receives < limit {
		return false
	}
	m.in.stats.MessagesGivenUp.Add(1)
	m.in.log.Error("a message is deleted although it was not delivered, as sqs.max_receive_count says: its records are lost",
		"message.id", m.id, "receives", m.receives, "sqs.max_receive_count", limit, "error.message", failure.Error())
	return true
}

// deleteTries is how often deleting is tried, each time with all tries of the SDK.
const deleteTries = 5

func (m *message) delete() {
	in := m.in
	ctx := context.WithoutCancel(m.ctx)
	for try := 0; ; try++ {
		_, err := in.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &in.cfg.QueueURL, ReceiptHandle: m.handle})
		if err == nil || isStale(err) { // stale: it was received again, or is deleted already
			in.stats.MessagesDeleted.Add(1)
			in.stats.ProcessingNanoseconds.Add(int64(time.Since(m.received)))
			return
		}
		if try+1 >= deleteTries || in.ctx.Err() != nil && try > 0 {
			in.stats.DeleteFailures.Add(1)
			in.log.Error("a message that is done could not be deleted, it comes again and its records will be duplicates",
				"message.id", m.id, "error.message", in.call("deleting a message", "sqs:DeleteMessage").Explain(err).Error())
			return
		}
		_ = sleep(in.ctx, backoff(try, time.Second, 30*time.Second)) // the signs of life go on meanwhile
	}
}

// release lets the message come again, after a pause.
func (m *message) release(failure error) {
	in := m.in
	if !errors.Is(failure, errClosed) {
		in.failed.Add(1)
	}
	if errors.Is(failure, errNotDelivered) && !errors.Is(failure, errClosed) { // the end of a run must not hide why the output took nothing
		in.state.Failed(failure)
	}
	if in.deps.Once {
		// It must not come again in this run, nor take the place of another. Close releases it.
		in.room.left()
		<-in.ctx.Done()
	} else {
		defer in.room.left()
	}
	pause := m.pause(failure)
	if left := maxHold - time.Since(m.received) - time.Minute; pause > left {
		pause = max(0, left)
	}
	in.stats.MessagesReturned.Add(1)
	m.cancel(errDone)
	m.signs.Lock()
	err := m.visibility(context.WithoutCancel(m.ctx), pause)
	m.signs.Unlock()
	if err != nil && !isStale(err) {
		in.stats.ReleaseFailures.Add(1)
		in.log.Warn("a message could not be released, it comes again when its visibility timeout ends",
			"message.id", m.id, "error.message", in.call("releasing a message", "sqs:ChangeMessageVisibility").Explain(err).Error())
	}
}

// pause is how long a message that failed stays hidden. It grows with the receives, so that a redrive policy does not
// use them up within seconds, but never above the visibility timeout, after which the message would come anyway.
func (m *message) pause(failure error) time.Duration {
	first := 30 * time.Second
	switch {
	case m.in.ctx.Err() != nil || errors.Is(failure, errCeiling):
		return 0
	case errors.Is(failure, errNotDelivered):
		if m.receives == 1 {
			return 0
		}
		first = time.Second
	}
	return min(first<<min(m.receives-1, 12), m.in.cfg.VisibilityTimeout)
}

// visibility hides the message for so long from now.
func (m *message) visibility(ctx context.Context, d time.Duration) error {
	asked := time.Now()
	_, err := m.in.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &m.in.cfg.QueueURL, ReceiptHandle: m.handle, VisibilityTimeout: int32(d / time.Second),
	})
	if err == nil {
		m.mu.Lock()
		m.hidden = asked.Add(d)
		m.mu.Unlock()
	}
	return err
}

var errCeiling = errors.New("the message was held for 12 hours, which is all that SQS allows; it is let go and comes again")

// keepAlive gives signs of life until the message ended.
func (m *message) keepAlive() {
	in := m.in
	half := in.cfg.VisibilityTimeout / 2
	wait := half
	for sleep(m.ctx, wait) == nil {
		left := maxHold - time.Since(m.received) - time.Minute // a minute, as clocks and calls take their time
		if left < time.Second {
			// What is out may still be delivered, then its records are duplicates of those that come again.
			in.log.Error("a message takes too long, it is let go before the 12 hours end that SQS allows", "message.id", m.id, "receives", m.receives)
			in.tell(fmt.Errorf("message %s: %w", m.id, errCeiling))
			m.abandon(errCeiling)
			return
		}
		// The last sign reaches a little beyond the end, so that the message is let go and does not just slip away.
		err := m.sign(min(in.cfg.VisibilityTimeout, left+10*time.Second))
		switch {
		case err == nil:
			in.stats.VisibilityExtensions.Add(1)
			wait = min(half, left)
		case m.ctx.Err() != nil:
			return
		case isStale(err):
			in.log.Warn("a message is no longer ours, as its visibility timeout ended or it was deleted; it may be delivered twice",
				"message.id", m.id, "receives", m.receives)
			return
		default:
			in.log.Warn("extending the visibility of a message failed, trying again",
				"message.id", m.id, "error.message", in.call("extending a message", "sqs:ChangeMessageVisibility").Explain(err).Error())
			wait = min(max(half/5, time.Second), left)
		}
	}
}

// sign gives one sign of life. One that is under way when the message ends is not broken off, as the queue may carry it out
// all the same, and later than what comes after it; it only gets no more time than a shutdown has.
func (m *message) sign(d time.Duration) error {
	m.signs.Lock()
	defer m.signs.Unlock()
	if err := m.ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(m.ctx))
	defer cancel()
	stop := context.AfterFunc(m.ctx, func() {
		if sleep(ctx, m.in.cfg.SQS.ShutdownGraceTime/2) == nil {
			cancel()
		}
	})
	defer stop()
	return m.visibility(ctx, d)
}

// isStale says that a receipt handle is worth nothing any more.
func isStale(err error) bool {
	switch aws.CodeOf(err) {
	case "ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight",
		"AWS.SimpleQueueService.MessageNotInflight", "InvalidIdFormat":
		return aws.ClassOf(err) == aws.ClassOther
	}
	return false
}
