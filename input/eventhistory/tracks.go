package eventhistory

import (
	"time"
)

const (
	// firstWindow is how much of the past is read in one go, in seconds. Windows with little in them make the next four times as
	// long, so that empty months cost few calls.
	firstWindow = 24 * 60 * 60
	mostWindow  = 30 * firstWindow
	// pastPages and followPages are the pages of one turn, so that both tracks and all streams go on.
	pastPages   = 20
	followPages = 60
	// slip is how much of the past may become too old between two looks without a word: the edge moves on all the time.
	slip = 60 * 60
)

// choose gives what is to be read in the next turn. nil: nothing is, before next. Only the goroutine of the stream calls it.
func (in *Input) choose(s *stream) (r *reading, pages int, next time.Time) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.follow == nil && !now.Before(s.due) && (!in.deps.Once || !s.looked) {
		in.look(s, now)
	}
	if s.past == nil {
		in.nextWindow(s, now)
	}
	s.next = now
	switch s.turns++; {
	case s.follow != nil && (s.past == nil || s.turns%2 == 0):
		return s.follow, followPages, now
	case s.past != nil:
		return s.past, pastPages, now
	}
	s.next = s.due
	return nil, 0, s.due
}

// look begins a look at what came since the one before, and what came late. Held: s.mu.
func (in *Input) look(s *stream, now time.Time) {
	if in.deps.Once {
		now = in.until
	}
	end := now.Unix()
	s.due = now.Add(in.cfg.ScanFrequency)
	if s.looked = true; end < s.ahead.settled {
		return // the clock was set back
	}
	lookback := max(min(2*s.lag.Max(now), in.cfg.LookbackMax), in.cfg.Lookback)
	settles := end - int64(lookback/time.Second)
	// After a long pause the newest events would have to wait for all that came meanwhile. A look counts when it was read to its end, so the
	// first one of a process is no longer than it must be: it may be killed soon, again and again.
	gap := max(2*int64(lookback/time.Second), 60*60)
	if s.lookedTo == 0 {
		gap = int64(lookback / time.Second)
	}
	if end-s.ahead.settled > gap {
		s.ahead.leave(span{s.ahead.settled, settles - 1}, s.past != nil)
		s.ahead.settled = settles
		if s.before == nil {
			s.before, s.seen = s.seen, s.seen.Since(settles*1000) // what it still reads again stays known
		}
	}
	if edge := in.oldest(now); s.ahead.settled < edge && edge <= end {
		s.ahead.settled = edge // ignore_older is shorter than lookback
	}
	s.follow = newReading(span{s.ahead.settled, end}, false)
	s.follow.end, s.follow.settles, s.follow.late = end, settles, s.lookedTo
}

// oldest is the oldest event that is to be read, or can be.
func (in *Input) oldest(now time.Time) int64 {
	edge := now.Add(-kept)
	if d := in.cfg.IgnoreOlder; d > 0 {
		edge = now.Add(-d)
	}
	return edge.Unix()
}

// nextWindow begins the next window of the past, at its oldest end. Held: s.mu.
func (in *Input) nextWindow(s *stream, now time.Time) {
	edge := in.oldest(now)
	if lost := s.ahead.forget(edge); lost > slip && in.cfg.IgnoreOlder == 0 {
		in.log.Warn("a part of the past was not read before the event history forgot it, which keeps 90 days",
			"cloud.region", s.region, "hours", lost/3600)
	}
	if len(s.ahead.past) == 0 {
		s.before = nil
		return
	}
	first := s.ahead.past[0]
	if to := first.From + max(s.window, firstWindow) - 1; to < first.To {
		s.ahead.past = append([]span{{first.From, to}, {to + 1, first.To}}, s.ahead.past[1:]...)
	}
	s.past = newReading(s.ahead.past[0], true)
}

// finish ends a reading that has come to its end.
func (s *stream) finish(r *reading) {
	if !r.past {
		s.follow, s.lookedTo = nil, r.end
		return
	}
	s.past = nil
	if s.window = max(s.window, firstWindow); r.pages > 1 {
		s.window = firstWindow
	} else {
		s.window = min(4*s.window, mostWindow)
	}
}
