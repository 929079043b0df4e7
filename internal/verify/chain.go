package verify

import (
	"time"

	"github.com/trailbeat/trailbeat/input/trailstore"
)

// chainID names a chain of digests in a place.
type chainID struct {
	trail, home string
	backfill    bool
}

// remembered is how many digests of a chain are remembered, to tell one that is not next from one that is missing.
const remembered = 64

// chain is one chain of digests. Its tail waits for the next digest, which says more about it.
type chain struct {
	chainID
	tail   *digest
	marks  []mark
	proven *mark // the last one that was proven
}

// known finds a digest that came before.
func (c *chain) known(bucket, key string) *mark {
	for i := len(c.marks) - 1; i >= 0; i-- {
		if m := &c.marks[i]; m.key == key && m.bucket == bucket {
			return m
		}
	}
	return nil
}

// arrive takes the next digest of the place.
func (w *walker) arrive(d *digest) {
	c := w.chain(w.idOf(d.Digest))
	w.settle(c, d)
	c.tail = d
}

// end is the end of a chain in the place.
func (w *walker) end(c *chain) {
	next := w.ends
	if next == nil || w.idOf(next.Digest) != c.chainID {
		w.settle(c, nil)
		return
	}
	w.settle(c, next)
	if bucket, key := next.previous(); c.known(w.v.where(bucket), key) == nil {
		w.missing(next, c)
	}
}

func (w *walker) idOf(d trailstore.Digest) chainID { return chainID{d.Trail, d.Home, d.Backfill} }

// chain gives one of the chains.
func (w *walker) chain(id chainID) *chain {
	c := w.chains[id]
	if c == nil {
		c = &chain{chainID: id}
		w.chains[id] = c
	}
	return c
}

// settle says what the tail of a chain is, as the next digest is known, or that there is none.
func (w *walker) settle(c *chain, next *digest) {
	d := c.tail
	if d == nil {
		return
	}
	c.tail = nil
	w.v.judge(d, next)
	if d.proven {
		w.link(c, d)
	}
	m := mark{d.Bucket, d.Key, d.end, d.proven}
	if !d.proven {
		m.end = d.End // what it says does not count
	}
	if c.marks = append(c.marks, m); len(c.marks) > remembered {
		c.marks = c.marks[1:]
	}
	if d.proven {
		w.named.add(d)
		c.proven = &m
	} else {
		w.named.claim(d)
	}
	if !w.any {
		w.first = d.start
	}
	w.reach(m.end)
	w.queue.digest(d)
}

// reach notes that there was a digest, or should have been: what is wrong with it is told, and its time is not told again.
func (w *walker) reach(end time.Time) {
	w.any = true
	if end.After(w.last) {
		w.last = end
	}
}

// link looks at what a proven digest says of the one before it.
func (w *walker) link(c *chain, d *digest) {
	bucket, key := d.previous()
	last := c.proven
	if last != nil && d.start.Add(slack).Before(last.end) && !d.Backfill && d.result == Valid {
		d.fail(Altered, ReasonOverlap, "it begins at %s, and the one before it, %s, ends at %s", d.start.Format(time.RFC3339), last.key, last.end.Format(time.RFC3339))
	}
	if key == "" {
		switch {
		case d.Backfill:
		case last != nil:
			w.queue.gap(w, GapOff, d.Trail, last.end, d.start)
		case d.start.After(w.v.cfg.From):
			w.queue.gap(w, GapBegins, d.Trail, w.v.cfg.From, d.start)
		}
		return
	}
	bucket = w.v.where(bucket)
	if m := c.known(bucket, key); m != nil {
		switch {
		case last != nil && m.end.Before(last.end) && !d.Backfill && d.result == Valid:
			d.fail(Altered, ReasonChain, "it follows %s, but %s is signed as well and lies between them", key, last.key)
		case !d.Backfill && d.start.Sub(m.end) > slack:
			w.queue.gap(w, GapOff, d.Trail, m.end, d.start)
		}
		return
	}
	before, ok := trailstore.ParseDigest(bucket, key)
	switch {
	case ok && before.Digests() == w.place.Digests() && bucket == w.place.Bucket:
		if before.End.After(w.v.cfg.From) {
			w.missing(d, c)
		} else if !d.Backfill {
			w.queue.gap(w, GapOff, d.Trail, before.End, d.start)
		}
	case ok && d.start.After(w.v.cfg.From):
		w.elsewhere = append(w.elsewhere, d)
	}
}

// missing is for a digest that d names as the one before it, and that was not listed.
func (w *walker) missing(d *digest, c *chain) {
	bucket, key := d.previous()
	before, ok := trailstore.ParseDigest(w.v.where(bucket), key)
	if !ok {
		return
	}
	f := &File{
		Place: placeOf(before.Place, before.Trail), Kind: kindOf(before.Backfill), Key: key, Result: Missing, Reason: ReasonNotFound,
		From: before.End.Add(-time.Hour), To: before.End, Detail: "the digest " + d.Key + " names it as the one before it",
	}
	w.reach(f.To)
	w.queue.file(f)
	w.queue.hour(&Hour{Place: f.Place, Key: key, Backfill: before.Backfill, From: f.From, To: f.To, Result: Missing, Reason: ReasonNotFound})
	from := w.v.cfg.From
	if c.proven != nil {
		from = c.proven.end
	}
	if !d.Backfill {
		w.queue.gap(w, GapMissing, d.Trail, from, d.start)
	}
}

func kindOf(backfill bool) Kind {
	if backfill {
		return KindBackfill
	}
	return KindDigest
}
