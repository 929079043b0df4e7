package verify

import (
	"hash/maphash"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/input/trailstore"
)

// names finds the log files that no digest names. It keeps the names of a few days, by the day of the file, and lists the folders of the
// log files behind the digests.
type names struct {
	v     *Verifier
	place trailstore.Place
	to    time.Time
	seed  maphash.Seed
	// days are the names that proven digests give, claimed those of others.
	days, claimed map[int64]map[uint64]struct{}
	folders       []*folder
	// kinds that digests name files of. Others may have no digests at all.
	kinds map[string]bool
}

// folder is the listing of one kind of log files.
type folder struct {
	kind, prefix string
	next         func() (trailstore.Entry, error, bool)
	stop         func()
	// head is the next file, where there is one.
	head  trailstore.Entry
	at    time.Time
	ended bool
	begun bool
}

func newNames(v *Verifier, place trailstore.Place, to time.Time) *names {
	n := &names{
		v: v, place: place, to: to, seed: maphash.MakeSeed(), days: map[int64]map[uint64]struct{}{}, claimed: map[int64]map[uint64]struct{}{},
		kinds: map[string]bool{trailstore.KindLogs: true},
	}
	for _, kind := range place.Kinds {
		n.folders = append(n.folders, &folder{kind: kind, prefix: place.Folder(kind)})
	}
	return n
}

// hash is that of a name. Downloaded files may be unpacked, and are called so then.
func (n *names) hash(key string) uint64 {
	if n.v.cfg.Downloaded {
		key = strings.TrimSuffix(key, ".gz")
	}
	return maphash.String(n.seed, key)
}

func dayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// add takes the names out of a proven digest.
func (n *names) add(d *digest) { n.take(d, n.days, true) }

// claim takes the names out of one that is not proven.
func (n *names) claim(d *digest) { n.take(d, n.claimed, false) }

func (n *names) take(d *digest, days map[int64]map[uint64]struct{}, proven bool) {
	for _, entry := range d.doc.LogFiles.list {
		if n.v.where(entry.Bucket) != n.place.Bucket {
			continue
		}
		for _, f := range n.folders {
			t, _, ok := trailstore.LogTime(f.prefix, entry.Key)
			if !ok {
				continue
			}
			if proven {
				n.kinds[f.kind] = true
			}
			day := days[dayOf(t)]
			if day == nil {
				day = map[uint64]struct{}{}
				days[dayOf(t)] = day
			}
			day[n.hash(entry.Key)] = struct{}{}
		}
		if proven && !strings.HasPrefix(entry.Key, n.place.Root) {
			n.v.elsewhere.add(entry.Key)
		}
	}
}

// advance looks at the files that were delivered before a time, whose digests have all been seen.
func (n *names) advance(w *walker, before time.Time) {
	if before.After(n.to) {
		before = n.to
	}
	for _, f := range n.folders {
		for n.fill(w, f) && f.at.Before(before) && w.ctx.Err() == nil {
			if !f.at.Before(n.v.cfg.From) {
				n.look(w, f)
			}
			f.head.Key = ""
		}
	}
	for _, days := range []map[int64]map[uint64]struct{}{n.days, n.claimed} {
		for day := range days {
			if day < dayOf(before)-1 {
				delete(days, day)
			}
		}
	}
}

// fill sees that there is a head, and says whether there is.
func (n *names) fill(w *walker, f *folder) bool {
	if !f.begun {
		f.begun = true
		f.next, f.stop = iter.Pull2(n.v.cfg.Store.List(w.ctx, n.place.Bucket, f.prefix, trailstore.Position(f.prefix, n.v.cfg.From)))
	}
	for f.head.Key == "" && !f.ended {
		entry, err, ok := f.next()
		if err != nil {
			w.send(Item{Fault: &Fault{placeOf(n.place, ""), err}})
		}
		if !ok || err != nil {
			f.ended = true
			break
		}
		t, exact, ok := trailstore.LogTime(f.prefix, entry.Key)
		if !exact && t.Before(n.v.cfg.From) && t.Add(24*time.Hour).After(n.v.cfg.From) {
			t = n.v.cfg.From // some time of that day
		}
		if ok && t.Truncate(24*time.Hour).After(n.to) {
			f.ended = true
			break
		}
		if ok && trailstore.IsLog(entry.Key) {
			f.head, f.at = entry, t
		}
	}
	return f.head.Key != ""
}

// look says whether a file is named.
func (n *names) look(w *walker, f *folder) {
	hash := n.hash(f.head.Key)
	day := dayOf(f.at)
	if _, ok := n.days[day][hash]; ok {
		return
	}
	file := &File{Place: placeOf(n.place, ""), Kind: KindLog, Key: f.head.Key, From: f.at, To: f.at}
	_, claimed := n.claimed[day][hash]
	switch {
	case claimed:
		file.Result, file.Reason = NotCovered, ReasonDigestUnproven
		file.Detail = "only a digest that is not proven names it"
	case f.at.After(n.v.cfg.Now.Add(-due)):
		file.Result, file.Reason = Pending, ReasonNotDue
	case !n.kinds[f.kind]:
		return // of a kind that CloudTrail makes no digests for
	default:
		file.Result, file.Reason = NotCovered, ReasonNoDigest
		if w.atEdge(f.at) && n.v.elsewhere.wait(file) {
			return
		}
	}
	w.send(Item{File: file})
}

func (n *names) close() {
	for _, f := range n.folders {
		if f.stop != nil {
			f.stop()
		}
	}
	n.folders = slices.Clip(n.folders[:0])
}
