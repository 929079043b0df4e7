package eventhistory

import (
	"context"
	"errors"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/quota"
	"github.com/trailbeat/trailbeat/input/seen"
)

const (
	// relist is the time from one question for regions to the next, relistSoon where an answer did not come.
	relist     = time.Hour
	relistSoon = time.Minute
)

// What fails, in words.
const (
	whatRegions = "questions for the regions were not answered"
	whatHistory = "event histories could not be read"
)

// manage starts a stream for each region, and more when regions are enabled, until the input is closed or, with Once, all of
// them were read.
func (in *Input) manage() {
	in.owner, in.number = quota.Owner(in.ctx, in.cfg.AWS, in.session.Identity) // unknown: checkpoints are taken for those of this account
	for {
		wait := in.startStreams()
		if in.ctx.Err() != nil {
			return
		}
		if in.deps.Once {
			in.streaming.Wait()
			if in.ctx.Err() == nil {
				in.countFaults(true)
				in.outlet.Finish()
			}
			return
		}
		in.noteState()
		again := time.NewTimer(wait)
		count := time.NewTicker(in.faults.Quiet)
	waiting:
		for {
			select {
			case <-count.C:
				in.countFaults(false)
			case <-again.C:
				break waiting
			case <-in.ctx.Done():
				break waiting
			}
		}
		again.Stop()
		count.Stop()
	}
}

// startStreams brings the streams up to date with the regions, and says when to do so again.
func (in *Input) startStreams() (again time.Duration) {
	again = relist
	list, err := in.regions(in.ctx)
	if in.ctx.Err() != nil {
		return 0
	}
	if err != nil {
		in.note(whatRegions, err)
		if aws.ClassOf(err).Passing() {
			again = relistSoon
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	present := make(map[string]bool)
	for _, region := range list {
		for _, s := range in.streamsOf(region) {
			present[s.key] = true
			if in.streams[s.key] != nil {
				continue
			}
			if err := in.open(s); err != nil {
				in.outlet.Break(err)
				return 0
			}
			in.streams[s.key] = s
			in.streaming.Go(func() { in.run(s) })
		}
	}
	for key, s := range in.streams {
		if err == nil && !present[key] { // an answer that did not come says nothing about regions
			in.log.Warn("a region is no longer enabled; its checkpoint is kept", "cloud.region", s.region)
			s.quit()
			delete(in.streams, key)
			in.left = append(in.left, s)
		}
	}
	return again
}

// streamsOf makes the streams of a region.
func (in *Input) streamsOf(region string) []*stream {
	attributes := []*Attribute{nil}
	if n := len(in.cfg.LookupAttributes); n > 0 {
		attributes = make([]*Attribute, n)
		for i := range attributes {
			attributes[i] = &in.cfg.LookupAttributes[i]
		}
	}
	var list []*stream
	for _, category := range in.cfg.EventCategories {
		for _, a := range attributes {
			s := &stream{
				key: historyPrefix + region + "/" + category, region: region, category: category, attribute: a,
				origin: input.Origin{InputID: in.deps.ID, InputType: Type, Region: region},
				store:  in.deps.Store, wake: make(chan struct{}, 1), seen: seen.New(in.cfg.SeenMax),
			}
			if a != nil {
				s.key += "|" + a.Key + "=" + a.Value
			}
			list = append(list, s)
		}
	}
	return list
}

// open takes up a stream where it was left.
func (in *Input) open(s *stream) error {
	now := time.Now()
	start, err := aws.ParseStart(in.cfg.StartTimestamp, now)
	if err != nil {
		return err // Validate saw to that
	}
	begin := max(start.Unix(), now.Add(-kept).Unix())
	other, err := s.resume(in.number, in.cfg.StartTimestamp, min(begin, now.Unix()), now.Add(-in.cfg.Lookback).Unix())
	if err != nil {
		return err
	}
	if other {
		in.log.Warn("the checkpoint is of another account and is replaced: reading begins anew", "cloud.region", s.region, "cloud.account.id", in.number)
	}
	s.api, s.limit = in.session.CloudTrail(s.region), in.deps.Limits.Get(in.owner+" "+s.region)
	s.ctx, s.quit = context.WithCancel(in.ctx)
	return nil
}

// run reads a stream until its region or the input is gone or, with Once, all of it was read.
func (in *Input) run(s *stream) {
	for {
		if s.hasFailed() && !in.recover(s) {
			return
		}
		next, over := in.turn(s)
		if over || s.ctx.Err() != nil {
			return
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-timer.C:
		case <-s.wake:
		case <-s.ctx.Done():
		}
		timer.Stop()
	}
}

// recover waits until all batches of a stream are back or acknowledged, and goes back to the checkpoint. false: there is nothing more
// to read.
func (in *Input) recover(s *stream) bool {
	for !s.restart() {
		select {
		case <-s.wake:
		case <-s.ctx.Done():
			return false
		}
	}
	if in.deps.Once {
		return false // the one who sent it back has given up
	}
	timer := time.NewTimer(in.cfg.ScanFrequency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// turn reads some pages and says when the next turn is due.
func (in *Input) turn(s *stream) (next time.Time, over bool) {
	r, pages, next := in.choose(s)
	if r == nil {
		return next, in.deps.Once
	}
	select {
	case in.workers <- struct{}{}:
	case <-s.ctx.Done():
		return time.Time{}, true
	}
	in.busy.Add(1)
	in.noteState()
	in.state.Object(s.name())
	done, err := in.read(s.ctx, s, r, pages)
	in.busy.Add(-1)
	<-in.workers
	defer in.noteState()
	now := time.Now()
	switch {
	case s.ctx.Err() != nil:
		return time.Time{}, true
	case errors.Is(err, errReturned):
		return now, false
	case err != nil:
		return in.fault(s, err, now), in.deps.Once
	}
	in.mended(s)
	if done {
		s.finish(r)
	}
	return now, false
}

// fault tells of a stream that cannot be read, and says when it is tried again.
func (in *Input) fault(s *stream, err error, now time.Time) time.Time {
	in.stats.failed.Add(1)
	s.mu.Lock()
	s.next = now.Add(quota.Rest(err, s.faults))
	s.faults++
	s.mu.Unlock()
	in.note(whatHistory, err)
	// The token may be why, and belongs to a moment that is gone.
	for _, r := range []*reading{s.past, s.follow} {
		if r != nil && r.token != nil {
			r.token = nil
			if r.sorted {
				r.span.To = r.low
			}
		}
	}
	return s.next
}

// mended takes note that a stream can be read.
func (in *Input) mended(s *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults > 0 {
		in.log.Info("the event history is read again", "cloud.region", s.region)
	}
	s.faults = 0
}

// note counts what went wrong, and makes Read tell it where its kind was not told yet.
func (in *Input) note(what string, err error) {
	in.state.Failed(err)
	if in.faults.Note(what, err, time.Now()) {
		in.outlet.Tell(err)
	}
}

// countFaults tells what was hidden, and what is over.
func (in *Input) countFaults(all bool) {
	say, over := in.faults.Pass(time.Now(), all)
	for _, err := range say {
		in.outlet.Tell(err)
	}
	for _, key := range over {
		in.log.Info("a kind of fault did not show any more", "what", key.What, "error.type", key.Kind)
	}
}

// noteState tells what the streams do as a whole.
func (in *Input) noteState() {
	if in.busy.Load() > 0 {
		in.state.Reading()
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	var next time.Time
	failing := len(in.streams) > 0
	for _, s := range in.streams {
		s.mu.Lock()
		if failing = failing && s.faults > 0; next.IsZero() || s.next.Before(next) {
			next = s.next
		}
		s.mu.Unlock()
	}
	if failing {
		in.state.Retrying(next)
	} else {
		in.state.Waiting(next)
	}
}
