package s3

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input"
)

// outcome is how the reading of an object ended.
type outcome uint8

const (
	// outcomeDone: every record is durable.
	outcomeDone outcome = iota
	// outcomeMissing: the object is gone, and nothing of it can be read any more.
	outcomeMissing
	// outcomeReturned: the flow could not deliver a batch.
	outcomeReturned
	// outcomeTransport: the object could not be read to its end.
	outcomeTransport
	// outcomeContent: what stands in it is broken; what could be read is durable.
	outcomeContent
)

var outcomeNames = map[outcome]string{outcomeReturned: "returned", outcomeTransport: "transport", outcomeContent: "content"}

const (
	// maxFailed bounds the remembered failures. Nothing new is read while there are so many.
	maxFailed = 1000
	// contentTries is how often an object with broken content is read before it rests until it changes.
	contentTries = 3
	// restingCheck is how often it is looked at then.
	restingCheck = 24 * time.Hour
	// maxBackoff is the longest pause between two tries of an object that could not be read.
	maxBackoff = time.Hour
)

// failure is what is stored of an object that is not done although its cursor has passed it.
type failure struct {
	Kind     string    `json:"kind"`
	Error    string    `json:"error,omitempty"`
	Tries    int       `json:"tries"`
	ETag     string    `json:"etag,omitempty"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"last_modified,omitzero"`
	Since    time.Time `json:"since"`
	Next     time.Time `json:"next_try,omitzero"`
}

// resting says that the object is only tried again when it has changed.
func (f *failure) resting() bool {
	return f.Kind == outcomeNames[outcomeContent] && f.Tries >= contentTries
}

// chore is what is to be done with an object that was read: copy it, delete it.
type chore struct {
	ETag   string    `json:"etag,omitempty"`
	Copied bool      `json:"copied,omitempty"`
	Tries  int       `json:"tries,omitempty"`
	Error  string    `json:"error,omitempty"`
	Next   time.Time `json:"next_try,omitzero"`
}

// ledger keeps what was read. All state goes through it, and everything in it is bounded.
type ledger struct {
	store input.Store
	base  string // of the keys in the store: one input may have read another bucket before
	log   *slog.Logger
	// chores says that objects are to be copied or deleted when they are done.
	chores bool

	mu      sync.Mutex
	cursors map[string]cursor // by their key
	failed  map[string]*failure
	after   map[string]*chore
	busy    map[string]bool // being read, or not acknowledged
	closing bool            // nothing new is begun
	changed map[string]any  // to be stored, beside the cursors
	touched map[string]cursor
	broken  error // storing failed: what was to be stored is lost, so nothing may be called durable any more

	commit sync.Mutex
}

func newLedger(store input.Store, bucket string, chores bool, log *slog.Logger) (*ledger, error) {
	l := &ledger{
		store: store, base: "s3/" + url.PathEscape(bucket) + "/", log: log, chores: chores,
		cursors: make(map[string]cursor), failed: make(map[string]*failure), after: make(map[string]*chore),
		busy: make(map[string]bool), changed: make(map[string]any), touched: make(map[string]cursor),
	}
	if err := loadAll(store, l.base+failedPrefix, l.failed); err != nil {
		return nil, err
	}
	if err := loadAll(store, l.base+afterPrefix, l.after); err != nil {
		return nil, err
	}
	return l, nil
}

const (
	failedPrefix = "failed/"
	afterPrefix  = "after/"
)

func loadAll[T any](store input.Store, prefix string, into map[string]*T) error {
	err := store.Each(prefix, func(key string, value json.RawMessage) error {
		v := new(T)
		if err := json.Unmarshal(value, v); err != nil {
			return fmt.Errorf("decoding %q: %w", key, err)
		}
		into[strings.TrimPrefix(key, prefix)] = v
		return nil
	})
	if err != nil {
		return fmt.Errorf("loading the state: %w", err)
	}
	return nil
}

// cursor gives the cursor with the key, loaded with what was stored, and makes it first where it is new.
func (l *ledger) cursor(key string, fresh func() cursor) (cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.cursors[key]; c != nil {
		return c, nil
	}
	c := fresh()
	prefix := l.base + key
	err := l.store.Each(prefix, func(key string, value json.RawMessage) error {
		name := strings.TrimPrefix(key, prefix)
		if name != "" && !strings.HasPrefix(name, partMark) {
			return nil // of a longer prefix
		}
		if err := c.load(name, value); err != nil {
			return fmt.Errorf("decoding %q: %w", key, err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("loading the state: %w", err)
	}
	l.cursors[key] = c
	return c, nil
}

func (l *ledger) begin(c cursor, now time.Time, all bool) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return c.begin(now, all)
}

// visit gives the objects of a page that are to be read. What failed before is tried again by itself; renewed are those of them
// whose ETag has changed, so that they need not wait.
func (l *ledger) visit(key string, c cursor, page []object, at time.Time, last bool) (wanted, renewed []object) {
	l.mu.Lock()
	defer l.mu.Unlock()
	wanted = c.visit(page, at, last)
	l.touched[key] = c
	if len(l.failed) == 0 {
		return wanted, nil
	}
	for _, o := range page {
		if f := l.failed[o.Key]; f != nil && f.ETag != o.ETag && f.Tries > 0 {
			l.renew(o.Key, f, o)
			renewed = append(renewed, o)
		}
	}
	// A cursor that knows objects by their ETag has found them itself.
	renewed = slices.DeleteFunc(renewed, func(o object) bool {
		return slices.ContainsFunc(wanted, func(w object) bool { return w.Key == o.Key })
	})
	return wanted, renewed
}

// overflows gives the objects that a cursor could not take, since it was asked last.
func (l *ledger) overflows(c cursor) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, ok := c.(*trail)
	if !ok {
		return 0
	}
	n := t.overflows
	t.overflows = 0
	return n
}

// renew makes another object of what failed.
func (l *ledger) renew(key string, f *failure, o object) {
	f.ETag, f.Size, f.Modified, f.Tries, f.Next = o.ETag, o.Size, o.Modified, 0, time.Time{}
	l.changed[failedPrefix+key] = *f
}

func (l *ledger) abandon(key string, c cursor, list []object) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.abandon(list)
	l.touched[key] = c
}

// take reserves an object for one reader. It reports full where too many failures are remembered already.
func (l *ledger) take(key string) (ok, full bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy[key] || l.closing {
		return false, false
	}
	if l.failed[key] == nil && len(l.failed) >= maxFailed && !l.makeRoom() {
		return false, true
	}
	l.busy[key] = true
	return true, false
}

// makeRoom forgets the failure that has rested longest, and says so.
func (l *ledger) makeRoom() bool {
	oldest := ""
	for key, f := range l.failed {
		if f.resting() && !l.busy[key] && (oldest == "" || f.Since.Before(l.failed[oldest].Since)) {
			oldest = key
		}
	}
	if oldest == "" {
		return false
	}
	l.log.Error("an object that cannot be read is no longer remembered, as there are too many of them: its records from the fault on are not delivered",
		"aws.s3.object.key", oldest, "error.message", l.failed[oldest].Error)
	delete(l.failed, oldest)
	l.changed[failedPrefix+oldest] = nil
	return true
}

// release gives back an object that was not read to its end because the input is closed. Its cursor does not pass it.
func (l *ledger) release(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.busy, key)
}

// finish settles an object. On return it is durable. It reports whether there is a chore for it now.
func (l *ledger) finish(key string, c cursor, o object, how outcome, cause error, now time.Time, interval time.Duration) (bool, error) {
	l.mu.Lock()
	delete(l.busy, o.Key)
	if c != nil {
		c.settle(o.Key)
		l.touched[key] = c
	}
	old := l.failed[o.Key]
	todo := false
	switch how {
	case outcomeDone, outcomeMissing:
		if old != nil {
			delete(l.failed, o.Key)
			l.changed[failedPrefix+o.Key] = nil
		}
		if how == outcomeDone && l.chores {
			todo = l.addChore(o)
		}
	default:
		f := &failure{Kind: outcomeNames[how], ETag: o.ETag, Size: o.Size, Modified: o.Modified, Since: now}
		if old != nil {
			f.Since, f.Tries = old.Since, old.Tries
		}
		if how != outcomeReturned {
			f.Tries++
			f.Error = shorten(cause)
			f.Next = now.Add(backoff(interval, f.Tries))
			if f.resting() {
				f.Next = now.Add(restingCheck)
			}
		}
		l.failed[o.Key] = f
		l.changed[failedPrefix+o.Key] = *f
	}
	l.mu.Unlock()
	return todo, l.flush()
}

// backoff is nothing at first, so that the next pass tries again, and then doubles.
func backoff(interval time.Duration, tries int) time.Duration {
	if tries <= 1 {
		return 0
	}
	return min(interval<<min(tries-1, 16), maxBackoff)
}

func shorten(err error) string {
	if err == nil {
		return ""
	}
	return strings.ToValidUTF8(err.Error()[:min(len(err.Error()), 400)], "")
}

// due gives the objects to try again, and those that rest and are to be looked at. With all everything is tried.
func (l *ledger) due(now time.Time, all bool) (try, look []object) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(l.failed)) {
		f := l.failed[key]
		if l.busy[key] || !all && f.Next.After(now) {
			continue
		}
		o := object{Key: key, ETag: f.ETag, Size: f.Size, Modified: f.Modified}
		if f.resting() && !all {
			look = append(look, o)
		} else {
			try = append(try, o)
		}
	}
	return try, look
}

// looked notes what an object that rests is now; nil where it is gone. It reports whether it is worth another try.
func (l *ledger) looked(key string, now time.Time, o *object) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.failed[key]
	switch {
	case f == nil:
		return false
	case o == nil:
		delete(l.failed, key)
		l.changed[failedPrefix+key] = nil
		return false
	case o.ETag != f.ETag:
		l.renew(key, f, *o)
		return true
	}
	f.Next = now.Add(restingCheck)
	l.changed[failedPrefix+key] = *f
	return false
}

// flush stores everything that is not stored yet, in one commit where the store can do that. Those who come while one is under
// way share the next.
func (l *ledger) flush() error {
	l.commit.Lock()
	defer l.commit.Unlock()
	l.mu.Lock()
	if l.broken != nil {
		l.mu.Unlock()
		return l.broken
	}
	values := make(map[string]any, len(l.changed)+2)
	for key, v := range l.changed {
		values[l.base+key] = v
	}
	clear(l.changed)
	part := make(map[string]any)
	for _, c := range l.touched {
		c.changes(part)
	}
	clear(l.touched)
	for key, v := range part {
		values[l.base+key] = v
	}
	l.mu.Unlock()
	if len(values) == 0 {
		return nil
	}
	if err := putAll(l.store, values); err != nil {
		err = fmt.Errorf("storing the state: %w", err)
		l.mu.Lock()
		l.broken = err
		l.mu.Unlock()
		return err
	}
	return nil
}

// putAll stores values, and deletes the keys whose value is nil. A store that can only change one at a time gets them in an order
// in which none of the steps forgets anything: what is remembered first, then the place of a cursor, then what is forgotten.
func putAll(store input.Store, values map[string]any) error {
	if many, ok := store.(interface{ PutAll(map[string]any) error }); ok {
		return many.PutAll(values)
	}
	step := func(key string) int {
		switch {
		case values[key] == nil:
			return 2
		case strings.Contains(key, "/"+failedPrefix), strings.Contains(key, "/"+afterPrefix), strings.Contains(key, partMark):
			return 0
		}
		return 1
	}
	keys := slices.SortedFunc(maps.Keys(values), func(a, b string) int { return step(a) - step(b) })
	for _, key := range keys {
		var err error
		if values[key] == nil {
			err = store.Delete(key)
		} else {
			err = store.Put(key, values[key])
		}
		if err != nil {
			return err
		}
	}
	return nil
}
