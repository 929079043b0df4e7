package backfill

import (
	"context"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/quota"
)

// listers is how many folders are listed at the same time: enough that readers do not wait for days with few objects.
const listers = 4

// flushEvery is how often the state is stored. What was done since comes again after a crash.
const flushEvery = time.Second

// walk lists all units and gives their objects to work, which must settle each of them. It returns when all were listed, or ctx ends; the
// objects may be open then. The error is one of a listing.
func (j *Job) walk(ctx context.Context, work chan<- *item) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan *unit)
	var all sync.WaitGroup
	for range min(listers, j.opts.Workers) {
		all.Go(func() {
			for u := range next {
				if err := j.listUnit(ctx, u, work); err != nil {
					cancel(err)
				}
			}
		})
	}
	for key, f := range j.ledger.failures() {
		select {
		case work <- &item{object: Object{Key: key, Size: f.Size, Class: f.Class}}:
		case <-ctx.Done():
		}
	}
	for _, u := range j.units {
		select {
		case next <- u:
		case <-ctx.Done():
		}
	}
	close(next)
	all.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// listTries is how often a listing is tried again that failed for now; the client has tried each call several times itself.
const listTries = 20

// maxPause is the longest pause between two tries.
const maxPause = 30 * time.Second

// listUnit gives the objects of a unit to work.
func (j *Job) listUnit(ctx context.Context, u *unit, work chan<- *item) error {
	if ctx.Err() != nil {
		return nil
	}
	j.beginUnit(u)
	prefix := u.folder.Day(u.plan.day.time())
	after, token := u.mark.After, ""
	for {
		var objects []Object
		var next string
		for try := 1; ; try++ {
			var err error
			j.calls.list.Add(1)
			if objects, next, err = j.tree.List(ctx, prefix, after, token); err == nil {
				break
			}
			if ctx.Err() != nil {
				return nil
			}
			if !passing(err) || try == listTries {
				return err
			}
			pause := min(time.Second<<try, maxPause)
			j.limit.pause(pause)
			if quota.Sleep(ctx, pause) != nil {
				return nil
			}
		}
		for _, o := range objects {
			if o.Key <= after && token == "" { // a server that does not know StartAfter
				continue
			}
			if d, ok := j.inRange(u.folder, o); !ok || d != u.plan.day {
				continue
			}
			if u.onlyArchived && !o.archived() && o.Class != classTiering {
				continue
			}
			for {
				full, stuck := u.full()
				if stuck {
					return nil // the mark cannot pass what came back, so that all behind it would come again
				}
				if !full {
					break
				}
				if quota.Sleep(ctx, 50*time.Millisecond) != nil {
					return nil
				}
			}
			select {
			case work <- u.add(o):
			case <-ctx.Done():
				return nil
			}
		}
		if token = next; token == "" {
			moved, over := u.end()
			j.note(u, moved, over)
			return nil
		}
	}
}

// passing says that an error may be gone with the next try.
func passing(err error) bool {
	switch kind, _ := input.Explain(err); kind {
	case input.KindThrottled, input.KindNetwork, input.KindServer, input.KindExpired:
		return true
	}
	return false
}

// keep stores the state now and then, until ctx ends. broken gets the error of a store, which ends everything: what is not stored must not be called done.
func (j *Job) keep(ctx context.Context, broken func(error)) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := j.ledger.flush(); err != nil {
				broken(err)
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
