package elasticsearch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// Write sends the events in bulk requests of create actions, as many as the limits ask for, and returns when each of them
// is answered. See output.Output for the meaning of its errors, and the package's documentation for the verdicts. An event
// without Meta.ID is stored anew each time that it is sent.
func (o *Output) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	if len(events) == 0 {
		return output.Result{}, nil
	}
	server, err := o.Server(ctx)
	if err != nil {
		return output.Result{}, err
	}
	w := &write{Output: o, ctx: ctx, server: server, events: events, settled: make([]bool, len(events))}
	if err := w.lookUp(); err != nil {
		return output.Result{}, err
	}
	var sending sync.WaitGroup
	for next := 0; next < len(events) && !w.over(); {
		b := o.bodies.Get().(*body)
		next = b.fill(events, next, limits{count: o.conf.BulkMaxSize, bytes: o.learned.Load()}, o.index, w.known, w.refuse)
		if len(b.docs) == 0 {
			o.bodies.Put(b)
			continue
		}
		if err := w.ready(b.names); err != nil {
			o.bodies.Put(b)
			w.fail(err)
			continue
		}
		// The slot is taken before the next body is built, so no more bodies are in memory than there are slots, and one.
		select {
		case o.slots <- struct{}{}:
		case <-ctx.Done():
			w.fail(ctx.Err())
			continue
		}
		send := func() {
			defer func() { <-o.slots }()
			w.send(part{b, 0, len(b.docs)})
			if b.open.Load() == 0 {
				o.bodies.Put(b)
			}
		}
		if next == len(events) {
			send()
		} else {
			sending.Go(send)
		}
	}
	sending.Wait()
	return w.result()
}

// write is the state of one Write.
type write struct {
	*Output
	ctx    context.Context
	server Server
	events []*ecs.Event
	// known says which events are stored already, in an earlier backing index. Nil: none is.
	known []bool
	// seen are the data streams as they were before the first request.
	seen map[string]*stream

	mu   sync.Mutex
	done output.Result
	// failures of single documents.
	failures []output.Failure
	// settled says for each event whether there is a verdict on it.
	settled []bool
	// down is the first error of a whole request. Once there is one, nothing more is sent: it is time to wait.
	down error
	// fatal stops the run.
	fatal error
	// refused are the lone documents for which the server refused the whole request with status 400.
	refused []output.Failure
}

// maxRefused is how many lone documents are refused with a 400 before the request itself is taken to be the cause.
const maxRefused = 8

func (w *write) over() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fatal != nil || w.down != nil
}

func (w *write) refuse(f output.Failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle(f.Index)
	w.failures = append(w.failures, f)
}

// fail notes an error that says nothing about single documents.
func (w *write) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case output.IsFatal(err):
		if w.fatal == nil {
			w.fatal = err
		}
	case w.down == nil:
		w.down = err
	}
}

// settle is called with the lock held.
func (w *write) settle(event int) { w.settled[event] = true }

// send sends a part, in halves where the server says that it is too large, or where one document spoils it.
func (w *write) send(p part) {
	if w.over() {
		return
	}
	items, err := w.bulk(p)
	if err == nil {
		w.judge(p, items)
		return
	}
	var e *RequestError
	ok := errors.As(err, &e)
	switch {
	case ok && e.Status == http.StatusRequestEntityTooLarge && p.len() == 1:
		w.refuse(output.Failure{
			Index: p.docs[p.from].event, Permanent: true, Status: e.Status, Type: "request_entity_too_large",
			Reason: fmt.Sprintf("the document alone (%d bytes) is larger than the server takes", len(p.text())),
		})
	case ok && e.Status == http.StatusRequestEntityTooLarge:
		w.learn(len(p.text()))
		w.sendHalves(p)
	case ok && e.Status == http.StatusBadRequest && p.len() == 1:
		w.refuseLone(p, e)
	case ok && e.Status == http.StatusBadRequest:
		w.sendHalves(p)
	default:
		w.fail(err)
	}
}

func (w *write) sendHalves(p part) {
	first, second := p.halves()
	w.send(first)
	w.send(second)
}

// learn keeps later requests below a size that was too large, so that they need not be split each time.
func (w *write) learn(size int) {
	const least = 64 << 10
	smaller := max(int64(size)/2, least)
	for {
		now := w.learned.Load()
		if now > 0 && now <= smaller {
			return
		}
		if w.learned.CompareAndSwap(now, smaller) {
			w.log.WarnContext(w.ctx, "the server takes smaller requests only; lower bulk_max_bytes to spare the first refusals",
				"output.bulk_max_bytes", smaller)
			return
		}
	}
}

// refuseLone notes a document whose request was refused with 400. Whether the document or the request is to blame shows in
// what else the server took.
func (w *write) refuseLone(p part, e *RequestError) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused = append(w.refused, output.Failure{
		Index: p.docs[p.from].event, Permanent: true, Status: e.Status, Type: e.Type, Reason: e.Reason,
	})
	if len(w.refused) >= maxRefused && !w.accepted.Load() && w.fatal == nil {
		w.fatal = w.refusedAll()
	}
}

func (w *write) refusedAll() error {
	first := w.refused[0]
	return &output.FatalError{Err: fmt.Errorf("the server refuses bulk requests (status %d, %s: %s); check parameters, headers and path of output.elasticsearch, and that it is Elasticsearch or OpenSearch",
		first.Status, first.Type, first.Reason)}
}

// result puts the verdicts together. What failed is named event by event only where something is durable; else the batch
// is sent again whole.
func (w *write) result() (output.Result, error) {
	if w.fatal == nil && w.down == nil && len(w.refused) > 0 && !w.accepted.Load() {
		w.fatal = w.refusedAll()
	}
	switch {
	case w.fatal != nil:
		return output.Result{}, w.fatal
	case w.down != nil && w.ctx.Err() != nil:
		return output.Result{}, fmt.Errorf("writing to Elasticsearch: %w", w.ctx.Err())
	case w.down != nil && w.done.Stored+w.done.Duplicate == 0:
		return output.Result{}, fmt.Errorf("writing to Elasticsearch: %w", w.down)
	}
	for _, f := range w.refused {
		w.settle(f.Index)
		w.failures = append(w.failures, f)
	}
	if w.down != nil {
		w.failRest()
	}
	if len(w.failures) == 0 {
		return w.done, nil
	}
	slices.SortFunc(w.failures, func(a, b output.Failure) int { return a.Index - b.Index })
	return w.done, &output.BatchError{Failures: w.failures}
}

// failRest gives the events without a verdict the error of the request that ended the Write.
func (w *write) failRest() {
	failure := output.Failure{Type: "request_failed", Reason: w.down.Error()}
	var refused *RequestError
	if errors.As(w.down, &refused) {
		failure.Status, failure.RetryAfter = refused.Status, refused.Wait
	}
	for i, settled := range w.settled {
		if !settled {
			failure.Index = i
			w.failures = append(w.failures, failure)
		}
	}
}
