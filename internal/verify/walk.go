package verify

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/trailbeat/trailbeat/input/trailstore"
)

// together is how many digests of a place are held at the same time.
const together = 8

// walker goes through one place, from the oldest digest to the newest.
type walker struct {
	v     *Verifier
	ctx   context.Context
	place trailstore.Place
	to    time.Time // of the digests, their end
	// ends is what a chain must end with, for a place that a digest of another one leads to.
	ends *digest

	chains map[chainID]*chain
	named  *names
	queue  queue
	// elsewhere are digests whose one before is in another place.
	elsewhere []*digest
	// first is the beginning of the first digest, last the end of the latest, any that there was one.
	first time.Time
	last  time.Time
	any   bool
	broke bool // the listing of digests did

	walked int64 // thousandths that were counted
}

// walk verifies a place up to a time. ends is the digest of another place that names one here as the one before it, nil for none.
func (v *Verifier) walk(ctx context.Context, place trailstore.Place, to time.Time, ends *digest) {
	w := &walker{v: v, ctx: ctx, place: place, to: to, ends: ends, chains: map[chainID]*chain{}}
	w.named = newNames(v, place, to)
	defer w.named.close()
	until := to.Add(after)
	if ends != nil {
		until = to
		w.named.add(ends)
	}
	w.digests(until)
	w.finish()
	for _, d := range w.elsewhere {
		w.follow(d)
	}
	if ends == nil {
		w.count(1000)
	}
}

// count tells how far the place is, in thousandths.
func (w *walker) count(part int64) {
	if w.ends == nil && part > w.walked {
		w.v.progress.walked.Add(part - w.walked)
		w.walked = part
	}
}

// digests goes through the folder of the digests, a day at a time: within a day they are sorted by trail, and are wanted by time.
func (w *walker) digests(until time.Time) {
	folder := w.place.Digests()
	var day []trailstore.Digest
	for entry, err := range w.v.cfg.Store.List(w.ctx, w.place.Bucket, folder, trailstore.Position(folder, w.v.cfg.From)) {
		if err != nil {
			w.broke = true
			w.send(Item{Fault: &Fault{placeOf(w.place, ""), err}})
			break
		}
		d, ok := trailstore.ParseDigest(w.place.Bucket, entry.Key)
		if !ok || d.Digests() != folder {
			continue
		}
		if d.End.Truncate(24 * time.Hour).After(until) {
			break
		}
		if len(day) > 0 && !sameDay(day[0].End, d.End) {
			w.day(day)
			day = day[:0]
		}
		if d.End.After(w.v.cfg.From) && !d.End.After(until) {
			day = append(day, d)
		}
	}
	w.day(day)
}

func sameDay(a, b time.Time) bool {
	return a.Truncate(24 * time.Hour).Equal(b.Truncate(24 * time.Hour))
}

func (w *walker) day(list []trailstore.Digest) {
	if len(list) == 0 || w.ctx.Err() != nil {
		return
	}
	slices.SortStableFunc(list, func(a, b trailstore.Digest) int { return a.End.Compare(b.End) })
	for some := range slices.Chunk(list, together) {
		loaded := make([]*digest, len(some))
		w.v.each(w.ctx, len(some), func(i int) { loaded[i] = w.v.load(w.ctx, some[i]) })
		if w.ctx.Err() != nil {
			return
		}
		for _, d := range loaded {
			w.arrive(d)
		}
		end := some[len(some)-1].End
		// A chain that has ended would keep its last digest back.
		for _, c := range w.sorted() {
			if c.tail != nil && end.Sub(c.tail.end) > lookahead/2 {
				w.settle(c, nil)
			}
		}
		w.queue.flush(w, false)
		w.named.advance(w, end.Add(-lookahead))
		if span := w.v.cfg.To.Sub(w.v.cfg.From); span > 0 {
			w.count(min(999, int64(1000*end.Sub(w.v.cfg.From)/span)))
		}
	}
}

func (w *walker) sorted() []*chain {
	list := make([]*chain, 0, len(w.chains))
	for _, c := range w.chains {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *chain) int {
		return cmp.Or(cmp.Compare(a.trail, b.trail), cmp.Compare(a.home, b.home), boolCompare(a.backfill, b.backfill))
	})
	return list
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// finish ends all chains and looks at the rest of the log files.
func (w *walker) finish() {
	if w.ctx.Err() != nil {
		return
	}
	if w.ends != nil {
		w.chain(w.idOf(w.ends.Digest)) // that it must have
	}
	for _, c := range w.sorted() {
		w.end(c)
	}
	w.queue.flush(w, true)
	w.named.advance(w, w.to)
	if w.ends != nil || w.broke {
		return
	}
	expected := w.v.clamp(w.v.cfg.Now.Add(-due))
	if expected.After(w.to) {
		expected = w.to
	}
	switch {
	case !w.any:
		if w.hasDigests() {
			w.gap(GapNone, "", w.v.cfg.From, expected)
		}
	case w.last.Before(expected):
		w.gap(GapEnds, "", w.last, expected)
	}
}

// hasDigests says whether the place has a digest at any time, so that it could have had some in the range.
func (w *walker) hasDigests() bool {
	for _, err := range w.v.cfg.Store.List(w.ctx, w.place.Bucket, w.place.Digests(), "") {
		return err == nil
	}
	return false
}

func (w *walker) gap(kind GapKind, trail string, from, to time.Time) {
	from, to = w.v.clamp(from), w.v.clamp(to)
	if from.Before(to) {
		w.send(Item{Gap: &Gap{placeOf(w.place, trail), kind, from, to}})
	}
}

func (w *walker) send(item Item) { w.v.send(w.ctx, item) }

// follow goes on in another bucket, or below another prefix, where the trail wrote before.
func (w *walker) follow(d *digest) {
	bucket, key := d.previous()
	before, ok := trailstore.ParseDigest(w.v.where(bucket), key)
	if !ok || w.ctx.Err() != nil {
		return
	}
	if w.v.visit(before.Place) {
		before.Kinds = w.kinds(before.Place)
		w.v.walk(w.ctx, before.Place, d.start, d)
		return
	}
	// It is walked for its own sake; what remains is the link.
	p := w.v.load(w.ctx, before)
	w.v.judge(p, d)
	if p.result == Missing || p.reason == ReasonHash {
		w.send(Item{Hour: w.file(p)})
	}
}

// kinds are those of the log files of a place that nobody looked at.
func (w *walker) kinds(p trailstore.Place) []string {
	var list []string
	filter := trailstore.Filter{Prefix: p.Root + p.Account + "/", Regions: []string{p.Region}}
	for found, err := range trailstore.Places(w.ctx, inBucket{w.v.cfg.Store, p.Bucket}, filter) {
		if err != nil {
			w.send(Item{Fault: &Fault{placeOf(p, ""), err}})
			continue
		}
		list = found.Kinds
	}
	return list
}

// inBucket is a store with another bucket as its own.
type inBucket struct {
	trailstore.Store
	bucket string
}

func (s inBucket) Bucket() string { return s.bucket }
