package cloudwatch

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/seen"
)

// checkpointVersion is that of the form in the registry.
const checkpointVersion = 1

// checkpoint is what the registry holds for a log group.
type checkpoint struct {
	Version int `json:"version"`
	// Settled: all events before this time were delivered, and none is looked for any more. Reading goes on here after a start.
	Settled time.Time `json:"settled"`
	// ReadTo is how far reading had come, for people; what lies between is read again for late events.
	ReadTo time.Time `json:"read_to"`
}

// handed is what one batch is, beside its records.
type handed struct {
	window *window
	keys   []seen.Key
}

// window is a stretch of time that was read in one go.
type window struct {
	settled int64 // what is settled when this window and all before it are delivered
	readTo  int64
	open    int  // batches that wait for their acknowledgement
	closed  bool // nothing will be added
}

// group is one log group. Times are milliseconds since 1970.
type group struct {
	// Set once.
	key        string // of the checkpoint
	name       string // for people and for records
	identifier string // for calls: the ARN or the name
	byName     bool   // identifier is a name
	region     string
	store      input.Store

	mu      sync.Mutex
	seen    *seen.Set
	at      checkpointAt // delivered
	stored  checkpointAt // on disk
	pass    *pass        // that is under way, nil between passes
	settled int64        // by what was read: the next pass begins here
	readTo  int64        // how far passes have come
	windows []*window    // in order; the first is the oldest that is not delivered
	pending map[*handed]struct{}
	failed  bool // a batch came back: nothing counts until all are back, then reading goes on at the checkpoint
	stopped bool // acknowledgements no longer count

	commit sync.Mutex // one write at a time

	// Of the schedule, guarded by Input.mu.
	running, done, gone bool
	next                time.Time // when it is read again
	due                 time.Time // when the next pass is to begin
	faults              int       // in a row
	said                string    // the fault that was told of
	lag                 seen.Lag
}

type checkpointAt struct{ settled, readTo int64 }

// pass is one look at everything between what is settled and now. It may take many windows.
type pass struct {
	end    int64 // inclusive
	cursor int64 // where the next window begins
	span   int64 // how long the next window is
	late   int64 // events before this that are new came late
	limit  int64 // no event from here on can be settled by this pass
}

func groupOf(f found) *group {
	return &group{
		key: f.key, name: f.name, identifier: f.identifier, byName: !strings.HasPrefix(f.identifier, "arn:"),
		pending: make(map[*handed]struct{}),
	}
}

// openWindow adds a window behind the others.
func (g *group) openWindow() *window {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := new(window)
	g.windows = append(g.windows, w)
	return w
}

// closeWindow says how far the window brings the group once it is delivered. After a failure nothing counts.
func (g *group) closeWindow(w *window, covered int64) error {
	g.mu.Lock()
	p := g.pass
	if g.failed || p == nil {
		g.mu.Unlock()
		return nil
	}
	p.cursor = covered
	g.settled = max(g.settled, min(covered, p.limit))
	g.readTo = max(g.readTo, min(covered, p.end))
	w.settled, w.readTo, w.closed = g.settled, g.readTo, true
	if n := len(g.windows); n > 1 && w.open == 0 && g.windows[n-1] == w {
		// Nothing to wait for but the windows before it. They speak for it, or idle passes would pile up behind a slow output.
		last := g.windows[n-2]
		last.settled, last.readTo = w.settled, w.readTo
		g.windows = g.windows[:n-1]
	}
	g.advance()
	g.mu.Unlock()
	return g.flush()
}

// advance moves what is delivered over the windows that are complete.
func (g *group) advance() {
	if g.failed {
		return
	}
	for len(g.windows) > 0 && g.windows[0].closed && g.windows[0].open == 0 {
		g.at = checkpointAt{g.windows[0].settled, g.windows[0].readTo}
		g.windows = g.windows[1:]
	}
}

// admit says whether an event is to be handed out, and remembers it.
func (g *group) admit(k seen.Key) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen.Add(k)
}

// give registers a batch before it is handed out; false says that the window has failed meanwhile.
func (g *group) give(b *handed) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed {
		g.drop(b)
		return false
	}
	b.window.open++
	g.pending[b] = struct{}{}
	return true
}

// drop forgets the events of a batch that was not delivered, so that they come again.
func (g *group) drop(b *handed) {
	for _, k := range b.keys {
		g.seen.Remove(k)
	}
}

// settle takes the acknowledgement of a batch. With nil its progress is on disk on return. idle says that the group waits
// for nothing more.
func (g *group) settle(b *handed, err error) (idle bool, _ error) {
	g.mu.Lock()
	delete(g.pending, b)
	b.window.open--
	if err != nil {
		g.failed = true
		g.drop(b)
	}
	g.advance()
	idle = len(g.pending) == 0
	g.mu.Unlock()
	return idle, g.flush()
}

// hasFailed says that a batch came back.
func (g *group) hasFailed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed
}

// restart goes back to the checkpoint when a batch has come back and all others are settled too: one that is still under way
// could come back as well, and its events would count as seen until then. It must not be called while the group is read.
func (g *group) restart() (again bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.failed || len(g.pending) > 0 {
		return false
	}
	g.failed, g.windows, g.pass = false, nil, nil
	g.settled, g.readTo = g.at.settled, g.at.readTo
	return true
}

// waiting says that the group cannot be read before acknowledgements have come.
func (g *group) waiting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed && len(g.pending) > 0
}

// flush puts what is delivered on disk, and forgets events that cannot be read again.
func (g *group) flush() error {
	g.commit.Lock()
	defer g.commit.Unlock()
	g.mu.Lock()
	at := g.at
	if at == g.stored || g.stopped {
		g.mu.Unlock()
		return nil
	}
	g.mu.Unlock()
	err := g.store.Put(g.key, checkpoint{Version: checkpointVersion, Settled: timeOf(at.settled), ReadTo: timeOf(at.readTo)})
	if err != nil {
		return fmt.Errorf("storing the checkpoint of log group %q: %w", g.name, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stored = at
	g.seen.Forget(at.settled)
	return nil
}

// stop makes later acknowledgements count for nothing and saves the events of the overlap.
func (g *group) stop() error {
	g.mu.Lock()
	g.stopped = true
	except := make(map[seen.Key]struct{})
	for b := range g.pending {
		for _, k := range b.keys {
			except[k] = struct{}{}
		}
	}
	saved := g.seen.Save(g.stored.settled, except)
	g.mu.Unlock()
	g.commit.Lock()
	defer g.commit.Unlock()
	if err := g.store.Put(seenPrefix+g.key, saved); err != nil {
		return fmt.Errorf("storing the last events of log group %q: %w", g.name, err)
	}
	return nil
}

// resume takes what the registry holds, or begins at start.
func (g *group) resume(start int64) error {
	var c checkpoint
	known, err := g.store.Get(g.key, &c)
	if err != nil {
		return fmt.Errorf("reading the checkpoint of log group %q: %w", g.name, err)
	}
	if known {
		if c.Version != checkpointVersion {
			return fmt.Errorf("reading the checkpoint of log group %q: it has version %d, this program knows %d: use the newer trailbeat that wrote it, "+
				"or remove it with `trailbeat state reset` to begin again at start_position", g.name, c.Version, checkpointVersion)
		}
		g.at = checkpointAt{c.Settled.UnixMilli(), c.ReadTo.UnixMilli()}
		var saved seen.Saved
		if ok, err := g.store.Get(seenPrefix+g.key, &saved); err == nil && ok {
			g.seen.Load(saved)
		}
	} else {
		g.at = checkpointAt{start, start}
	}
	g.stored, g.settled, g.readTo = g.at, g.at.settled, g.at.readTo
	return nil
}

func timeOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// dropUnsent forgets the events of a batch that was never handed out.
func (g *group) dropUnsent(b *handed) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drop(b)
}
