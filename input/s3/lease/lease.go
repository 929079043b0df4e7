package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input"
)

// ErrLost says that the work belongs to somebody else now: nothing that is done counts any more.
var ErrLost = errors.New("the lease was lost, another process reads on")

// flushEvery is how often changed state is written.
const flushEvery = 2 * time.Second

// largeState is from where on state is written more seldom, in bytes for each second.
const largeState = 64 << 10

// Lease is a piece of work that this member holds, with its state. Safe for concurrent use.
type Lease struct {
	g       *Group
	name    string
	session *session
	token   int64
	ctx     context.Context
	cancel  context.CancelCauseFunc

	write sync.Mutex // one write at a time; guards w
	w     written

	mu       sync.Mutex
	state    map[string]json.RawMessage
	dirty    bool
	draining bool
	used     bool // somebody may work on it
	idle     func() bool
	lost     bool
	last     time.Time // of the last write
	size     int
}

// work is the object of a piece of work.
type work struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
	// Owner is the session of the member that has it; empty: it is free.
	Owner string `json:"owner,omitempty"`
	// Token grows with each change of the owner.
	Token int64                      `json:"token"`
	Mark  string                     `json:"mark"`
	State map[string]json.RawMessage `json:"state,omitempty"`
}

func workMark(body []byte) string {
	var w work
	_ = json.Unmarshal(body, &w) // what is none of ours has no mark
	return w.Mark
}

// version of the objects that this program writes and understands.
const version = 1

// acquire takes a piece of work that is free, or whose owner is not among the living. owner is who has it otherwise.
func (g *Group) acquire(ctx context.Context, s *session, name string, live []string) (owner string, err error) {
	key := g.cfg.Prefix + workFolder + url.PathEscape(name)
	for {
		var w work
		body, etag, err := g.objects.Get(ctx, key)
		switch {
		case errors.Is(err, ErrNone):
			etag = ""
		case err != nil:
			return "", err
		default:
			if err := json.Unmarshal(body, &w); err != nil || w.Version != version {
				return "", fmt.Errorf("the lease %q is none of this program, or of a newer version (%d): use another prefix, or update", key, w.Version)
			}
			if w.Owner != "" && w.Owner != s.id && slices.Contains(live, w.Owner) {
				return w.Owner, nil
			}
			if w.Owner != "" && w.Owner != s.id && g.isBack(ctx, w.Owner) {
				return w.Owner, nil
			}
		}
		orphan := w.Owner != "" && w.Owner != s.id
		l := &Lease{g: g, name: name, session: s, token: w.Token + 1, state: w.State, w: written{key: key, etag: etag}}
		if l.state == nil {
			l.state = make(map[string]json.RawMessage)
		}
		l.ctx, l.cancel = context.WithCancelCause(g.ctx)
		if err := l.put(ctx, s.id); errors.Is(err, ErrConflict) {
			l.cancel(ErrLost)
			continue // somebody else was quicker, or the old owner wrote once more
		} else if err != nil {
			// The object may name this member, which others would wait for: it is given back before it is tried again.
			g.mu.Lock()
			if g.session == s {
				g.giving[name] = l
			}
			g.mu.Unlock()
			l.lose()
			return "", err
		}
		g.mu.Lock()
		alive := g.session == s && g.alive(s)
		switch {
		case alive:
			g.held[name] = l
			g.stats.Acquired++
			if orphan {
				g.stats.TakenOver++
			}
		case g.session == s: // it took too long; if this member renews in time all the same, nobody must wait for it
			g.giving[name] = l
		}
		g.mu.Unlock()
		if !alive {
			l.lose()
			return "", nil
		}
		if g.cfg.Acquired != nil {
			g.cfg.Acquired()
		}
		return "", nil
	}
}

// isBack says that a member which the listing did not show is there now: it joined after it.
func (g *Group) isBack(ctx context.Context, id string) bool {
	_, _, err := g.objects.Get(ctx, g.cfg.Prefix+membersFolder+id)
	return !errors.Is(err, ErrNone)
}

// put writes the object, for an owner. An unknown end is an error, and the state stays to be written.
func (l *Lease) put(ctx context.Context, owner string) error {
	l.write.Lock()
	defer l.write.Unlock()
	for {
		l.mu.Lock()
		state := maps.Clone(l.state)
		l.dirty = false
		l.mu.Unlock()
		mark := random()
		body, err := json.Marshal(work{Version: version, Name: l.name, Owner: owner, Token: l.token, Mark: mark, State: state})
		if err != nil {
			return fmt.Errorf("encoding the state of %q: %w", l.name, err)
		}
		_, again, err := l.w.put(ctx, l.g.objects, body, mark, nil, workMark)
		l.mu.Lock()
		l.last, l.size = time.Now(), len(body)
		if err != nil || again {
			l.dirty = true
		}
		l.mu.Unlock()
		if err != nil || !again {
			return err
		}
	}
}

// Context ends when the work must end: the lease is lost, or the group is closed.
func (l *Lease) Context() context.Context { return l.ctx }

// Token grows with each change of the owner.
func (l *Lease) Token() int64 { return l.token }

// Draining says that the work is to be given to another member: nothing new should be begun. It is given when the function that OnIdle got says
// so.
func (l *Lease) Draining() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.draining
}

// OnIdle sets what says that nothing is under way any more, after Draining, and that nothing will be.
func (l *Lease) OnIdle(idle func() bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = idle
}

func (l *Lease) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draining = true
}

// lose ends the lease here.
func (l *Lease) lose() {
	l.mu.Lock()
	l.lost = true
	l.mu.Unlock()
	l.cancel(ErrLost)
}

// flush writes what has changed.
func (l *Lease) flush(ctx context.Context) error {
	err := l.put(ctx, l.session.id)
	if errors.Is(err, ErrConflict) {
		l.g.drop(l)
		return ErrLost
	}
	if err == nil {
		l.g.mu.Lock()
		l.g.stats.Writes++
		l.g.mu.Unlock()
	}
	return err
}

// release writes the state and gives the work back.
func (l *Lease) release(ctx context.Context) error {
	err := l.put(ctx, "")
	if errors.Is(err, ErrConflict) {
		return ErrLost
	}
	return err
}

// drop forgets a lease that somebody else has.
func (g *Group) drop(l *Lease) {
	g.mu.Lock()
	if g.held[l.name] == l {
		delete(g.held, l.name)
		delete(g.moving, l.name)
		g.stats.Lost++
	}
	g.mu.Unlock()
	l.lose()
	g.log.Warn("a lease is lost: another process reads on where this one stopped", "lease.name", l.name)
}

// flushAll writes what has changed in all leases, and gives away what is to be given.
func (g *Group) flushAll(ctx context.Context) {
	g.mu.Lock()
	held, giving := slices.Collect(maps.Values(g.held)), slices.Collect(maps.Values(g.giving))
	alive := g.alive(g.session)
	g.mu.Unlock()
	if !alive {
		return
	}
	for _, l := range giving {
		g.give(ctx, l)
	}
	for _, l := range held {
		l.mu.Lock()
		dirty := l.dirty && since(l.last) >= time.Duration(l.size/largeState)*time.Second
		giving := l.draining && (l.idle != nil || !l.used)
		idle := l.idle
		l.mu.Unlock()
		if giving && (idle == nil || idle()) {
			g.give(ctx, l)
			continue
		}
		if dirty {
			if err := l.flush(ctx); err != nil && !errors.Is(err, ErrLost) && ctx.Err() == nil {
				g.log.Warn("the state of a lease could not be written, it is tried again", "lease.name", l.name, "error.message", err.Error())
			}
		}
	}
}

// give releases a lease that another member is to have. It is none of this member's from the first try on: where the answer is lost, the other
// one may have it already.
func (g *Group) give(ctx context.Context, l *Lease) {
	g.mu.Lock()
	if g.held[l.name] == l {
		delete(g.held, l.name)
		delete(g.moving, l.name)
		g.giving[l.name] = l
	}
	g.mu.Unlock()
	l.lose()
	if err := l.release(ctx); err != nil && !errors.Is(err, ErrLost) {
		g.log.Warn("a lease could not be given away, it is tried again", "lease.name", l.name, "error.message", err.Error())
		return
	}
	g.mu.Lock()
	delete(g.giving, l.name)
	g.stats.Released++
	g.mu.Unlock()
}

// Store is the state of the work. Changes fail with ErrLost when the lease is lost. Without Config.Sync they are written within
// seconds, and those that were not when the process dies are not there for the next one: it does again what they were about.
func (l *Lease) Store() input.Store { return leaseStore{l} }

type leaseStore struct{ l *Lease }

// Get is part of input.Store.
func (s leaseStore) Get(key string, v any) (bool, error) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	raw, ok := s.l.state[key]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(raw, v)
}

// Put is part of input.Store.
func (s leaseStore) Put(key string, v any) error { return s.PutAll(map[string]any{key: v}) }

// Delete is part of input.Store.
func (s leaseStore) Delete(key string) error { return s.PutAll(map[string]any{key: nil}) }

// PutAll changes several values at once.
func (s leaseStore) PutAll(values map[string]any) error {
	raw := make(map[string]json.RawMessage, len(values))
	for key, v := range values {
		if v == nil {
			raw[key] = nil
			continue
		}
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encoding %q: %w", key, err)
		}
		raw[key] = text
	}
	l := s.l
	// What others may have by now must not be called done here, even if nobody has told.
	l.g.mu.Lock()
	alive := l.g.session == l.session && l.g.alive(l.session)
	l.g.mu.Unlock()
	l.mu.Lock()
	if l.lost || !alive {
		l.mu.Unlock()
		return ErrLost
	}
	for key, text := range raw {
		if text == nil {
			delete(l.state, key)
		} else {
			l.state[key] = text
		}
	}
	l.dirty = true
	l.mu.Unlock()
	if !l.g.cfg.Sync {
		return nil
	}
	return l.sync()
}

// sync writes until it is written, or the lease is lost.
func (l *Lease) sync() error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		l.mu.Lock()
		clean, lost := !l.dirty, l.lost
		l.mu.Unlock()
		switch {
		case lost:
			return ErrLost
		case clean:
			return nil // somebody else wrote it along
		}
		err := l.flush(l.ctx)
		if err == nil || errors.Is(err, ErrLost) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-l.ctx.Done():
			timer.Stop()
			return ErrLost
		}
	}
}

// Each is part of input.Store.
func (s leaseStore) Each(prefix string, fn func(key string, value json.RawMessage) error) error {
	s.l.mu.Lock()
	state := maps.Clone(s.l.state)
	s.l.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(state)) {
		if len(key) >= len(prefix) && key[:len(prefix)] == prefix {
			if err := fn(key, state[key]); err != nil {
				return err
			}
		}
	}
	return nil
}
