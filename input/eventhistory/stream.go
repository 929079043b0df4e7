package eventhistory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/quota"
	"github.com/trailbeat/trailbeat/input/seen"
)

// The keys of the registry begin so: checkpoints, and the delivered events of the lookback.
const (
	historyPrefix = "history/"
	seenPrefix    = "seen/"
)

// mark is a batch, or the end of something without one, and how far the stream has come with it.
type mark struct {
	at   position
	keys []seen.Key // of the lookback
	n    int        // records
	open bool       // it waits for its acknowledgement
	bad  bool       // it came back
}

// stream is the event history of one region, category and attribute.
type stream struct {
	// Set once.
	key       string // of the checkpoint
	region    string
	category  string
	attribute *Attribute
	origin    input.Origin
	api       *cloudtrail.Client
	limit     *quota.Limiter
	store     input.Store
	wake      chan struct{}
	quit      context.CancelFunc // for a region that is no longer there
	ctx       context.Context

	mu      sync.Mutex
	saved   checkpoint // on disk, but for the position
	seen    *seen.Set
	before  *seen.Set // of the lookback that is a part of the past now; nil: there is none
	at      position  // delivered
	stored  position  // on disk
	ahead   position  // handed out
	marks   []*mark   // in order; the first is the oldest that is not delivered
	open    int       // batches that wait for their acknowledgement
	failed  bool      // a batch came back: reading stops until all are back, then goes on at the checkpoint
	stopped bool      // acknowledgements no longer count
	faults  int       // in a row
	next    time.Time // when it is read again

	commit sync.Mutex // one write at a time

	// Of the goroutine that reads.
	follow, past *reading
	due          time.Time // when the next look at new events is to begin
	lag          seen.Lag
	turns        int
	looked       bool  // once at least
	lookedTo     int64 // of the last look of this process
	window       int64 // seconds of the past that the next window takes
}

// name is for people.
func (s *stream) name() string {
	name := s.region
	if s.category != categoryManagement {
		name += " " + s.category
	}
	if s.attribute != nil {
		name += " " + s.attribute.Key + "=" + s.attribute.Value
	}
	return name
}

// give registers a batch, or with n = 0 an end, before it is handed out; false says that a batch has come back meanwhile.
func (s *stream) give(m *mark) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed {
		s.drop(m)
		return false
	}
	if m.n > 0 {
		m.open = true
		s.open++
	}
	s.ahead = m.at.clone()
	if last := len(s.marks) - 1; m.n == 0 && last >= 0 {
		s.marks[last].at = m.at // nothing to wait for but what is before it
		return true
	}
	s.marks = append(s.marks, m)
	s.advance()
	return true
}

// drop forgets the events of a batch that was not delivered, so that they come again.
func (s *stream) drop(m *mark) {
	for _, k := range m.keys {
		s.seen.Remove(k)
		if s.before != nil {
			s.before.Remove(k)
		}
	}
}

// dropUnsent forgets the events of a batch that was never handed out.
func (s *stream) dropUnsent(m *mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(m)
}

// advance moves what is delivered over the marks that are complete.
func (s *stream) advance() {
	for len(s.marks) > 0 && !s.marks[0].open && !s.marks[0].bad {
		s.at = s.marks[0].at
		s.marks = s.marks[1:]
	}
}

// settle takes the acknowledgement of a batch. With nil its progress is on disk on return.
func (s *stream) settle(m *mark, err error) error {
	s.mu.Lock()
	m.open = false
	s.open--
	if err != nil {
		s.failed, m.bad = true, true
		s.drop(m)
	}
	s.advance()
	if s.failed && s.open == 0 {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	s.mu.Unlock()
	return s.flush()
}

// hasFailed says that a batch came back.
func (s *stream) hasFailed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// restart goes back to the checkpoint when a batch has come back and all others are settled too: one that is still under way
// could come back as well. It must not be called while the stream is read.
func (s *stream) restart() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.failed || s.open > 0 {
		return false
	}
	s.failed, s.marks, s.ahead = false, nil, s.at.clone()
	s.follow, s.past = nil, nil
	return true
}

// flush puts what is delivered on disk, and forgets events that are not read again.
func (s *stream) flush() error {
	s.commit.Lock()
	defer s.commit.Unlock()
	s.mu.Lock()
	at, c := s.at.clone(), s.saved
	if at.equal(s.stored) || s.stopped {
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	c.put(at)
	if err := s.store.Put(s.key, c); err != nil {
		return fmt.Errorf("storing the checkpoint of the event history of %s: %w", s.name(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stored = at
	s.seen.Forget(at.settled * 1000)
	return nil
}

// stop makes later acknowledgements count for nothing and saves the events of the lookback.
func (s *stream) stop() error {
	s.mu.Lock()
	s.stopped = true
	except := make(map[seen.Key]struct{})
	for _, m := range s.marks {
		if m.open {
			for _, k := range m.keys {
				except[k] = struct{}{}
			}
		}
	}
	saved := s.seen.Save(s.stored.settled*1000, except)
	s.mu.Unlock()
	s.commit.Lock()
	defer s.commit.Unlock()
	if err := s.store.Put(seenPrefix+s.key, saved); err != nil {
		return fmt.Errorf("storing the last events of the event history of %s: %w", s.name(), err)
	}
	return nil
}

// resume takes what the registry holds for this account, or begins at start. It says whether a checkpoint of another account was left
// alone.
func (s *stream) resume(account, option string, start, settled int64) (other bool, err error) {
	var c checkpoint
	known, err := s.store.Get(s.key, &c)
	if err != nil {
		return false, fmt.Errorf("reading the checkpoint of the event history of %s: %w", s.name(), err)
	}
	if known && c.Version != checkpointVersion {
		return false, fmt.Errorf("reading the checkpoint of the event history of %s: it has version %d, this program knows %d: use the newer trailbeat that wrote it, "+
			"or remove it with `trailbeat state reset` to begin again at start_timestamp", s.name(), c.Version, checkpointVersion)
	}
	other = known && account != "" && c.Account != "" && c.Account != account
	if !known || other {
		s.at = position{settled: max(start, settled), readTo: max(start, settled)}
		s.at.leave(span{start, s.at.settled - 1}, false)
		s.saved = checkpoint{Version: checkpointVersion, Account: account, StartTimestamp: option, Start: timeOf(start)}
		s.stored, s.ahead = position{settled: -1}, s.at.clone()
		return other, s.flush() // so that a duration before now is that of the first start
	}
	if c.Account == "" {
		c.Account = account
	}
	s.at = c.position()
	if c.StartTimestamp != option { // the option was changed: what lies before is read too, or left out
		if before := c.Start.Unix(); start < before {
			s.at.past = append([]span{{start, min(before, s.at.settled) - 1}}, s.at.past...)
		} else {
			s.at.forget(start)
		}
		c.StartTimestamp, c.Start = option, timeOf(start)
	}
	s.saved, s.stored, s.ahead = c, c.position(), s.at.clone()
	var saved seen.Saved
	if ok, err := s.store.Get(seenPrefix+s.key, &saved); err == nil && ok {
		s.seen.Load(saved)
	}
	return false, nil
}
