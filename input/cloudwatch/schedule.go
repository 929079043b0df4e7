package cloudwatch

import (
	"cmp"
	"slices"
	"time"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/quota"
)

// far is how far away a look is that will not come.
const far = 1000 * time.Hour

// schedule gives log groups to workers until the input is closed or, with Once, all of them were read. A worker reads one
// window; a group that has more to read queues up behind the others.
func (in *Input) schedule() {
	owner, _ := quota.Owner(in.ctx, in.cfg.AWS, in.deps.Identity)
	in.limit = in.deps.Limits.Get(owner + " " + in.cfg.region())
	relist := time.Now()
	for {
		if !time.Now().Before(relist) {
			if err := in.discover(in.ctx); err != nil && in.ctx.Err() == nil {
				in.tell(err)
				in.unlisted = true
				if in.deps.Once {
					in.outlet.Finish()
					return
				}
			} else {
				in.unlisted = false
			}
			relist = time.Now().Add(far)
			if !in.deps.Once && in.lists() {
				relist = time.Now().Add(max(in.cfg.ScanFrequency, time.Minute))
			}
		}
		if in.ctx.Err() != nil {
			return
		}
		next, over := in.dispatch(relist)
		if over {
			in.outlet.Finish()
			return
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-timer.C:
		case <-in.wake:
		case <-in.ctx.Done():
		}
		timer.Stop()
	}
}

// dispatch starts workers for the groups whose turn it is. It says when to look again, and whether all was read.
func (in *Input) dispatch(latest time.Time) (next time.Time, over bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	now, left := time.Now(), 0
	var ready []*group
	for key, g := range in.groups {
		if g.running {
			left++
			continue
		}
		if g.restart() {
			in.afterReturn(g, now)
		}
		if g.gone && !g.waiting() {
			delete(in.groups, key)
			if err := g.stop(); err != nil {
				in.log.Warn("leaving a log group", "error.message", err.Error())
			}
			continue
		}
		if g.done {
			continue
		}
		left++
		if !g.waiting() {
			ready = append(ready, g)
		}
	}
	defer func() { in.noteState(latest, now) }()
	slices.SortFunc(ready, func(a, b *group) int { return cmp.Or(a.next.Compare(b.next), cmp.Compare(a.key, b.key)) })
	for _, g := range ready {
		if g.next.After(now) {
			if g.next.Before(latest) {
				latest = g.next
			}
			break
		}
		if in.busy == in.cfg.Workers {
			break // it wakes the schedule when one is free
		}
		in.busy++
		g.running = true
		in.workers.Go(func() { in.work(g) })
	}
	return latest, in.deps.Once && left == 0
}

// noteState tells what the schedule does until it looks again. Held: mu.
func (in *Input) noteState(next, now time.Time) {
	bad := in.unlisted
	for _, g := range in.groups {
		if g.faults == 0 {
			bad = in.unlisted && len(in.groups) == 0
			break
		}
		bad = true
	}
	switch {
	case bad:
		in.state.Retrying(next)
	case in.busy > 0:
		in.state.Reading()
	case next.After(now):
		in.state.Waiting(next)
	}
}

// afterReturn decides when a group whose batch came back is read again.
func (in *Input) afterReturn(g *group, now time.Time) {
	g.next = now.Add(in.cfg.ScanFrequency)
	if in.deps.Once {
		g.done = true // the one who sent it back has given up
	}
}

// work reads one window and says when the next is due.
func (in *Input) work(g *group) {
	in.state.Object(g.name)
	more, err := in.window(in.ctx, g)
	in.mu.Lock()
	now := time.Now()
	switch {
	case in.ctx.Err() != nil:
	case err != nil:
		in.fault(g, err, now)
	default:
		in.mended(g)
		if g.next = now; !more {
			g.next = g.due
			g.done = in.deps.Once && !g.hasFailed()
		}
	}
	g.running = false
	in.busy--
	in.mu.Unlock()
	in.nudge()
}

// fault tells of a group that cannot be read, once for each kind of fault, and has it tried again later.
func (in *Input) fault(g *group, err error, now time.Time) {
	in.stats.windowsFailed.Add(1)
	g.next = now.Add(quota.Rest(err, g.faults))
	g.faults++
	g.done = in.deps.Once
	if said := aws.ClassOf(err).String(); said != g.said || g.done {
		g.said = said
		in.tell(err)
	} else {
		in.state.Failed(err)
	}
}

// mended takes note that a group can be read.
func (in *Input) mended(g *group) {
	if g.faults > 0 {
		in.log.Info("log group is read again", "aws.cloudwatch.log_group", g.name)
	}
	g.faults, g.said = 0, ""
}
