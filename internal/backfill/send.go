package backfill

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/quota"
)

// messagesPerCall is how many messages a call of SQS takes.
const messagesPerCall = 10

// fillTime is how long a call waits for more objects, where few are listed.
const fillTime = 200 * time.Millisecond

// Send tells the queue of all objects of a planned Job. It closes neither. What was sent is marked after the queue has it: where Send ends in between,
// the next one sends some objects again, and whoever reads them finds their documents there.
func (j *Job) Send(ctx context.Context, queue Queue) error {
	j.start()
	began := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var keeping sync.WaitGroup
	keepCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	keeping.Go(func() { j.keep(keepCtx, func(err error) { cancel(err) }) })
	work := make(chan *item, j.opts.PerMessage*messagesPerCall)
	var senders sync.WaitGroup
	for range j.opts.Workers {
		senders.Go(func() {
			for j.sendSome(ctx, queue, work, cancel) {
			}
		})
	}
	err := j.walk(ctx, work)
	close(work)
	senders.Wait()
	stop()
	keeping.Wait()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if n := j.objects.Load(); n > 0 && time.Since(began) > time.Second {
		j.ledger.put(rateKey+"/queue", measured{Objects: n, Bytes: j.bytes.Load(), Seconds: time.Since(began).Seconds()})
	}
	return errors.Join(err, j.ledger.flush())
}

// sendSome sends one call's worth, and reports whether there may be more.
func (j *Job) sendSome(ctx context.Context, queue Queue, work <-chan *item, cancel context.CancelCauseFunc) bool {
	var list []*item
	var timer <-chan time.Time
	more := true
	for more && len(list) < j.opts.PerMessage*messagesPerCall {
		select {
		case it, ok := <-work:
			if !ok {
				more = false
				break
			}
			if j.sendable(ctx, it, cancel) {
				list = append(list, it)
			}
			if timer == nil {
				timer = time.After(fillTime)
			}
			continue
		case <-timer:
		}
		break
	}
	if len(list) == 0 {
		return more
	}
	var objects []Object
	for _, it := range list {
		objects = append(objects, it.object)
	}
	err := ctx.Err()
	for try := 1; err == nil; try++ {
		var calls int64
		calls, err = queue.Send(ctx, objects, j.opts.PerMessage)
		j.calls.send.Add(calls)
		if err == nil {
			break
		}
		if !passing(err) || try > listTries || ctx.Err() != nil {
			cancel(err)
			break
		}
		if kind, _ := input.Explain(err); kind == input.KindThrottled {
			j.limit.pause(min(time.Second<<try, maxPause))
		}
		err = quota.Sleep(ctx, min(time.Second<<try, maxPause))
	}
	how := outcomeDone
	if err != nil {
		how = outcomeReturned
	}
	for _, it := range list {
		j.settle(it, how)
	}
	return more
}

// sendable decides about an object: what is archived would only trouble those who read the queue. Of Intelligent-Tiering the listing does not
// tell, so each object is looked at.
func (j *Job) sendable(ctx context.Context, it *item, cancel context.CancelCauseFunc) bool {
	o := it.object
	if o.archived() || o.Class == classTiering {
		if o.Class == classTiering && !j.opts.Restore {
			j.calls.head.Add(1)
			a, err := j.tree.Archive(ctx, o.Key)
			if err == nil && !a.Archived {
				return j.turn(ctx, it)
			}
		}
		readable, err := j.archivedOrRestored(ctx, o)
		switch kind, _ := input.Explain(err); {
		case err != nil && ctx.Err() != nil:
			j.settle(it, outcomeReturned)
			return false
		case err != nil && kind == input.KindMissing:
			j.missing.Add(1)
			j.settle(it, outcomeDone)
			return false
		case err != nil:
			if err := j.fail(it, fmt.Errorf("s3://%s/%s: %w", j.tree.Name(), o.Key, err)); err != nil {
				cancel(err)
			}
			j.settle(it, outcomeFailed)
			return false
		case !readable:
			j.settle(it, outcomeStays)
			return false
		}
	}
	return j.turn(ctx, it)
}

func (j *Job) turn(ctx context.Context, it *item) bool {
	if j.limit.wait(ctx, it.object.Size) != nil {
		j.settle(it, outcomeReturned)
		return false
	}
	return true
}
