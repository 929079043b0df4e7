package backfill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/input"
)

// Job is a range of a tree that is worked on. Make it with New, then MakePlan, then Input or Send. Safe for concurrent use after
// MakePlan.
type Job struct {
	tree   Tree
	opts   Options
	log    *slog.Logger
	ledger *ledger
	limit  *limiter

	header  header
	folders []*folderPlan
	units   []*unit

	calls struct {
		list, get, head, restore, send atomic.Int64
	}
	records, objects, bytes         atomic.Int64 // of this run; objects and bytes are done
	missing, restoring              atomic.Int64
	skipped, failedNow, skippedSize atomic.Int64
	inARow                          atomic.Int64 // failures

	mu       sync.Mutex
	accounts map[string]*AccountProgress
	current  string // the day and account that was begun last
	days     map[day]int
	began    time.Time
}

// AccountProgress is how far an account has come.
type AccountProgress struct {
	Account string `json:"account"`
	// Objects and Bytes of the plan, and of those that are done, this run's and earlier ones'.
	Objects      int64 `json:"objects"`
	Bytes        int64 `json:"bytes"`
	DoneObjects  int64 `json:"done_objects"`
	DoneBytes    int64 `json:"done_bytes"`
	Days         int   `json:"days"`
	DoneDays     int   `json:"done_days"`
	Records      int64 `json:"records"`
	LeftArchived int64 `json:"left_archived"`
}

// New makes a Job. store is its own; log may be nil.
func New(tree Tree, store input.Store, opts Options, log *slog.Logger) (*Job, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	opts.fill()
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	l, err := openLedger(store)
	if err != nil {
		return nil, err
	}
	return &Job{tree: tree, opts: opts, log: log, ledger: l, limit: &limiter{rate: opts.Rate}}, nil
}

// Left says whether there is anything to do.
func (j *Job) Left() bool { return len(j.units) > 0 || len(j.ledger.failures()) > 0 }

// Complete says that all of the range is done: nothing is left, nothing failed. Archived objects that were left out on purpose do not
// count, those that are being restored do.
func (j *Job) Complete() bool {
	return len(j.makeUnits()) == 0 && len(j.ledger.failures()) == 0
}

// start counts what was done before.
func (j *Job) start() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.began = time.Now()
	j.accounts, j.days = make(map[string]*AccountProgress), make(map[day]int)
	open := make(map[string]map[day]*unit)
	for _, u := range j.units {
		prefix := u.folder.Prefix()
		if open[prefix] == nil {
			open[prefix] = make(map[day]*unit)
		}
		open[prefix][u.plan.day] = u
		j.days[u.plan.day]++
	}
	for _, p := range j.folders {
		a := j.account(p.folder.Account())
		for _, d := range p.days {
			a.Days++
			a.Objects += d.objects
			a.Bytes += d.bytes
			u := open[p.folder.Prefix()][d.day]
			from, to := j.header.window(d.day)
			s, _ := j.ledger.at(p.folder.Prefix(), d.day, from, to)
			done, bytes := int64(0), int64(0)
			switch {
			case s == statusDone:
				done, bytes = d.objects, d.bytes
			case s == statusLeft:
				done, bytes = d.objects-d.archived, d.bytes-d.archivedBytes
			case u != nil:
				done, bytes = u.mark.Objects, u.mark.Bytes
			}
			a.DoneObjects += done
			a.DoneBytes += bytes
			if u == nil {
				a.DoneDays++
			}
		}
	}
}

// account is called with the lock.
func (j *Job) account(id string) *AccountProgress {
	if j.accounts[id] == nil {
		j.accounts[id] = &AccountProgress{Account: id}
	}
	return j.accounts[id]
}

// Accounts tells how far each has come, in their order.
func (j *Job) Accounts() []AccountProgress {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := make([]AccountProgress, 0, len(j.accounts))
	for _, id := range slices.Sorted(maps.Keys(j.accounts)) {
		list = append(list, *j.accounts[id])
	}
	return list
}

// Doing names the day and the account that were begun last. Empty before that.
func (j *Job) Doing() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.current
}

// Done gives the objects and bytes of the plan, and those of them that are done.
func (j *Job) Done() (objects, ofObjects, bytes, ofBytes int64) {
	for _, a := range j.Accounts() {
		objects, ofObjects = objects+a.DoneObjects, ofObjects+a.Objects
		bytes, ofBytes = bytes+a.DoneBytes, ofBytes+a.Bytes
	}
	return objects, ofObjects, bytes, ofBytes
}

func (j *Job) beginUnit(u *unit) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.current = u.plan.day.String() + " " + u.folder.Account()
}

// outcome is how an object ended.
type outcome uint8

const (
	outcomeDone outcome = iota
	// outcomeStays: it is archived, and was not read.
	outcomeStays
	// outcomeFailed: it cannot be read, and is remembered.
	outcomeFailed
	// outcomeReturned: it was not delivered, or the run ends. It comes again with the next.
	outcomeReturned
)

// settle is the end of an object.
func (j *Job) settle(it *item, how outcome) {
	if how == outcomeDone {
		j.inARow.Store(0)
		j.objects.Add(1)
		j.bytes.Add(it.object.Size)
	}
	u := it.unit
	if u == nil { // of an earlier run
		if how == outcomeDone {
			j.ledger.mended(it.object.Key)
		}
		return
	}
	moved, over := u.settle(it, how == outcomeReturned, how == outcomeStays)
	if how == outcomeDone || how == outcomeStays {
		j.mu.Lock()
		a := j.account(u.folder.Account())
		if how == outcomeDone {
			a.DoneObjects++
			a.DoneBytes += it.object.Size
		} else {
			a.LeftArchived++
		}
		j.mu.Unlock()
	}
	j.note(u, moved, over)
}

// note takes what a unit has come to into the state.
func (j *Job) note(u *unit, moved, over bool) {
	u.mu.Lock()
	m := u.mark
	if moved && !u.over {
		j.ledger.move(u.folder.Prefix(), u.plan.day, m) // under the lock of the unit, so that marks come in their order
	}
	if over {
		s := statusDone
		if m.Stays > 0 {
			s = statusLeft
		}
		j.ledger.end(u.folder.Prefix(), u.plan.day, m, s)
	}
	u.mu.Unlock()
	if !over {
		return
	}
	j.mu.Lock()
	a := j.account(u.folder.Account())
	a.DoneDays++
	j.days[u.plan.day]--
	last := j.days[u.plan.day] == 0
	j.mu.Unlock()
	if last {
		done, of, _, _ := j.Done()
		j.log.Info("a day of the backfill is done", "day", u.plan.day.String(), "objects", done, "of", of)
	}
}

// fail remembers an object that cannot be read, and ends the run where that looks like no fault of single objects.
func (j *Job) fail(it *item, err error) error {
	kind, _ := input.Explain(err)
	j.failedNow.Add(1)
	text := err.Error()
	full := j.ledger.fail(it.object.Key, failure{
		Kind: kind, Error: text[:min(len(text), 400)], Tries: 1, Since: time.Now().UTC(), Size: it.object.Size, Class: it.object.Class,
	})
	if full {
		return fmt.Errorf("%d objects could not be read, more are not remembered: mend what their errors say, then run again; the last was: %w", maxFailed, err)
	}
	if n := j.inARow.Add(1); n >= maxInARow {
		return fmt.Errorf("%d objects in a row could not be read: mend what the error says, then run again: %w", n, err)
	}
	return nil
}

// maxInARow is how many objects may fail without one that does not.
const maxInARow = 50

// secondChance gives the objects that failed for what may have passed by now.
func (j *Job) secondChance() []*item {
	var list []*item
	for key, f := range j.ledger.failures() {
		switch f.Kind {
		case input.KindThrottled, input.KindNetwork, input.KindServer, input.KindExpired:
			list = append(list, &item{object: Object{Key: key, Size: f.Size, Class: f.Class}})
		}
	}
	return list
}

// archivedOrRestored decides about an archived object: whether it can be read now. Where not it stays, and is restored if that is wanted.
func (j *Job) archivedOrRestored(ctx context.Context, o Object) (readable bool, err error) {
	if !j.opts.Restore {
		j.skipped.Add(1)
		j.skippedSize.Add(o.Size)
		return false, nil
	}
	j.calls.head.Add(1)
	a, err := j.tree.Archive(ctx, o.Key)
	switch {
	case err != nil:
		return false, err
	case !a.Archived:
		return true, nil
	case !a.Restoring:
		j.calls.restore.Add(1)
		if err := j.tree.Restore(ctx, o.Key, a.Tiered, j.opts.RestoreDays, j.opts.RestoreTier); err != nil {
			return false, err
		}
	}
	j.restoring.Add(1)
	return false, nil
}

// Close stores what is not stored yet, and what this run measured. ran is how long it took; zero where nothing is to be learned from it.
func (j *Job) Close(ran time.Duration) error {
	if n := j.objects.Load(); ran > time.Second && n > 0 {
		j.ledger.put(rateKey, measured{Objects: n, Bytes: j.bytes.Load(), Records: j.records.Load(), Seconds: ran.Seconds()})
	}
	err := j.ledger.flush()
	j.tree.Close()
	return err
}

var errNotDelivered = errors.New("objects were not delivered: they are not done, run again to send them")
