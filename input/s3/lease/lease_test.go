package lease

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shelf is a store of objects in memory, as S3 is: consistent, and with conditions.
type shelf struct {
	mu      sync.Mutex
	objects map[string][]byte
	puts    int
}

func (s *shelf) tag(body []byte) string {
	sum := md5.Sum(body)
	return hex.EncodeToString(sum[:])
}

func (s *shelf) Get(_ context.Context, key string) ([]byte, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, ok := s.objects[key]
	if !ok {
		return nil, "", ErrNone
	}
	return body, s.tag(body), nil
}

func (s *shelf) Put(_ context.Context, key string, body []byte, etag string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.objects[key]
	if ok != (etag != "") || ok && s.tag(old) != etag {
		return "", ErrConflict
	}
	if s.objects == nil {
		s.objects = make(map[string][]byte)
	}
	s.objects[key] = body
	s.puts++
	return s.tag(body), nil
}

func (s *shelf) List(_ context.Context, prefix string) (list []Item, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, body := range s.objects {
		if strings.HasPrefix(key, prefix) {
			list = append(list, Item{key, s.tag(body)})
		}
	}
	return list, nil
}

func (s *shelf) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
	return nil
}

// road is one member's way to the shelf: slow, now and then without an answer, and sometimes closed for long. What was sent arrives
// even if nobody waits for the answer any more.
type road struct {
	*shelf
	mu     sync.Mutex
	r      *rand.Rand
	frozen time.Time
	bad    bool
}

var errRoad = errors.New("no answer")

// trip gives how long a call takes to arrive, how long its answer takes, and whether it is lost.
func (w *road) trip() (there, back time.Duration, lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	there, back = time.Duration(w.r.IntN(40))*time.Millisecond, time.Duration(w.r.IntN(40))*time.Millisecond
	if w.bad {
		switch w.r.IntN(15) {
		case 0:
			there = time.Duration(w.r.IntN(20_000)) * time.Millisecond
		case 1:
			back = time.Duration(w.r.IntN(20_000)) * time.Millisecond
		case 2:
			lost = true
		}
	}
	if until := time.Until(w.frozen); until > 0 {
		if w.r.IntN(2) == 0 {
			there += until
		} else {
			back += until
		}
	}
	return there, back, lost
}

func over[T any](ctx context.Context, w *road, fn func() (T, error)) (T, error) {
	there, back, lost := w.trip()
	type answer struct {
		v   T
		err error
	}
	came := make(chan answer, 1)
	go func() {
		time.Sleep(there)
		v, err := fn()
		time.Sleep(back)
		came <- answer{v, err}
	}()
	var none T
	select {
	case a := <-came:
		if lost {
			return none, errRoad
		}
		return a.v, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

type got struct {
	body []byte
	etag string
}

func (w *road) Get(ctx context.Context, key string) ([]byte, string, error) {
	g, err := over(ctx, w, func() (got, error) {
		body, etag, err := w.shelf.Get(ctx, key)
		return got{body, etag}, err
	})
	return g.body, g.etag, err
}

func (w *road) Put(ctx context.Context, key string, body []byte, etag string) (string, error) {
	return over(ctx, w, func() (string, error) { return w.shelf.Put(ctx, key, body, etag) })
}

func (w *road) List(ctx context.Context, prefix string) ([]Item, error) {
	return over(ctx, w, func() ([]Item, error) { return w.shelf.List(ctx, prefix) })
}

func (w *road) Delete(ctx context.Context, key string) error {
	_, err := over(ctx, w, func() (struct{}, error) { return struct{}{}, w.shelf.Delete(ctx, key) })
	return err
}

const duration = 10 * time.Second

// model is a number of members that count up in the state of each piece of work, and what they did.
type model struct {
	t     *testing.T
	shelf *shelf
	names []string

	mu      sync.Mutex
	members []*player
	read    map[string][]visit // by work and number
	counted map[string]int     // the highest number that was acknowledged
}

type visit struct {
	by         *player
	began, end time.Time
}

type player struct {
	g    *Group
	way  *road
	stop context.CancelFunc
	dead bool
	work sync.WaitGroup
}

func (m *model) join(seed uint64, bad bool) *player {
	p := &player{way: &road{shelf: m.shelf, r: rand.New(rand.NewPCG(seed, 3)), bad: bad}}
	p.g = New(p.way, Config{Prefix: "leases/", Duration: duration, Owner: fmt.Sprint(seed)})
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	m.mu.Lock()
	m.members = append(m.members, p)
	m.mu.Unlock()
	p.work.Go(func() {
		for p.g.Tend(ctx, m.names) != nil && ctx.Err() == nil {
			time.Sleep(time.Second)
		}
		p.g.Start()
	})
	for _, name := range m.names {
		p.work.Go(func() { m.play(ctx, p, name) })
	}
	return p
}

// play reads file after file of a piece of work while it has the lease.
func (m *model) play(ctx context.Context, p *player, name string) {
	r := rand.New(rand.NewPCG(uint64(len(name)), uint64(time.Now().UnixNano())))
	busy := false
	told := map[*Lease]bool{}
	var mu sync.Mutex
	for ctx.Err() == nil {
		time.Sleep(time.Duration(100+r.IntN(200)) * time.Millisecond)
		p.thaw(ctx)
		l := p.g.Held(name)
		if l == nil {
			continue
		}
		if !told[l] {
			told[l] = true
			l.OnIdle(func() bool { mu.Lock(); defer mu.Unlock(); return !busy })
		}
		mu.Lock()
		if l.Draining() {
			mu.Unlock()
			continue
		}
		busy = true
		mu.Unlock()
		var n int
		_, err := l.Store().Get("n", &n)
		assert.NoError(m.t, err)
		v := visit{by: p, began: time.Now()}
		timer := time.NewTimer(time.Duration(r.IntN(3000)) * time.Millisecond) // it is read
		select {
		case <-timer.C:
		case <-l.Context().Done():
		case <-ctx.Done():
		}
		timer.Stop()
		v.end = time.Now() // who is frozen does not read
		p.thaw(ctx)
		m.mu.Lock()
		m.read[fmt.Sprint(name, "/", n)] = append(m.read[fmt.Sprint(name, "/", n)], v)
		m.mu.Unlock()
		if l.Context().Err() == nil && ctx.Err() == nil {
			if err := l.Store().Put("n", n+1); err == nil {
				m.mu.Lock()
				m.counted[name] = max(m.counted[name], n+1)
				m.mu.Unlock()
			} else {
				assert.ErrorIs(m.t, err, ErrLost)
			}
		}
		mu.Lock()
		busy = false
		mu.Unlock()
	}
}

// thaw waits while the process is frozen.
func (p *player) thaw(ctx context.Context) {
	for ctx.Err() == nil {
		p.way.mu.Lock()
		until := time.Until(p.way.frozen)
		p.way.mu.Unlock()
		if until <= 0 {
			return
		}
		time.Sleep(until)
	}
}

func (m *model) kill(p *player) {
	m.mu.Lock()
	p.dead = true
	m.mu.Unlock()
	p.stop()
	p.g.stop()
}

// holders counts the members that would work on a piece of work now.
func (m *model) holders(name string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.members {
		if !p.dead && p.g.Held(name) != nil {
			n++
		}
	}
	return n
}

// With slow and lost calls, members that are frozen, killed and added, never do two hold the same, nothing stays without an owner, no state
// goes back, and none reads for longer than a lease what another one reads.
func TestModel(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(seed), 1))
				m := &model{t: t, shelf: new(shelf), read: make(map[string][]visit), counted: make(map[string]int)}
				for i := range 6 {
					m.names = append(m.names, fmt.Sprintf("trail/%d/", i))
				}
				defer func() {
					for _, p := range m.members {
						m.kill(p)
					}
					for _, p := range m.members {
						p.work.Wait()
						p.g.done.Wait()
					}
					time.Sleep(time.Minute) // what is under way
				}()
				for i := range 3 {
					m.join(uint64(100*seed+i), true)
				}
				joined := 3
				for range 40 * 10 { // of 500 ms
					time.Sleep(500 * time.Millisecond)
					for _, name := range m.names {
						require.LessOrEqual(t, m.holders(name), 1, "%s has two owners", name)
					}
					p := m.members[r.IntN(len(m.members))]
					switch r.IntN(40) {
					case 0:
						p.way.mu.Lock()
						p.way.frozen = time.Now().Add(time.Duration(r.IntN(25_000)) * time.Millisecond)
						p.way.mu.Unlock()
					case 1:
						m.kill(p)
						m.join(uint64(100*seed+joined), true)
						joined++
					}
				}
				// Quiet again: whoever lives shares all of it, and goes on where the others stopped.
				m.mu.Lock()
				before := map[string]int{}
				for name, n := range m.counted {
					before[name] = n
				}
				for _, p := range m.members {
					p.way.mu.Lock()
					p.way.bad, p.way.frozen = false, time.Time{}
					p.way.mu.Unlock()
				}
				m.mu.Unlock()
				time.Sleep(12 * duration) // calls of the dead may still arrive, after 45 s at most
				for _, name := range m.names {
					if !assert.Equal(t, 1, m.holders(name), "%s has no owner", name) {
						m.explain(name)
					}
					m.mu.Lock()
					assert.Greater(t, m.counted[name], before[name], name)
					m.mu.Unlock()
				}
				for _, p := range m.members {
					m.kill(p)
				}
				for _, p := range m.members {
					p.work.Wait()
				}
				time.Sleep(time.Minute) // what is under way
				m.shelf.mu.Lock()
				puts := m.shelf.puts
				m.shelf.mu.Unlock()
				twice, files := 0, 0
				for name := range m.counted {
					for n := range m.counted[name] {
						files++
						visits := m.read[fmt.Sprint(name, "/", n)]
						require.NotEmpty(t, visits, "%s %d was never read", name, n)
						for i, a := range visits {
							for _, b := range visits[:i] {
								if a.by == b.by {
									continue
								}
								twice++
								overlap := min(a.end.UnixNano(), b.end.UnixNano()) - max(a.began.UnixNano(), b.began.UnixNano())
								require.LessOrEqual(t, time.Duration(overlap), duration, "%s %d was read by two", name, n)
							}
						}
					}
				}
				s := m.members[len(m.members)-1].g.Stats()
				t.Logf("%d files, %d times by another one again, %d members, %d puts; the last member: %+v", files, twice, joined, puts, s)
			})
		})
	}
}

// explain says what everybody thinks of a piece of work.
func (m *model) explain(name string) {
	list, _ := m.shelf.List(m.t.Context(), "")
	for _, item := range list {
		if strings.HasPrefix(item.Key, "leases/members/") || strings.Contains(item.Key, url.PathEscape(name)) {
			m.t.Logf("%s: %s", item.Key, m.shelf.objects[item.Key])
		}
	}
	for i, p := range m.members {
		if p.dead {
			continue
		}
		p.g.mu.Lock()
		own := "none"
		if p.g.session != nil {
			own = p.g.session.id
		}
		m.t.Logf("member %d: session %s, alive %v, owner by its knowledge %q, held %v, giving %v, chosen %v", i, own, p.g.alive(p.g.session), p.g.foreign[name],
			p.g.held[name] != nil, p.g.giving[name] != nil, slices.Collect(maps.Keys(p.g.others)))
		if l := p.g.held[name]; l != nil {
			m.t.Logf("  draining %v, used %v, idle set %v", l.draining, l.used, l.idle != nil)
		}
		p.g.mu.Unlock()
	}
}

func TestWorkIsSharedAndGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(shelf)
		var names []string
		for i := range 60 {
			names = append(names, fmt.Sprintf("trail/%d/", i))
		}
		ctx := t.Context()
		open := func() *Group {
			g := New(s, Config{Prefix: "p/", Duration: duration})
			require.NoError(t, g.Tend(ctx, names))
			g.Start()
			return g
		}
		a := open()
		assert.Equal(t, 60, a.Stats().Held)
		require.NoError(t, a.Held("trail/7/").Store().Put("k", "v"))
		for _, name := range names {
			a.Held(name).OnIdle(func() bool { return true }) // what nobody works on is idle anyway
		}
		b := open()
		assert.Zero(t, b.Stats().Held, "what another one holds is not taken")
		time.Sleep(3 * duration)
		assert.Equal(t, 60, a.Stats().Held+b.Stats().Held)
		assert.Greater(t, b.Stats().Held, 15)
		assert.True(t, a.Settled())
		assert.True(t, b.Settled())
		require.NoError(t, a.Close(ctx))
		require.NoError(t, b.Tend(ctx, names))
		assert.Equal(t, 60, b.Stats().Held, "at once, as nobody died")
		var v string
		_, err := b.Held("trail/7/").Store().Get("k", &v)
		require.NoError(t, err)
		assert.Equal(t, "v", v)
		require.NoError(t, b.Close(ctx))
		list, err := s.List(ctx, "p/"+membersFolder)
		require.NoError(t, err)
		assert.Empty(t, list)
	})
}

// One that died before its time is over is waited for, and one that only was left behind is no reason to call it settled.
func TestADeadMemberIsWaitedForAndReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(shelf)
		ctx := t.Context()
		a := New(s, Config{Prefix: "p/", Duration: duration, Sync: true})
		require.NoError(t, a.Tend(ctx, []string{"x"}))
		l := a.Held("x")
		require.NoError(t, l.Store().Put("n", 1))
		a.stop() // killed

		b := New(s, Config{Prefix: "p/", Duration: duration})
		began := time.Now()
		for !b.Settled() {
			require.NoError(t, b.Tend(ctx, []string{"x"}))
			assert.Less(t, time.Since(began), 2*duration)
			time.Sleep(duration / 4)
		}
		assert.GreaterOrEqual(t, time.Since(began), duration)
		require.NotNil(t, b.Held("x"))
		assert.Equal(t, l.Token()+1, b.Held("x").Token())
		var n int
		_, err := b.Held("x").Store().Get("n", &n)
		require.NoError(t, err)
		assert.Equal(t, 1, n)

		assert.Nil(t, a.Held("x"), "its time is over by its own clock too")
		assert.ErrorIs(t, l.Store().Put("n", 2), ErrLost)
		assert.ErrorIs(t, l.flush(ctx), ErrLost, "and the object takes nothing from it")
		require.NoError(t, b.Close(ctx))
	})
}

func TestAnotherVersionIsLeftAlone(t *testing.T) {
	s := &shelf{objects: map[string][]byte{"p/work/x": []byte(`{"version":9}`)}}
	g := New(s, Config{Prefix: "p/", Duration: duration})
	assert.ErrorContains(t, g.Tend(t.Context(), []string{"x"}), "newer version (9)")
}
