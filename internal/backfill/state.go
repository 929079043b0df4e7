package backfill

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input"
)

// Keys of the state. A folder is named by its prefix.
const (
	headerKey    = "plan"
	rateKey      = "rate"
	folderPrefix = "folder/"
	donePrefix   = "done/"
	markPrefix   = "at/"
	failedPrefix = "failed/"
)

// header says what the stored plan is of.
type header struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to"`
	// Open: the end was not given.
	Open     bool     `json:"open,omitempty"`
	Accounts []string `json:"accounts,omitempty"`
	Regions  []string `json:"regions,omitempty"`
	// Listed is when all of it was listed. Zero: not all is.
	Listed time.Time `json:"listed,omitzero"`
	Calls  int64     `json:"calls"`
}

// same says that a plan with the header serves for another one.
func (h header) same(o header) bool {
	return h.From.Equal(o.From) && (h.To.Equal(o.To) || h.Open && o.Open) && slices.Equal(h.Accounts, o.Accounts) && slices.Equal(h.Regions, o.Regions)
}

// day counts days since 1970.
type day int32

func dayOf(t time.Time) day { return day(t.Unix() / 86400) }

func (d day) time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

func (d day) String() string { return d.time().Format(time.DateOnly) }

// dayPlan is what a folder holds of one day.
type dayPlan struct {
	day            day
	objects, bytes int64
	// archived of these are in an archive class, tiered are in Intelligent-Tiering.
	archived, archivedBytes, tiered int64
}

// pack writes days in as few bytes as possible.
func pack(days []dayPlan) string {
	var b []byte
	last := day(0)
	for _, d := range days {
		for _, n := range []int64{int64(d.day - last), d.objects, d.bytes, d.archived, d.archivedBytes, d.tiered} {
			b = binary.AppendUvarint(b, uint64(n))
		}
		last = d.day
	}
	return base64.StdEncoding.EncodeToString(b)
}

func unpack(text string) ([]dayPlan, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	var days []dayPlan
	last := day(0)
	for len(b) > 0 {
		var n [6]int64
		for i := range n {
			v, size := binary.Uvarint(b)
			if size <= 0 {
				return nil, errors.New("it ends in the middle of a day")
			}
			n[i], b = int64(v), b[size:]
		}
		last += day(n[0])
		days = append(days, dayPlan{last, n[1], n[2], n[3], n[4], n[5]})
	}
	return days, nil
}

// progress of the days of a folder that are over.
type status uint8

const (
	statusOpen status = iota
	statusDone
	// statusLeft: done but for archived objects that were left out or wait for their restore.
	statusLeft
)

// packDone writes runs of days: first, number, status.
func packDone(days map[day]status) [][3]int {
	runs := [][3]int{}
	for _, d := range slices.Sorted(maps.Keys(days)) {
		if n := len(runs); n > 0 && runs[n-1][0]+runs[n-1][1] == int(d) && runs[n-1][2] == int(days[d]) {
			runs[n-1][1]++
			continue
		}
		runs = append(runs, [3]int{int(d), 1, int(days[d])})
	}
	return runs
}

// mark is how far a day has come that is not over, or that the range cuts.
type mark struct {
	// After is the key up to which everything is done. Objects and Bytes are those up to it.
	After   string `json:"after,omitempty"`
	Objects int64  `json:"objects,omitempty"`
	Bytes   int64  `json:"bytes,omitempty"`
	// Stays are the archived objects up to it that were not read.
	Stays int64 `json:"stays,omitempty"`
	// From and To are set where the range cuts the day: the mark is of that part alone.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Done, of a part of a day; Left as statusLeft.
	Done bool `json:"done,omitempty"`
	Left bool `json:"left,omitempty"`
	// Archived: of the archived objects of a day, all others of which are done.
	Archived bool `json:"archived,omitempty"`
}

// failure is an object that could not be read although its day is past it.
type failure struct {
	Kind  string    `json:"kind"`
	Error string    `json:"error"`
	Tries int       `json:"tries"`
	Since time.Time `json:"since"`
	Size  int64     `json:"size"`
	Class string    `json:"class,omitempty"`
}

// maxFailed bounds the remembered failures.
const maxFailed = 1000

// measured is what an earlier run did.
type measured struct {
	Objects int64   `json:"objects"`
	Bytes   int64   `json:"bytes"`
	Records int64   `json:"records"`
	Seconds float64 `json:"seconds"`
}

// ledger keeps the state. Safe for concurrent use.
type ledger struct {
	store input.Store

	mu      sync.Mutex
	done    map[string]map[day]status // by prefix
	marks   map[string]mark           // by prefix and day
	failed  map[string]failure
	changed map[string]any
	touched map[string]bool // prefixes whose done changed
}

func openLedger(store input.Store) (*ledger, error) {
	l := &ledger{
		store: store, done: make(map[string]map[day]status), marks: make(map[string]mark), failed: make(map[string]failure),
		changed: make(map[string]any), touched: make(map[string]bool),
	}
	err := errors.Join(
		each(store, donePrefix, func(prefix string, runs [][3]int) {
			days := make(map[day]status)
			for _, r := range runs {
				for i := range r[1] {
					days[day(r[0]+i)] = status(r[2])
				}
			}
			l.done[prefix] = days
		}),
		each(store, markPrefix, func(name string, m mark) { l.marks[name] = m }),
		each(store, failedPrefix, func(key string, f failure) { l.failed[key] = f }),
	)
	return l, err
}

func each[T any](store input.Store, prefix string, fn func(name string, v T)) error {
	err := store.Each(prefix, func(key string, value json.RawMessage) error {
		var v T
		if err := json.Unmarshal(value, &v); err != nil {
			return fmt.Errorf("decoding %q: %w", key, err)
		}
		fn(strings.TrimPrefix(key, prefix), v)
		return nil
	})
	if err != nil {
		return fmt.Errorf("loading the state of the backfill: %w", err)
	}
	return nil
}

func markName(prefix string, d day) string { return prefix + "#" + d.String() }

// at gives how far a day of a folder has come, for the part from to to where the range cuts it.
func (l *ledger) at(prefix string, d day, from, to time.Time) (status, mark) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.done[prefix][d]; s != statusOpen { // of the whole day: every part is
		m := l.marks[markName(prefix, d)]
		if !m.Archived {
			m = mark{}
		}
		return s, m
	}
	m, ok := l.marks[markName(prefix, d)]
	switch {
	case !ok, !m.From.Equal(from), !m.To.Equal(to):
		return statusOpen, mark{From: from, To: to}
	case m.Left:
		return statusLeft, m
	case m.Done:
		return statusDone, m
	}
	return statusOpen, m
}

// move notes how far a day has come.
func (l *ledger) move(prefix string, d day, m mark) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := markName(prefix, d)
	l.marks[name] = m
	l.changed[markPrefix+name] = m
}

// end notes that a day is over; a part of one keeps its mark.
func (l *ledger) end(prefix string, d day, m mark, s status) {
	if !m.From.IsZero() || !m.To.IsZero() {
		m.Done, m.Left, m.Archived, m.After, m.Stays = true, s == statusLeft, false, "", 0
		l.move(prefix, d, m)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done[prefix] == nil {
		l.done[prefix] = make(map[day]status)
	}
	l.done[prefix][d] = s
	l.touched[prefix] = true
	name := markName(prefix, d)
	delete(l.marks, name)
	l.changed[markPrefix+name] = nil
}

// reopen makes a day that was done one that is not: it is read again as a whole.
func (l *ledger) reopen(prefix string, d day) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.done[prefix][d]; ok {
		delete(l.done[prefix], d)
		l.touched[prefix] = true
	}
	name := markName(prefix, d)
	if _, ok := l.marks[name]; ok {
		delete(l.marks, name)
		l.changed[markPrefix+name] = nil
	}
}

// fail remembers an object; full says that there are too many.
func (l *ledger) fail(key string, f failure) (full bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old, ok := l.failed[key]; ok {
		f.Since, f.Tries = old.Since, old.Tries+1
	} else if len(l.failed) >= maxFailed {
		return true
	}
	l.failed[key] = f
	l.changed[failedPrefix+key] = f
	return false
}

// mended forgets a failure.
func (l *ledger) mended(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.failed[key]; ok {
		delete(l.failed, key)
		l.changed[failedPrefix+key] = nil
	}
}

// failures gives all of them, by their keys.
func (l *ledger) failures() map[string]failure {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.failed)
}

// put stores a value with the next flush.
func (l *ledger) put(key string, v any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed[key] = v
}

// flush stores what has changed, in one commit where the store can do that.
func (l *ledger) flush() error {
	l.mu.Lock()
	values := l.changed
	l.changed = make(map[string]any)
	for prefix := range l.touched {
		values[donePrefix+prefix] = packDone(l.done[prefix])
	}
	clear(l.touched)
	l.mu.Unlock()
	if len(values) == 0 {
		return nil
	}
	if err := putAll(l.store, values); err != nil {
		return fmt.Errorf("storing the state of the backfill: %w", err)
	}
	return nil
}

// putAll stores values; nil ones are deleted, last, so that nothing is forgotten before what takes its place is there.
func putAll(store input.Store, values map[string]any) error {
	if many, ok := store.(interface{ PutAll(map[string]any) error }); ok {
		return many.PutAll(values)
	}
	for key, v := range values {
		if v != nil {
			if err := store.Put(key, v); err != nil {
				return err
			}
		}
	}
	for key, v := range values {
		if v == nil {
			if err := store.Delete(key); err != nil {
				return err
			}
		}
	}
	return nil
}
