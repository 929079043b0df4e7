package shipper

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/output"
)

// worker ships one batch at a time. What it holds is used again for the next.
type worker struct {
	*Shipper
	pool    []*ecs.Event    // events to reuse, as many as the largest part so far had records
	events  []*ecs.Event    // of the pool, those to be written
	records []*input.Record // of each of them
	letters []Letter
	arena   ecs.Arena // of all events of the pool

	index    indexNames
	ingested seconds
}

// idleAfter is how long a worker keeps its memory while nothing comes.
const idleAfter = 10 * time.Second

// next waits for a batch; there is none any more when batches is closed. While nothing comes the worker gives up what it holds for the next batch: its
// events take 3 KB each, and hold the records of the batch before. Where there is always something to do nothing is given up.
func (w *worker) next(batches <-chan delivery) (d delivery, ok bool) {
	if w.pool != nil {
		timer := time.NewTimer(idleAfter)
		defer timer.Stop()
		select {
		case d, ok = <-batches:
			return d, ok
		case <-timer.C:
			w.pool, w.events, w.records, w.letters, w.arena = nil, nil, nil, nil, ecs.Arena{}
		}
	}
	d, ok = <-batches
	return d, ok
}

// ship delivers a batch and acknowledges it.
func (w *worker) ship(ctx context.Context, d delivery) {
	err := w.deliver(ctx, d)
	if err != nil {
		err = fmt.Errorf("batch of input %q not delivered: %w", d.src.ID, err)
	}
	d.batch.Ack(err)
}

// deliver writes the batch in parts of bounded size. At the first part that fails it stops: the batch comes again as a
// whole, and what is durable by then will be a duplicate.
func (w *worker) deliver(ctx context.Context, d delivery) error {
	for recs := d.batch.Records; len(recs) > 0; {
		n := partLen(recs, w.opt.MaxEvents, w.opt.MaxBytes)
		counts, err := w.part(ctx, d, recs[:n])
		if err != nil {
			settled := counts.Indexed + counts.Duplicate + counts.Filtered + counts.DeadLettered
			counts.Returned = int64(len(recs)) - settled
		}
		w.accounting.settle(d.src.ID, counts)
		if err != nil {
			return err
		}
		recs = recs[n:]
	}
	return nil
}

// partLen is how many of the records go into one Write: at least one.
func partLen(recs []input.Record, maxEvents, maxBytes int) int {
	n, size := 0, 0
	for n < min(len(recs), maxEvents) {
		if size += len(recs[n].Raw); size > maxBytes && n > 0 {
			break
		}
		n++
	}
	return n
}

// part maps and writes some records of a batch. The counts say what is decided about them, with an error as well.
func (w *worker) part(ctx context.Context, d delivery, recs []input.Record) (Counts, error) {
	counts := Counts{Filtered: w.mapAll(d, recs)}
	var open error // why some documents were not taken, though sending them again may help
	if len(w.events) > 0 {
		res, err := w.opt.Output.Write(ctx, w.events)
		err = checkResult(res, err, len(w.events))
		var refused *output.BatchError
		switch {
		case output.IsFatal(err):
			w.fail(err)
			return counts, err
		case errors.As(err, &refused):
			open = w.judge(d, refused)
		case err != nil:
			return counts, err
		}
		counts.Indexed, counts.Duplicate = int64(res.Stored), int64(res.Duplicate)
		w.opt.Observer.Written(d.src, w.events, res, refused)
	}
	if len(w.letters) > 0 {
		if err := w.bury(ctx); err != nil {
			return counts, err
		}
		counts.DeadLettered = int64(len(w.letters))
	}
	return counts, open
}

// mapAll fills w.events with the mapped documents and w.letters with the records that the mapping broke on. It returns how
// many were filtered.
func (w *worker) mapAll(d delivery, recs []input.Record) (filtered int64) {
	for len(w.pool) < len(recs) {
		w.pool = append(w.pool, w.newEvent())
	}
	w.arena.Reset()
	w.events, w.records, w.letters = w.events[:0], w.records[:0], w.letters[:0]
	ingested := w.ingested.now()
	for i := range recs {
		rec, ev := &recs[i], w.pool[len(w.events)]
		ev.Reset()
		src := d.src.settings(rec.Origin)
		fill(ev, &w.opt.Agent, src, rec, d.readTime)
		err := w.process(src, rec, ev)
		switch {
		case err == nil:
			ev.Event.Ingested = ingested
			ev.Meta.Dated = ev.Timestamp != d.readTime
			ev.Meta.Raw = rec.Raw
			ev.Meta.Index = w.index.of(ev)
			w.events, w.records = append(w.events, ev), append(w.records, rec)
		case w.opt.IsDrop != nil && w.opt.IsDrop(err):
			filtered++
		default:
			w.spoilt(d, rec, ev, err)
		}
	}
	return filtered
}

func (w *worker) newEvent() *ecs.Event {
	ev := new(ecs.Event)
	ev.ShareArena(&w.arena)
	return ev
}

// panicError is a panic of the mapping.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("the mapping panicked: %v", e.value) }

// damagedError is a record that its input knows to be damaged. There is nothing to map.
type damagedError struct{ fault string }

func (e *damagedError) Error() string { return e.fault }

// process maps one record. A panic is the fault of this record alone: the others of the batch must not suffer from it.
func (w *worker) process(src *Source, rec *input.Record, ev *ecs.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	if rec.Fault != "" {
		return &damagedError{rec.Fault}
	}
	mapper := src.Processor
	if mapper == nil {
		mapper = w.opt.Processor
	}
	if err := mapper.Process(rec.Raw, ev); err != nil {
		return err
	}
	if ev.Meta.ID == "" && w.opt.Identify != nil {
		w.opt.Identify(ev, rec)
	}
	return nil
}

// spoilt makes a dead letter of a record that the mapping broke on.
func (w *worker) spoilt(d delivery, rec *input.Record, ev *ecs.Event, err error) {
	l := w.letter(d, rec)
	l.Type, l.Reason = TypeMapping, err.Error()
	var meant interface{ LetterType() string }
	if errors.As(err, &meant) {
		l.Type = meant.LetterType()
		l.ID, l.Index = strings.Clone(ev.Meta.ID), w.index.of(ev) // the next record takes the event over
		if w.opt.KeepDocument {
			l.Document = ev.AppendJSON(nil)
		}
	}
	var damaged *damagedError
	if errors.As(err, &damaged) {
		l.Type = TypeDamaged
	}
	var panicked *panicError
	if errors.As(err, &panicked) {
		l.Type = TypePanic
		// What a panic leaves behind may be inconsistent. A new event takes its place.
		w.pool[len(w.events)] = w.newEvent()
		w.panics.note(d.src.ID, rec.Offset, panicked.stack)
	}
	w.letters = append(w.letters, l)
}

func (w *worker) letter(d delivery, rec *input.Record) Letter {
	return Letter{Time: time.Now().UTC(), InputID: d.src.ID, InputType: d.src.Type, Record: *rec}
}

// judge turns the permanent failures into dead letters. It returns an error that stands for the others, if there are any.
func (w *worker) judge(d delivery, refused *output.BatchError) (open error) {
	for _, f := range refused.Failures {
		if !f.Permanent {
			if open == nil {
				open = refused
			}
			continue
		}
		ev := w.events[f.Index]
		l := w.letter(d, w.records[f.Index])
		l.ID, l.Index = ev.Meta.ID, ev.Meta.Index
		l.Type, l.Reason, l.Status = f.Type, f.Reason, f.Status
		if w.opt.KeepDocument {
			l.Document = ev.AppendJSON(nil)
		}
		w.letters = append(w.letters, l)
	}
	return open
}

// bury stores w.letters, for as long as it takes: without that, acknowledging the batch would lose them.
func (w *worker) bury(ctx context.Context) error {
	began := false
	for try := 0; ; try++ {
		err := w.opt.DeadLetters.Write(ctx, w.letters)
		if err == nil {
			if began {
				w.letterLog.end(true)
			}
			w.buried.note(w.letters)
			return nil
		}
		if began {
			w.letterLog.repeat("error.message", err)
		} else {
			began = true
			w.letterLog.begin("error.message", err)
		}
		if ended := sleep(ctx, fullJitter(w.opt.Backoff.ceiling(try))); ended != nil {
			w.letterLog.end(false)
			return fmt.Errorf("storing %d dead letters: %w (%w)", len(w.letters), err, ended)
		}
	}
}
