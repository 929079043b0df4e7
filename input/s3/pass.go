package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/s3/lease"
	"github.com/trailbeat/trailbeat/input/s3object"
)

// source is one prefix that is listed.
type source struct {
	key, prefix string
	c           cursor
	ledger      *ledger
	ctx         context.Context // of the work on it
	begun       bool
	after       string
	token       string
}

// task is one object to be read. Objects that failed before have no source: their cursor has passed them.
type task struct {
	src    *source
	ledger *ledger
	ctx    context.Context
	o      object
}

// run makes passes until ctx ends, or one with Once.
func (in *Input) run(ctx context.Context) {
	failures := 0
	for {
		begin := time.Now()
		in.state.Reading()
		more, err := in.pass(ctx, begin)
		if ctx.Err() != nil {
			return
		}
		in.stats.passes.Add(1)
		in.stats.passTime.Store(int64(time.Since(begin)))
		if in.deps.Once {
			in.outlet.Finish()
			return
		}
		wait := in.cfg.BucketListInterval
		if err != nil {
			failures++
			wait = min(time.Second<<min(failures-1, 16), wait)
			in.state.Retrying(time.Now().Add(wait))
		} else if failures = 0; more {
			wait = 0
		} else {
			in.state.Waiting(time.Now().Add(wait))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-in.acquired():
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// pass looks for what is new, and reads it. more says that there was too much for one pass: each must come to its end, so that what
// is new elsewhere is found in time. The error is one that kept it from looking at anything.
func (in *Input) pass(ctx context.Context, begin time.Time) (more bool, err error) {
	sources, err := in.sources(ctx, begin)
	if ctx.Err() != nil {
		return false, nil
	}
	for _, one := range each(err) {
		in.note(whatListing, one)
	}
	in.stats.scopes.Store(int64(len(sources)))

	work := make(chan task)
	var readers sync.WaitGroup
	for range in.cfg.NumberOfWorkers {
		readers.Go(func() {
			for t := range work {
				in.read(t.ctx, t)
			}
		})
	}
	for _, l := range in.ledgers() {
		in.retry(l, work, begin)
	}
	l := &lister{in: in, work: work, queue: sources, begin: begin}
	var listers sync.WaitGroup
	for range min(in.cfg.NumberOfWorkers, len(sources)) {
		listers.Go(func() { l.run(ctx) })
	}
	listers.Wait()
	close(work)
	readers.Wait()
	for _, l := range in.ledgers() {
		in.stored(l.flush())
	}
	if l.full.Load() {
		in.note(whatFull, fmt.Errorf("%d objects could not be read: nothing new is read before some of them can be; mend what their errors say", maxFailed))
	}
	if ctx.Err() == nil {
		in.endFaults()
	}
	if failed := l.failed.Load(); failed != nil && !l.listed.Load() {
		err = *failed // of all of them
	} else if len(sources) > 0 {
		err = nil
	}
	return l.more.Load(), err
}

// sources gives what is to be listed.
func (in *Input) sources(ctx context.Context, now time.Time) ([]*source, error) {
	if err := in.agree(ctx); err != nil {
		return nil, err
	}
	if in.layout != layoutFlat {
		scopes, err := in.found.scopes(ctx, now, in.deps.Once)
		if len(in.found.roots) > 0 {
			if err := in.decide(layoutTrail); err != nil {
				in.outlet.Break(err)
				return nil, err
			}
			list, loadErr := in.trails(ctx, scopes)
			return list, errors.Join(err, loadErr)
		}
		if err != nil {
			return nil, err
		}
		if in.layout == layoutTrail {
			if !in.warned {
				in.warned = true
				in.log.Warn("there is no folder AWSLogs/ in the bucket", "aws.s3.bucket.name", in.bucket.Name, "bucket_list_prefix", in.cfg.BucketListPrefix)
			}
			return nil, nil
		}
		p, err := in.api.List(ctx, listing{Prefix: in.cfg.BucketListPrefix, Max: 1})
		if err != nil || len(p.Objects) == 0 {
			return nil, err
		}
		if err := in.decide(layoutFlat); err != nil {
			in.outlet.Break(err)
			return nil, err
		}
	}
	return in.flat(ctx)
}

func (in *Input) trails(ctx context.Context, scopes []scope) ([]*source, error) {
	list := make([]*source, 0, len(scopes))
	for _, s := range scopes {
		fresh := newTrail(s, in.window, in.cfg.Lookback)
		list = append(list, &source{key: fresh.key(), prefix: longer(s.prefix, in.cfg.BucketListPrefix), c: fresh})
	}
	return in.own(ctx, list)
}

func (in *Input) flat(ctx context.Context) ([]*source, error) {
	prefix := in.cfg.BucketListPrefix
	var fresh interface {
		cursor
		key() string
	} = newModified(prefix, in.window, in.cfg.Lookback)
	if in.cfg.LexicographicalOrdering {
		fresh = newOrdered(prefix, in.window, in.cfg.LexicographicalLookbackKeys)
	}
	return in.own(ctx, []*source{{key: fresh.key(), prefix: prefix, c: fresh}})
}

// own gives those of the sources that this process reads, with their cursors as they were stored. Those of the list are fresh ones.
func (in *Input) own(ctx context.Context, list []*source) ([]*source, error) {
	if in.shared != nil {
		return in.share(ctx, list)
	}
	for _, src := range list {
		c, err := in.ledger.cursor(src.key, func() cursor { return src.c })
		if err != nil {
			in.outlet.Break(err)
			return nil, err
		}
		src.c, src.ledger, src.ctx = c, in.ledger, ctx
	}
	return list, nil
}

// retry reads what failed before and is due, and looks at what rests until it changes.
func (in *Input) retry(l held, work chan<- task, now time.Time) {
	try, look := l.due(now, in.deps.Once)
	for _, o := range look {
		at, err := in.api.Head(l.ctx, o.Key)
		switch {
		case err == nil:
			if l.looked(o.Key, now, &at) {
				try = append(try, at)
			}
		case aws.ClassOf(err) == aws.ClassNoKey:
			l.looked(o.Key, now, nil)
		}
	}
	in.again(l, work, try)
}

// again hands out objects that failed before.
func (in *Input) again(l held, work chan<- task, list []object) {
	for _, o := range list {
		if ok, _ := l.take(o.Key); !ok {
			continue
		}
		select {
		case work <- task{ledger: l.ledger, ctx: l.ctx, o: o}:
		case <-l.ctx.Done():
			l.release(o.Key)
			return
		}
	}
}

// lister lists sources in turn, a page of each, so that much in one does not hold up the others.
type lister struct {
	in    *Input
	work  chan<- task
	begin time.Time
	full  atomic.Bool // too many failures
	more  atomic.Bool

	listed atomic.Bool           // something could be listed
	failed atomic.Pointer[error] // the last fault of a listing

	mu    sync.Mutex
	queue []*source
}

func (l *lister) next() *source {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return nil
	}
	s := l.queue[0]
	l.queue = l.queue[1:]
	return s
}

func (l *lister) run(ctx context.Context) {
	for ctx.Err() == nil && !l.full.Load() {
		s := l.next()
		if s == nil {
			return
		}
		again, err := l.page(s.ctx, s)
		if s.ctx.Err() != nil && ctx.Err() == nil {
			continue // the lease is lost
		}
		if err != nil && ctx.Err() == nil {
			l.in.note(whatListing, err)
			l.failed.Store(&err)
		}
		if !again || err != nil {
			continue
		}
		if !l.in.deps.Once && time.Since(l.begin) > l.in.cfg.BucketListInterval {
			l.more.Store(true)
			continue
		}
		l.mu.Lock()
		l.queue = append(l.queue, s)
		l.mu.Unlock()
	}
}

// page lists one page and hands out what is new in it. again says that there are more pages.
func (l *lister) page(ctx context.Context, s *source) (again bool, err error) {
	in := l.in
	if !s.begun {
		after, ok := s.ledger.begin(s.c, time.Now(), in.deps.Once)
		if !ok {
			return false, nil // not all of the last pass is acknowledged
		}
		s.begun, s.after = true, after
	}
	p, err := in.api.List(ctx, listing{Prefix: s.prefix, StartAfter: s.after, Token: s.token})
	if err != nil {
		return false, err
	}
	l.listed.Store(true)
	in.stats.listed.Add(int64(len(p.Objects)))
	if p.At.IsZero() {
		p.At = time.Now()
	}
	if cut, ended := in.until(s, p.Objects); ended {
		p.Objects, p.Next = cut, ""
	} else {
		p.Objects = cut
	}
	objects := p.Objects
	kept := objects[:0:0]
	for _, o := range objects {
		if in.objects.Wanted(o.Key) && !in.found.excluded(o.Key) && (in.deps.Wanted == nil || in.deps.Wanted(o.Key)) {
			kept = append(kept, o)
		}
	}
	in.stats.ignored.Add(int64(len(objects) - len(kept)))
	wanted, renewed := s.ledger.visit(s.key, s.c, kept, p.At, p.Next == "")
	s.token = p.Next
	if n := s.ledger.overflows(s.c); n > 0 {
		in.note(whatForeign, fmt.Errorf("%d objects below %q are not read: their names are not those of CloudTrail, and there are too many of them to remember; move them, or set layout: flat", n, s.prefix))
	}
	in.again(held{s.ledger, s.ctx}, l.work, renewed)
	for i, o := range wanted {
		ok, full := s.ledger.take(o.Key)
		if full {
			l.full.Store(true)
			s.ledger.abandon(s.key, s.c, wanted[i:])
			return false, nil
		}
		if !ok { // it failed before and is being read just now
			s.ledger.abandon(s.key, s.c, wanted[i:])
			return false, nil
		}
		in.stats.chosen.Add(1)
		select {
		case l.work <- task{src: s, ledger: s.ledger, ctx: s.ctx, o: o}:
		case <-ctx.Done():
			s.ledger.release(o.Key)
			s.ledger.abandon(s.key, s.c, wanted[i:])
			return false, nil
		}
	}
	return s.token != "", nil
}

// until leaves out what was delivered after Deps.Until. ended says that nothing else can follow, as folders of days are in order.
func (in *Input) until(s *source, list []object) (left []object, ended bool) {
	end := in.deps.Until
	if end.IsZero() {
		return list, false
	}
	c, ordered := s.c.(*trail)
	if !ordered && in.deps.UntilByName {
		return list, false
	}
	for _, o := range list {
		at, ok := o.Modified, true
		if ordered {
			at, _, ok = c.timeOf(o.Key)
		}
		switch {
		case !ok || !at.After(end):
			left = append(left, o)
		case ordered && at.Truncate(24*time.Hour).After(end):
			return left, true
		}
	}
	return left, false
}

// read reads one object and hands out its batches.
func (in *Input) read(ctx context.Context, t task) {
	var returned atomic.Bool
	in.state.Object("s3://" + in.bucket.Name + "/" + t.o.Key)
	stream, err := in.objects.Open(ctx, t.o.Key, func(err error) { in.settled(ctx, &t, returned.Load(), err) })
	if err != nil {
		in.say(ctx, err)
		in.settled(ctx, &t, false, err)
		return
	}
	if info := stream.Info(); info.ETag != "" {
		t.o.ETag = info.ETag // it may have been overwritten since it was listed
	}
	for {
		b, err := stream.Next()
		if err == io.EOF { //nolint:errorlint // one that is wrapped is no end
			return // settled gets it, with the last ack
		}
		if err != nil {
			in.say(ctx, err)
			return
		}
		ack, acked := b.Ack, new(atomic.Bool)
		b.Ack = func(err error) {
			if err != nil && !acked.Swap(true) {
				returned.Store(true)
			}
			acked.Store(true)
			ack(err)
		}
		if in.outlet.Send(ctx, b) != nil {
			b.Ack(context.Cause(ctx))
			stream.Close()
			return
		}
		if stream.Failed() {
			stream.Close()
			return
		}
	}
}

// say makes Read tell of an object that cannot be read, but not of many that cannot for the same reason.
func (in *Input) say(ctx context.Context, err error) {
	if ctx.Err() != nil || aws.ClassOf(err) == aws.ClassNoKey {
		return
	}
	in.note(whatObject, err)
}

// settled is the end of an object: all that was read of it is acknowledged.
func (in *Input) settled(ctx context.Context, t *task, returned bool, err error) {
	how := outcomeTransport
	switch {
	case err == nil:
		how = outcomeDone
	case ctx.Err() != nil && (returned || errors.Is(err, s3object.ErrGivenUp) || errors.Is(err, context.Canceled)):
		t.ledger.release(t.o.Key)
		return
	case returned:
		how = outcomeReturned
		in.outlet.CameBack()
		in.stats.returned.Add(1)
		if !errors.Is(err, s3object.ErrNotDelivered) {
			err = fmt.Errorf("%w: %w", s3object.ErrNotDelivered, err)
		}
		in.state.Failed(fmt.Errorf("s3://%s/%s: %w", in.bucket.Name, t.o.Key, err))
	case s3object.IsContent(err):
		how = outcomeContent
	case aws.ClassOf(err) == aws.ClassNoKey:
		how = outcomeMissing
		in.stats.missing.Add(1)
		in.log.Warn("an object is gone, it cannot be read any more", "aws.s3.object.key", t.o.Key)
	}
	if how == outcomeTransport || how == outcomeContent {
		in.stats.failed.Add(1)
	}
	var key string
	var c cursor
	if t.src != nil {
		key, c = t.src.key, t.src.c
	}
	todo, err := t.ledger.finish(key, c, t.o, how, err, time.Now(), in.cfg.BucketListInterval)
	if err != nil {
		if !errors.Is(err, lease.ErrLost) {
			in.log.Error("storing the state failed", "error.message", err.Error())
		}
		in.stored(err)
		return
	}
	if todo {
		in.poke()
	}
}

// List counts the call.
func (c counted) List(ctx context.Context, l listing) (page, error) {
	c.stats.listCalls.Add(1)
	return c.bucketAPI.List(ctx, l)
}

var _ input.Input = (*Input)(nil)
