package backfill

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// unit is one day of a folder: what is listed, marked and done as a whole.
type unit struct {
	folder Folder
	plan   dayPlan
	// onlyArchived: all but the archived objects are done.
	onlyArchived bool
	began        mark // where it began in this run

	mu      sync.Mutex
	mark    mark
	open    []*item // in the order of their keys, from the first that is not settled on
	listed  bool    // its listing has come to its end
	stuck   bool    // something came back: the mark cannot move in this run
	over    bool
	settled int64 // objects
}

// item is one object of a unit. unit is nil for one that failed before.
type item struct {
	unit    *unit
	object  Object
	settled bool
	stays   bool // archived, and not read in this run
}

// window gives the part of a day that the range has, zero times where it has all of it.
func (h header) window(d day) (from, to time.Time) {
	if start := d.time(); h.From.After(start) {
		from = h.From
	}
	if end := (d + 1).time(); h.To.Before(end) {
		to = h.To
	}
	return from, to
}

// makeUnits gives what is to be done, in the order of the days.
func (j *Job) makeUnits() []*unit {
	var list []*unit
	for _, p := range j.folders {
		for _, d := range p.days {
			from, to := j.header.window(d.day)
			s, m := j.ledger.at(p.folder.Prefix(), d.day, from, to)
			u := &unit{folder: p.folder, plan: d, mark: m, began: m}
			switch s {
			case statusDone:
				continue
			case statusLeft:
				if !j.opts.Restore {
					continue
				}
				u.onlyArchived = true
				if !m.Archived {
					u.mark = mark{Archived: true, From: from, To: to}
					u.began = u.mark
				}
			}
			list = append(list, u)
		}
	}
	slices.SortStableFunc(list, func(a, b *unit) int {
		byDay := cmp.Compare(a.plan.day, b.plan.day)
		if j.opts.NewestFirst {
			byDay = -byDay
		}
		return cmp.Or(byDay, cmp.Compare(a.folder.Prefix(), b.folder.Prefix()))
	})
	return list
}

// maxOpen bounds the objects of a unit that wait behind one that is slow.
const maxOpen = 10_000

// full says that no more objects should be begun. stuck: none any more.
func (u *unit) full() (full, stuck bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.open) >= maxOpen, u.stuck
}

// add opens an object.
func (u *unit) add(o Object) *item {
	u.mu.Lock()
	defer u.mu.Unlock()
	it := &item{unit: u, object: o}
	u.open = append(u.open, it)
	return it
}

// settle moves the mark over what is settled, and reports whether the unit is over. A returned object is never settled.
func (u *unit) settle(it *item, returned, stays bool) (moved, over bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if returned {
		u.stuck = true
		return false, false
	}
	it.settled = true
	u.settled++
	it.stays = stays
	return u.advance()
}

// end notes that the listing is at its end.
func (u *unit) end() (moved, over bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.listed = true
	return u.advance()
}

// advance is called with the lock.
func (u *unit) advance() (moved, over bool) {
	for len(u.open) > 0 && u.open[0].settled {
		it := u.open[0]
		u.mark.After = it.object.Key
		if it.stays {
			u.mark.Stays++
		} else {
			u.mark.Objects++
			u.mark.Bytes += it.object.Size
		}
		moved = true
		u.open[0] = nil
		u.open = u.open[1:]
	}
	if u.listed && len(u.open) == 0 && !u.over {
		u.over = true
		return moved, true
	}
	return moved, false
}
