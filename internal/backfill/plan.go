package backfill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// folderPlan is what is known of a folder. days are in order; those without objects are not there.
type folderPlan struct {
	folder Folder
	days   []dayPlan
}

// storedFolder is its form in the state.
type storedFolder struct {
	Days string `json:"days"`
}

// Planning tells how far a plan has come.
type Planning struct {
	Folders, FoldersListed int
	Objects, Calls         int64
}

// MakePlan lists what is in the range, or takes what was listed before. A plan that broke off goes on. tell may be nil; it is called
// from one goroutine at a time.
func (j *Job) MakePlan(ctx context.Context, tell func(Planning)) error {
	now := time.Now().UTC()
	want := header{From: j.opts.From, To: j.opts.To, Open: j.opts.To.IsZero(), Accounts: slices.Sorted(slices.Values(j.opts.Accounts)), Regions: slices.Sorted(slices.Values(j.opts.Regions))}
	if want.Open {
		want.To = now.Truncate(24 * time.Hour)
	}
	var have header
	found, err := j.ledger.store.Get(headerKey, &have)
	if err != nil {
		return fmt.Errorf("loading the state of the backfill: %w", err)
	}
	goesOn := found && have.same(want) && !j.opts.Replan
	if goesOn && have.Open && !have.Listed.IsZero() {
		// A job without an end that is complete is begun anew, up to today; what is done is not read again.
		goesOn = have.To.Equal(want.To) || !j.completed(have)
	}
	if goesOn {
		want = have
	}
	j.header = want
	if err := j.list(ctx, goesOn, have, tell); err != nil {
		return err
	}
	if j.header.Listed.IsZero() {
		j.header.Listed = now
		j.ledger.put(headerKey, j.header)
	}
	if err := j.ledger.flush(); err != nil {
		return err
	}
	j.units = j.makeUnits()
	return nil
}

// completed says that the stored plan of the header has nothing open.
func (j *Job) completed(h header) bool {
	j.header = h
	if err := j.loadFolders(nil); err != nil {
		return false
	}
	return len(j.makeUnits()) == 0
}

// loadFolders takes the stored plan, of these folders, or of all that it knows for a look at what is done.
func (j *Job) loadFolders(folders []Folder) error {
	stored := make(map[string][]dayPlan)
	var bad error
	err := each(j.ledger.store, folderPrefix, func(prefix string, s storedFolder) {
		days, err := unpack(s.Days)
		if err != nil {
			bad = fmt.Errorf("decoding the plan of %q: %w", prefix, err)
		}
		stored[prefix] = days
	})
	if err = errors.Join(err, bad); err != nil {
		return err
	}
	j.folders = nil
	if folders == nil {
		for prefix, days := range stored {
			j.folders = append(j.folders, &folderPlan{folder: nameOnly(prefix), days: days})
		}
		return nil
	}
	for _, f := range folders {
		if days, ok := stored[f.Prefix()]; ok {
			j.folders = append(j.folders, &folderPlan{folder: f, days: days})
		}
	}
	return nil
}

// nameOnly is a folder of which only the prefix is wanted.
type nameOnly string

func (n nameOnly) Prefix() string                          { return string(n) }
func (nameOnly) Account() string                           { return "" }
func (nameOnly) Kind() string                              { return "" }
func (nameOnly) Region() string                            { return "" }
func (nameOnly) Time(string) (t time.Time, exact, ok bool) { return time.Time{}, false, false }
func (nameOnly) Day(time.Time) string                      { return "" }

// sameWindow says that two plans have the same part of a day.
func sameWindow(a, b header, d day) bool {
	from, to := a.window(d)
	from2, to2 := b.window(d)
	return from.Equal(from2) && to.Equal(to2)
}

// list fills j.folders. old is of the plan before.
func (j *Job) list(ctx context.Context, goesOn bool, old header, tell func(Planning)) error {
	folders, calls, err := j.tree.Folders(ctx)
	j.calls.list.Add(calls)
	if err != nil {
		return err
	}
	known := make(map[string]*folderPlan)
	var before map[string]map[day]int64
	if goesOn {
		if err := j.loadFolders(folders); err != nil {
			return err
		}
		for _, p := range j.folders {
			known[p.folder.Prefix()] = p
		}
		if !j.header.Listed.IsZero() {
			return nil // a folder that is new since then holds nothing of the range
		}
	} else {
		var err error
		if before, err = j.forgetPlan(); err != nil {
			return err
		}
		j.ledger.put(headerKey, j.header)
		if err := j.ledger.flush(); err != nil {
			return err
		}
	}
	var mu sync.Mutex
	state := Planning{Folders: len(folders), FoldersListed: len(known)}
	plans := make([]*folderPlan, len(folders))
	var next atomic.Int64
	var fault error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	for range min(j.opts.Workers, len(folders)) {
		all.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(folders) {
					return
				}
				p, n, err := known[folders[i].Prefix()], int64(0), error(nil)
				if p == nil {
					p, n, err = j.listFolder(ctx, folders[i])
				}
				mu.Lock()
				if err != nil {
					if fault == nil {
						fault = err
					}
					cancel()
				} else {
					plans[i] = p
					j.header.Calls += n
					state.Calls += n
					for _, d := range p.days {
						state.Objects += d.objects
						if was, planned := before[p.folder.Prefix()][d.day]; planned && d.objects > was && sameWindow(old, j.header, d.day) {
							j.ledger.reopen(p.folder.Prefix(), d.day)
						}
					}
					if n > 0 {
						state.FoldersListed++
						j.ledger.put(folderPrefix+p.folder.Prefix(), storedFolder{pack(p.days)})
						j.ledger.put(headerKey, j.header)
					}
					if tell != nil {
						tell(state)
					}
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if err := j.ledger.flush(); err != nil {
		return err
	}
	if fault == nil {
		fault = ctx.Err()
	}
	if fault != nil {
		return fmt.Errorf("listing for the plan: %w", fault)
	}
	j.folders = plans
	return nil
}

// forgetPlan deletes the folders of another plan; what is done stays. It gives the objects of each day then: where there are more now, some came
// late.
func (j *Job) forgetPlan() (objects map[string]map[day]int64, err error) {
	objects = make(map[string]map[day]int64)
	err = each(j.ledger.store, folderPrefix, func(prefix string, s storedFolder) {
		days, _ := unpack(s.Days) // one that cannot be read is forgotten all the same
		objects[prefix] = make(map[day]int64, len(days))
		for _, d := range days {
			objects[prefix][d.day] = d.objects
		}
		j.ledger.put(folderPrefix+prefix, nil)
	})
	return objects, err
}

// listFolder counts what a folder holds in the range, over all days in one go.
func (j *Job) listFolder(ctx context.Context, f Folder) (*folderPlan, int64, error) {
	p := &folderPlan{folder: f}
	after, token, calls := "", "", int64(0)
	if !j.header.From.IsZero() {
		after = f.Day(j.header.From)
	}
	end := f.Day(j.header.To.Add(-time.Nanosecond)) + "\xff"
	for {
		calls++
		j.calls.list.Add(1)
		objects, next, err := j.tree.List(ctx, f.Prefix(), after, token)
		if err != nil {
			return nil, calls, err
		}
		for _, o := range objects {
			if o.Key > end {
				return p, calls, nil
			}
			d, ok := j.inRange(f, o)
			if !ok {
				continue
			}
			if n := len(p.days); n == 0 || p.days[n-1].day != d {
				p.days = append(p.days, dayPlan{day: d})
			}
			one := &p.days[len(p.days)-1]
			one.objects++
			one.bytes += o.Size
			if o.archived() {
				one.archived++
				one.archivedBytes += o.Size
			}
			if o.Class == classTiering {
				one.tiered++
			}
		}
		if token = next; token == "" {
			return p, calls, nil
		}
	}
}

// inRange says whether an object is wanted, and its day.
func (j *Job) inRange(f Folder, o Object) (day, bool) {
	t, exact, ok := f.Time(o.Key)
	if !ok || !j.tree.Wanted(o.Key) {
		return 0, false
	}
	first := t
	if !exact {
		t = t.Add(24*time.Hour - time.Minute) // any time of that day
	}
	if t.Before(j.header.From) || !first.Before(j.header.To) {
		return 0, false
	}
	return dayOf(first), true
}
