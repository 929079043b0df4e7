package lease

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash/fnv"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config of a Group.
type Config struct {
	// Prefix of all keys. Members with the same one share their work. It ends with a slash.
	Prefix string
	// Duration is how long a member may be silent. Required.
	Duration time.Duration
	// Owner names this process for people, in its object. May be empty.
	Owner string
	// Acquired is told of a piece of work that this member holds from now on. It must be quick. Nil: nobody is told.
	Acquired func()
	// Sync makes changes of the state wait until they are written. Default false: they are written within seconds.
	Sync bool
	// Logger. nil logs nothing.
	Logger *slog.Logger
}

// Group is this process among the members. Make it with New, then Run it. Safe for concurrent use.
type Group struct {
	cfg     Config
	objects Objects
	log     *slog.Logger
	ctx     context.Context
	stop    context.CancelFunc
	done    sync.WaitGroup
	start   sync.Once

	tick sync.Mutex // one round at a time

	mu      sync.Mutex
	session *session
	names   []string
	held    map[string]*Lease
	others  map[string]sight // members, by their id
	foreign map[string]string
	proven  bool              // all other members that seem to live were seen to write
	moving  map[string]int    // rounds since another member is chosen for what is held
	giving  map[string]*Lease // released, but nobody knows whether the write has come through
	ended   []string          // objects of sessions of this process that are over
	kick    chan struct{}
	stats   Stats
}

// Stats are counters and states of a Group.
type Stats struct {
	// Members that are alive, this one included. Held of the Known pieces of work are this member's.
	Members, Known, Held int
	// Acquired, Lost and Released count pieces of work, Sessions how often this process had to join anew, Revoked how many dead members it removed.
	Acquired, Lost, Released, Sessions, Revoked int64
	// TakenOver of those Acquired were held by a process that had gone without giving them back. RenewalsFailed is how often this process
	// could not say that it lives.
	TakenOver, RenewalsFailed int64
	// Writes counts writes of the state.
	Writes int64
}

// session is one life as a member. It ends where it could not be renewed in time.
type session struct {
	id    string
	w     written
	began time.Time // of the write that counts; zero: none yet
	over  bool
}

// sight is what was seen of a member.
type sight struct {
	etag  string
	since time.Time
	moved bool // it was seen to change: it lives, and was not only left behind
}

// member is its object.
type member struct {
	Session string `json:"session"`
	Owner   string `json:"owner,omitempty"`
	Mark    string `json:"mark"`
	Revoked bool   `json:"revoked,omitempty"`
}

const (
	membersFolder = "members/"
	workFolder    = "work/"
)

// New makes a Group. It calls nobody.
func New(objects Objects, cfg Config) *Group {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	g := &Group{
		cfg: cfg, objects: objects, log: cfg.Logger, held: make(map[string]*Lease), giving: make(map[string]*Lease), others: make(map[string]sight),
		foreign: make(map[string]string), moving: make(map[string]int), kick: make(chan struct{}, 1),
	}
	g.ctx, g.stop = context.WithCancel(context.Background())
	return g
}

func random() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// since is how much time has passed, by the clock that counted more: the monotonic one stands still while a machine sleeps.
func since(t time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}

// patience is how long after the last renewal this member works on: less than others wait, for the time that stopping takes.
func (g *Group) patience() time.Duration { return g.cfg.Duration - g.cfg.Duration/8 }

// every is the pause between two rounds.
func (g *Group) every() time.Duration { return g.cfg.Duration / 4 }

// Start begins to renew and to watch in the background, until Close. A second call does nothing.
func (g *Group) Start() {
	g.start.Do(func() {
		g.done.Go(func() { g.loop(g.every(), g.kick, g.round) })
		g.done.Go(func() { g.loop(g.every()/4, nil, func(context.Context) { g.watch() }) })
		g.done.Go(func() { g.loop(flushEvery, nil, g.flushAll) })
	})
}

func (g *Group) loop(every time.Duration, kick <-chan struct{}, fn func(context.Context)) {
	timer := time.NewTicker(every)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-kick:
		case <-g.ctx.Done():
			return
		}
		// A call that hangs must not keep this member from trying again before its time is over.
		ctx, cancel := context.WithTimeout(g.ctx, max(g.cfg.Duration, time.Second))
		fn(ctx)
		cancel()
	}
}

// watch ends the session whose time is over.
func (g *Group) watch() {
	g.mu.Lock()
	s := g.session
	expired := s != nil && !s.over && !s.began.IsZero() && since(s.began) >= g.patience()
	g.mu.Unlock()
	if expired {
		g.endSession(s, "it could not be renewed in time")
	}
}

// endSession gives up everything that was held.
func (g *Group) endSession(s *session, why string) {
	g.mu.Lock()
	if s.over {
		g.mu.Unlock()
		return
	}
	s.over = true
	g.ended = append(g.ended, s.w.key)
	if g.session == s {
		g.session = nil
	}
	lost := slices.Collect(maps.Values(g.held))
	clear(g.held)
	clear(g.giving)
	clear(g.moving)
	g.stats.Lost += int64(len(lost))
	g.mu.Unlock()
	for _, l := range lost {
		l.lose()
	}
	g.log.Warn("the leases of this process are lost: others read on where it stopped", "reason", why, "leases", len(lost))
}

// alive says whether this member may work now.
func (g *Group) alive(s *session) bool {
	return s != nil && !s.over && !s.began.IsZero() && since(s.began) < g.patience()
}

// renew writes the member's object, as a new one where there is no session.
func (g *Group) renew(ctx context.Context) error {
	g.mu.Lock()
	s := g.session
	ended := g.ended
	if s == nil {
		s = &session{id: random()}
		s.w.key = g.cfg.Prefix + membersFolder + s.id
		g.session = s
		g.stats.Sessions++
	}
	g.mu.Unlock()
	for _, key := range ended { // nobody needs to wait for them
		if err := g.objects.Delete(ctx, key); err != nil {
			return err
		}
		g.mu.Lock()
		g.ended = g.ended[1:]
		g.mu.Unlock()
	}
	for {
		mark := random()
		body, _ := json.Marshal(member{Session: s.id, Owner: g.cfg.Owner, Mark: mark}) // strings
		counted, again, err := s.w.put(ctx, g.objects, body, mark, time.Now(), memberMark)
		if errors.Is(err, ErrConflict) {
			g.endSession(s, "another process took it for dead")
			return err
		}
		if err != nil {
			return err
		}
		g.mu.Lock()
		s.began = counted.(time.Time)
		g.mu.Unlock()
		if !again {
			return nil
		}
	}
}

func memberMark(body []byte) string {
	var m member
	_ = json.Unmarshal(body, &m) // what is none of ours has no mark
	return m.Mark
}

// look lists the members, and removes those that were silent for too long. It gives those that live, this one included.
func (g *Group) look(ctx context.Context) ([]string, error) {
	prefix := g.cfg.Prefix + membersFolder
	list, err := g.objects.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	own := ""
	if g.session != nil {
		own = g.session.id
	}
	now := time.Now()
	seen := make(map[string]sight, len(list))
	var live, stale []string
	for _, item := range list {
		id := strings.TrimPrefix(item.Key, prefix)
		s, known := g.others[id]
		if !known || s.etag != item.ETag {
			s = sight{etag: item.ETag, since: now, moved: known}
		}
		seen[id] = s
		// By the monotonic clock alone: a wall clock that is set must not make others look dead.
		if id != own && now.Sub(s.since) >= g.cfg.Duration {
			stale = append(stale, id)
			continue
		}
		live = append(live, id)
	}
	g.others = seen
	g.mu.Unlock()
	for _, id := range stale {
		switch dead, err := g.revoke(ctx, id, seen[id].etag); {
		case err != nil:
			return nil, err
		case !dead:
			live = append(live, id)
		}
	}
	slices.Sort(live)
	g.mu.Lock()
	g.proven = true
	for _, id := range live {
		if id != own && !g.others[id].moved {
			g.proven = false
		}
	}
	g.mu.Unlock()
	return live, nil
}

// revoke makes sure that a member can renew nothing any more.
func (g *Group) revoke(ctx context.Context, id, etag string) (dead bool, err error) {
	key := g.cfg.Prefix + membersFolder + id
	body, _ := json.Marshal(member{Session: id, Mark: random(), Revoked: true}) // strings
	if _, err := g.objects.Put(ctx, key, body, etag); errors.Is(err, ErrConflict) {
		return false, nil // it lives, or somebody else was quicker
	} else if err != nil {
		return false, err
	}
	if err := g.objects.Delete(ctx, key); err != nil {
		return false, err
	}
	g.mu.Lock()
	delete(g.others, id)
	g.stats.Revoked++
	g.mu.Unlock()
	g.log.Info("a process that shared the work is silent, its leases are free", "lease.session", id)
	return true, nil
}

// Tend says which pieces of work there are, and makes a round at once.
func (g *Group) Tend(ctx context.Context, names []string) error {
	g.mu.Lock()
	g.names = slices.Clone(names)
	g.mu.Unlock()
	return g.roundNow(ctx)
}

func (g *Group) round(ctx context.Context) {
	if err := g.roundNow(ctx); err != nil && ctx.Err() == nil {
		g.log.Warn("the leases could not be looked after, it is tried again", "error.message", err.Error())
	}
}

// roundNow renews, looks around, and takes and gives what is to be taken and given.
func (g *Group) roundNow(ctx context.Context) error {
	g.tick.Lock()
	defer g.tick.Unlock()
	err := g.renew(ctx)
	if errors.Is(err, ErrConflict) {
		g.notRenewed()
		err = g.renew(ctx) // as a new member
	}
	if err != nil {
		if ctx.Err() == nil {
			g.notRenewed()
		}
		return err
	}
	live, err := g.look(ctx)
	if err != nil {
		return err
	}
	g.mu.Lock()
	s, names := g.session, g.names
	g.stats.Members, g.stats.Known = len(live), len(names)
	g.mu.Unlock()
	if s == nil {
		return nil
	}
	var errs []error
	foreign := make(map[string]string)
	for _, name := range names {
		chosen := choose(live, name)
		g.mu.Lock()
		l, giving := g.held[name], g.giving[name] != nil
		g.mu.Unlock()
		switch {
		case giving:
			foreign[name] = chosen
		case l != nil && chosen != s.id:
			g.mu.Lock()
			g.moving[name]++
			give := g.moving[name] > 1 // not for one that has only just come
			g.mu.Unlock()
			if give {
				l.drain()
			}
		case l != nil:
			g.mu.Lock()
			delete(g.moving, name)
			g.mu.Unlock()
		case chosen == s.id:
			owner, err := g.acquire(ctx, s, name, live)
			if err != nil {
				errs = append(errs, err)
			} else if owner != "" {
				foreign[name] = owner
			}
		default:
			foreign[name] = chosen
		}
	}
	g.mu.Lock()
	g.foreign = foreign
	g.mu.Unlock()
	return errors.Join(errs...)
}

func (g *Group) notRenewed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stats.RenewalsFailed++
}

// choose gives the member for a piece of work: the one whose hash with it is the greatest.
func choose(live []string, name string) string {
	return slices.MaxFunc(append([]string{""}, live...), func(a, b string) int {
		return cmp.Or(cmp.Compare(weight(a, name), weight(b, name)), cmp.Compare(a, b))
	})
}

func weight(id, name string) uint64 {
	if id == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id + "\x00" + name))
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return max(x, 1)
}

// Settled says that each piece of work is held by this member, or is that of another one that was seen to live.
func (g *Group) Settled() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range g.names {
		if g.held[name] == nil && g.foreign[name] == "" {
			return false
		}
	}
	return g.proven && g.alive(g.session)
}

// Held gives the lease of a piece of work, nil where this member has none that counts. Whoever gets one sets OnIdle.
func (g *Group) Held(name string) *Lease {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.held[name]
	if l == nil || !g.alive(g.session) {
		return nil
	}
	l.mu.Lock()
	l.used = true
	l.mu.Unlock()
	return l
}

// Stats gives the counters.
func (g *Group) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.stats
	s.Held = len(g.held)
	return s
}

// Close stores and gives back what is held, and leaves. Whoever is there takes it at once. Work must have ended.
func (g *Group) Close(ctx context.Context) error {
	g.start.Do(func() {})
	g.stop()
	g.done.Wait()
	g.tick.Lock()
	defer g.tick.Unlock()
	g.mu.Lock()
	s, held := g.session, slices.AppendSeq(slices.Collect(maps.Values(g.held)), maps.Values(g.giving))
	alive := g.alive(s)
	g.mu.Unlock()
	var errs []error
	for _, l := range held {
		if alive {
			if err := l.release(ctx); err != nil && !errors.Is(err, ErrLost) {
				errs = append(errs, err)
			}
		}
		l.lose()
	}
	g.mu.Lock()
	g.session = nil
	clear(g.held)
	g.mu.Unlock()
	if s != nil && !s.over {
		s.over = true
		errs = append(errs, g.objects.Delete(ctx, s.w.key))
	}
	return errors.Join(errs...)
}
