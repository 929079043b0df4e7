package sqs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/s3object"
	"github.com/trailbeat/trailbeat/input/sqs/notice"
)

// handle reads all that a message names and hands it over.
func (in *Input) handle(m *message) {
	defer in.room.idle()
	defer m.settle()
	n, err := notice.Parse(m.body)
	m.body = ""
	if err != nil {
		in.stats.MessagesUnknown.Add(1)
		told := fmt.Errorf("message %s of queue %s: %w", m.id, in.queue.Name, err)
		if unknown := new(notice.UnknownError); errors.As(err, &unknown) && in.kinds.first("unknown "+unknown.Kind) {
			in.tell(told)
		} else {
			in.state.Failed(told)
		}
		m.fail(err, true)
		return
	}
	for _, kind := range n.Skipped {
		in.stats.EventsSkipped.Add(1)
		if in.kinds.first("skipped " + kind) {
			in.log.Warn("events that tell of no new object are skipped; leave them out of the notifications", "kind", kind)
		}
	}
	if len(n.Objects) == 0 && len(n.Records) == 0 {
		in.stats.MessagesEmpty.Add(1)
	}
	if len(n.Records) > 0 {
		in.handRecords(m, n)
	}
	for _, ref := range n.Objects {
		if err := context.Cause(m.ctx); err != nil {
			m.fail(err, false)
			break
		}
		if in.reader.Kind(ref.Key) == s3object.Ignored {
			in.stats.ObjectsIgnored.Add(1)
			continue
		}
		in.readObject(m, s3object.Ref(ref))
	}
}

// handRecords hands over the records that stand in the message.
func (in *Input) handRecords(m *message, n notice.Notice) {
	region := n.Region
	if region == "" {
		region = in.region()
	}
	// The path makes ids for records that have none of their own.
	origin := &input.Origin{InputID: in.deps.ID, InputType: Type, Path: in.cfg.QueueURL + "#" + m.id, Region: region}
	in.state.Object(origin.Path)
	var offset int64
	all := make([]input.Record, len(n.Records))
	for i, raw := range n.Records {
		all[i] = input.Record{Raw: raw, Origin: origin, Index: int64(i), Offset: offset, SourceID: m.id}
		offset += int64(len(raw))
	}
	in.stats.RecordsInMessages.Add(int64(len(all)))
	in.stats.RecordBytes.Add(offset)
	for len(all) > 0 {
		part := all[:min(len(all), in.cfg.Object.BatchMaxRecords)]
		all = all[len(part):]
		m.pending.Add(1)
		var once sync.Once
		batch := &input.Batch{Records: part, Ack: func(err error) {
			once.Do(func() {
				if err != nil {
					m.fail(fmt.Errorf("%w: %w", errNotDelivered, err), false)
				}
				m.settle()
			})
		}}
		if err := in.ready.put(m.ctx, batch); err != nil {
			batch.Ack(err)
			return
		}
	}
}

// errNotDelivered is in what a message fails with when a batch came back.
var errNotDelivered = s3object.ErrNotDelivered

// objectTries is how often an object is read in one receive, where the faults may pass: each receive brings the message
// nearer to the end of a redrive policy.
const objectTries = 4

// readObject reads an object and hands its batches over.
func (in *Input) readObject(m *message, ref s3object.Ref) {
	var err error
	for try := range objectTries {
		if try > 0 {
			in.log.Debug("reading an object failed, trying again", "aws.s3.object.key", ref.Key, "error.message", err.Error())
			if sleep(m.ctx, backoff(try-1, 2*time.Second, 30*time.Second)) != nil {
				break
			}
		}
		if err = in.tryObject(m, ref); err == nil {
			return
		}
		if m.ctx.Err() != nil || errors.Is(err, errNotDelivered) || !aws.ClassOf(err).Passing() && aws.ClassOf(err) != aws.ClassChanged {
			break
		}
	}
	if cause := context.Cause(m.ctx); cause != nil {
		m.fail(cause, false)
		return
	}
	class := aws.ClassOf(err)
	if class == aws.ClassNoKey {
		in.stats.ObjectsMissing.Add(1)
		if in.cfg.MissingObject == "drop" {
			in.log.Warn("an object does not exist and is left out, as missing_object says", "aws.s3.bucket.name", ref.Bucket, "aws.s3.object.key", ref.Key)
			return
		}
	}
	if !errors.Is(err, errNotDelivered) {
		in.note(whatMessage, fmt.Errorf("message %s, receive %d: %w", m.id, m.receives, err))
	}
	m.fail(err, !class.Passing() && !errors.Is(err, errNotDelivered))
}

// tryObject reads an object once. When it returns nil, all of it was handed over.
func (in *Input) tryObject(m *message, ref s3object.Ref) error {
	if ref.Region == "" {
		ref.Region = in.region()
	}
	m.pending.Add(1)
	in.state.Object(ref.String())
	o, err := in.reader.Open(m.ctx, ref, func(err error) {
		if errors.Is(err, errNotDelivered) { // what reading failed with is said below, and may be tried again
			m.fail(err, false)
		}
		m.settle()
	})
	if err != nil {
		m.settle()
		return err
	}
	defer o.Close()
	for {
		b, err := o.Next()
		if err == io.EOF { //nolint:errorlint // a wrapped one is a broken connection, not the end of the object
			return nil
		}
		if err != nil {
			return err
		}
		if o.Failed() {
			b.Ack(errNotDelivered)
			return errNotDelivered
		}
		if err := in.ready.put(m.ctx, b); err != nil {
			b.Ack(err)
			return err
		}
	}
}

// kinds remembers what was warned of.
type kinds struct {
	mu   sync.Mutex
	seen map[string]bool
}

// maxKinds bounds what is remembered; a queue with more kinds of messages is told often enough.
const maxKinds = 200

// first says that a kind is seen for the first time.
func (k *kinds) first(kind string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seen[kind] || len(k.seen) >= maxKinds {
		return false
	}
	if k.seen == nil {
		k.seen = make(map[string]bool)
	}
	k.seen[kind] = true
	return true
}
