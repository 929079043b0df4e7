package shipper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// Retry is an output.Output that sends again what another refused for now, for as long as the context lives.
//
//   - An error of the whole batch, or a first answer that refuses every document for now, means that the output is down: all
//     workers wait on one breaker, one of them tries at a time, and all go on when it is back.
//   - Documents that were refused for now are sent again alone, after a backoff with full jitter.
//   - Documents that were refused for good are reported when the others are durable.
//   - A *output.FatalError goes through.
//
// The server's wish (Failure.RetryAfter, or a method RetryAfter() time.Duration on an error) is the least wait.
// When the context ends first, Write returns a *output.BatchError with what is still open as not permanent, or, where
// nothing is durable yet, the reason itself.
type Retry struct {
	next    output.Output
	backoff Backoff
	jitter  func(time.Duration) time.Duration
	breaker *breaker
	refused *changeLog
}

// NewRetry puts retries and the breaker before next. A nil logger is silent.
func NewRetry(next output.Output, backoff Backoff, log *slog.Logger) *Retry {
	return newRetry(next, backoff, log, fullJitter)
}

func newRetry(next output.Output, backoff Backoff, log *slog.Logger, jitter func(time.Duration) time.Duration) *Retry {
	log = orDiscard(log)
	return &Retry{
		next: next, backoff: backoff, jitter: jitter,
		breaker: &breaker{backoff: backoff, jitter: jitter, log: log},
		refused: &changeLog{log: log, began: "output refused documents for now, sending them again",
			still: "output still refuses documents for now", ended: "output takes all documents again"},
	}
}

// Decorate puts the rate limit of cfg and the retries before out, in the order that they belong.
func Decorate(out output.Output, cfg Config, backoff Backoff, log *slog.Logger) *Retry {
	if cfg.RateLimit > 0 {
		out = NewRateLimit(out, cfg.RateLimit)
	}
	return NewRetry(out, backoff, log)
}

// GiveUpAfter has Write return a *output.FatalError when the output has taken nothing for d: a run that is to end must not wait
// for ever. Zero, the default: it waits. Call it before the first Write.
func (r *Retry) GiveUpAfter(d time.Duration) { r.breaker.limit = d }

// Down reports whether the output is down, since when and why.
func (r *Retry) Down() (down bool, since time.Time, err error) { return r.breaker.state() }

// Close closes the output behind it.
func (r *Retry) Close() error { return r.next.Close() }

// Write delivers the events, however often it has to try.
func (r *Retry) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	w := retried{pending: events, size: len(events)}
	defer func() {
		if w.retrying {
			r.refused.end(len(w.pending) == 0)
		}
	}()
	for try := 0; ; try++ {
		probe, err := r.breaker.enter(ctx)
		if err != nil {
			return w.unfinished(err)
		}
		res, err := r.next.Write(ctx, w.pending)
		if err = checkResult(res, err, len(w.pending)); output.IsFatal(err) {
			r.breaker.leave(probe)
			return output.Result{}, err
		}
		var refused *output.BatchError
		switch {
		case err == nil:
			r.breaker.up(probe)
			w.stored(res)
			w.pending = nil
		case errors.As(err, &refused):
			all := w.sort(res, refused)
			if all && (probe || try == 0) {
				r.breaker.down(probe, err, w.atLeast)
				if err := r.breaker.over(); err != nil {
					return output.Result{}, err
				}
				continue
			}
			r.breaker.up(probe)
		case ctx.Err() != nil:
			r.breaker.leave(probe)
			return w.unfinished(context.Cause(ctx))
		default:
			w.last = err
			r.breaker.down(probe, err, retryAfter(err))
			if err := r.breaker.over(); err != nil {
				return output.Result{}, err
			}
			continue
		}
		if len(w.pending) == 0 {
			return w.verdict()
		}
		if !w.retrying {
			w.retrying = true
			r.refused.begin("documents", len(w.pending), "error.message", w.last)
		} else {
			r.refused.repeat("documents", len(w.pending), "error.message", w.last)
		}
		if err := sleep(ctx, max(r.jitter(r.backoff.ceiling(try)), w.atLeast)); err != nil {
			return w.unfinished(err)
		}
	}
}

// retryAfter finds the wait that an error of a whole request asks for.
func retryAfter(err error) time.Duration {
	var wish interface{ RetryAfter() time.Duration }
	if errors.As(err, &wish) {
		return wish.RetryAfter()
	}
	return 0
}

// retried is one Write on its way through several tries.
type retried struct {
	size     int
	pending  []*ecs.Event
	index    []int // of each pending event in the original slice; nil: the same
	result   output.Result
	failures []output.Failure // permanent ones, with original indexes
	last     error            // why the pending ones are pending
	atLeast  time.Duration
	retrying bool
}

func (w *retried) stored(res output.Result) {
	w.result.Stored += res.Stored
	w.result.Duplicate += res.Duplicate
}

func (w *retried) original(i int) int {
	if w.index == nil {
		return i
	}
	return w.index[i]
}

// sort takes in a partial answer and keeps the documents to send again. It reports whether that is every one of them.
func (w *retried) sort(res output.Result, err *output.BatchError) (all bool) {
	w.stored(res)
	w.atLeast = 0
	var again []*ecs.Event
	var index []int
	for _, f := range err.Failures {
		i := f.Index
		f.Index = w.original(i)
		if f.Permanent {
			w.failures = append(w.failures, f)
			continue
		}
		if again == nil {
			w.last = &output.BatchError{Failures: []output.Failure{f}}
		}
		again, index = append(again, w.pending[i]), append(index, f.Index)
		w.atLeast = max(w.atLeast, f.RetryAfter)
	}
	all = len(again) == len(w.pending)
	w.pending, w.index = again, index
	return all
}

// verdict is the answer when nothing is pending any more.
func (w *retried) verdict() (output.Result, error) {
	if len(w.failures) == 0 {
		return w.result, nil
	}
	slices.SortFunc(w.failures, func(a, b output.Failure) int { return cmp.Compare(a.Index, b.Index) })
	return w.result, &output.BatchError{Failures: w.failures}
}

// unfinished is the answer when the run ends before that.
func (w *retried) unfinished(why error) (output.Result, error) {
	if w.last != nil {
		why = fmt.Errorf("%w; the output had said: %w", why, w.last)
	}
	if len(w.pending) == w.size {
		return output.Result{}, fmt.Errorf("giving up on %d documents: %w", w.size, why)
	}
	for i := range w.pending {
		w.failures = append(w.failures, output.Failure{Index: w.original(i), Type: "unfinished", Reason: why.Error()})
	}
	return w.verdict()
}

// checkResult holds an output to its contract: a verdict that does not add up may hide a document that is not durable.
func checkResult(res output.Result, err error, n int) error {
	var failed int
	var refused *output.BatchError
	switch {
	case err == nil:
	case output.IsFatal(err):
		return err
	case errors.As(err, &refused):
		failed = len(refused.Failures)
		last := -1
		for _, f := range refused.Failures {
			if f.Index <= last || f.Index >= n {
				return &output.FatalError{Err: fmt.Errorf("the output broke its contract: failure of event %d after that of event %d of %d", f.Index, last, n)}
			}
			last = f.Index
		}
	default:
		return err
	}
	if res.Stored < 0 || res.Duplicate < 0 || res.Stored+res.Duplicate+failed != n {
		return &output.FatalError{Err: fmt.Errorf("the output broke its contract: %d stored + %d duplicate + %d failed is not the %d events of the batch",
			res.Stored, res.Duplicate, failed, n)}
	}
	return err
}
