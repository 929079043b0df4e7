package audit

import (
	"context"
	"fmt"

	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
)

// lookupBatch is how many events that seem to be missing are asked for by their _id at once.
const lookupBatch = 2000

// comparison is one walk over both sides.
type comparison struct {
	*Audit
	report  *Report
	missing *Missing
	pending map[target][]pending
}

// pending is an event that seems to be missing.
type pending struct {
	e entry
	g *group
}

// Compare asks the output for what it holds and compares. The source must have been read. It may be called again, when something was
// stored meanwhile, without the source being read again.
func (a *Audit) Compare(ctx context.Context) (_ *Report, err error) {
	a.mu.Lock()
	failure := a.failure
	if failure == nil {
		failure = a.source.seal()
	}
	a.mu.Unlock()
	if failure != nil {
		return nil, failure
	}
	a.documents.Store(0)
	a.compared.Store(0)
	a.phase.Store(Searching)
	documents := newRuns(a.opt.Dir, a.opt.BufferEntries)
	defer func() {
		if closed := documents.close(); err == nil {
			err = closed
		}
	}()
	r := newReport(a)
	if err := a.search(ctx, documents, r); err != nil {
		return nil, err
	}
	// Letters come after the documents: what a replay moves from one to the other meanwhile is seen at least once.
	if err := a.letters(ctx, documents); err != nil {
		return nil, err
	}
	if err := documents.seal(); err != nil {
		return nil, err
	}
	a.phase.Store(Comparing)
	c := &comparison{Audit: a, report: r, missing: newMissing(a), pending: map[target][]pending{}}
	if err := c.run(ctx, documents); err != nil {
		return nil, err
	}
	a.missing = c.missing
	return r, r.finish(c)
}

// search notes all documents of the selection.
func (a *Audit) search(ctx context.Context, documents *runs, r *Report) error {
	targets := []target{{index: a.opt.Index}}
	for _, t := range a.groups.targets() {
		if t != targets[0] {
			targets = append(targets, t)
		}
	}
	for _, t := range targets {
		name := t.index
		if t.output != "" {
			name = t.output + ":" + name
		}
		r.Indices = append(r.Indices, name)
		sel := output.Selection{Index: t.index, From: a.opt.From, To: a.opt.To, Accounts: a.opt.Accounts, Regions: a.opt.Regions}
		var list []entry
		err := a.searcher(t.output).Stored(ctx, sel, func(docs []output.Stored) error {
			list = list[:0]
			for i := range docs {
				d := &docs[i]
				e := entry{hour: hourOf(d.Time)}
				g := group{kind: stored, account: d.Account, region: d.Region, target: t}
				e.key, g.plain = keyOf(d.ID)
				e.group = a.groups.of(g)
				list = append(list, e)
			}
			a.documents.Add(int64(len(docs)))
			return documents.add(list...)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// letters notes the dead letters that are there.
func (a *Audit) letters(ctx context.Context, documents *runs) error {
	if a.opt.Letters == nil {
		return nil
	}
	n := a.groups.of(group{kind: letter})
	var failed error
	err := a.opt.Letters(ctx, func(l *shipper.Letter) {
		if failed != nil || l == nil {
			return
		}
		list := make([]entry, 1, 2)
		list[0].key, _ = letterKey(l)
		list[0].group = n
		if l.ID != "" {
			// The rules may have changed since it was written.
			list = append(list, entry{key: keyOfPlace(&l.Record), group: n})
		} else if _, _, id := a.bareID(l.Record.Raw, l.Time); id != "" {
			k, _ := keyOf(id)
			list = append(list, entry{key: k, group: n})
		}
		failed = documents.add(list...)
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		return fmt.Errorf("reading the dead letters: %w", err)
	}
	return nil
}

// found is what there is of one key.
type found struct {
	source, copies int
	best           entry // of the source
	group          *group
	document       entry // the first
	letter         bool
}

func (c *comparison) run(ctx context.Context, documents *runs) error {
	if err := c.walk(ctx, documents, c.judge); err != nil {
		return err
	}
	for t := range c.pending {
		if err := c.ask(ctx, t); err != nil {
			return err
		}
	}
	if c.report.all || len(c.report.hours) == 0 {
		return nil
	}
	// Only now is it known which hours are worth counting, and so how many there are does not matter.
	return c.walk(ctx, documents, func(_ context.Context, f *found) error {
		if f.source > 0 {
			n, _ := f.counts()
			c.report.fill(f.group, f.best.hour, n)
		}
		return nil
	})
}

// walk goes through all keys in their order.
func (c *comparison) walk(ctx context.Context, documents *runs, each func(context.Context, *found) error) error {
	c.compared.Store(0)
	source, err := c.source.merged()
	if err != nil {
		return err
	}
	stored, err := documents.merged()
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		f, ok, err := c.next(source, stored)
		if err != nil || !ok {
			return err
		}
		c.compared.Add(1)
		if err := each(ctx, &f); err != nil {
			return err
		}
	}
}

// next gathers what there is of the least key.
func (c *comparison) next(source, stored *merge) (f found, ok bool, err error) {
	s, d := source.peek(), stored.peek()
	var least key
	switch {
	case s == nil && d == nil:
		return f, false, nil
	case d == nil || s != nil && s.compare(d) <= 0:
		least = s.key
	default:
		least = d.key
	}
	for ; s != nil && s.key == least; s = source.peek() {
		g := c.groups.at(s.group)
		// Of two ways that the same event came, the one that leads to a document counts.
		if f.source == 0 || g.kind < f.group.kind {
			f.best, f.group = *s, g
		}
		f.source++
		if err := source.take(); err != nil {
			return f, false, err
		}
	}
	for ; d != nil && d.key == least; d = stored.peek() {
		if c.groups.at(d.group).kind == letter {
			f.letter = true
		} else {
			if f.copies == 0 {
				f.document = *d
			}
			f.copies++
		}
		if err := stored.take(); err != nil {
			return f, false, err
		}
	}
	return f, true, nil
}

// judge counts what is known of one event.
func (c *comparison) judge(ctx context.Context, f *found) error {
	if f.source == 0 {
		if f.copies == 0 {
			return nil // a letter of another range
		}
		g := c.groups.at(f.document.group)
		c.report.count(g, f.document.hour, Counts{Extra: 1, Duplicate: int64(f.copies - 1)})
		if err := c.tell(Extra, &f.document, g); err != nil {
			return err
		}
		if f.copies > 1 {
			return c.tell(Duplicate, &f.document, g)
		}
		return nil
	}
	n, known := f.counts()
	if f.copies > 1 {
		if err := c.tell(Duplicate, &f.best, f.group); err != nil {
			return err
		}
	}
	switch f.group.kind {
	case filtered:
		c.report.rule(f.group.rule)
	case elsewhere:
		c.report.output(f.group.output)
	}
	c.report.count(f.group, f.best.hour, n)
	switch {
	case known:
		return nil
	case !f.group.plain:
		return c.lost(&f.best, f.group) // there is no _id to ask for
	}
	t := f.group.target
	c.pending[t] = append(c.pending[t], pending{f.best, f.group})
	if len(c.pending[t]) >= lookupBatch {
		return c.ask(ctx, t)
	}
	return nil
}

// counts are those of an event of the source. Where it is not known, it may be missing, and the counts say nothing about that yet.
func (f *found) counts() (n Counts, known bool) {
	n = Counts{Records: int64(f.source), Events: 1, Duplicate: int64(max(f.copies-1, 0))}
	switch {
	case f.group.kind == filtered:
		n.Filtered = 1
		n.FilteredStored = int64(min(f.copies, 1))
	case f.group.kind == elsewhere:
		n.Elsewhere = 1
	case f.copies > 0:
		n.Stored = 1
	case f.letter:
		n.DeadLettered = 1
	default:
		return n, false
	}
	return n, true
}

// ask looks once more for what seems to be missing.
func (c *comparison) ask(ctx context.Context, t target) error {
	list := c.pending[t]
	c.pending[t] = list[:0]
	if len(list) == 0 {
		return nil
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].e.key.id()
	}
	copies, err := c.searcher(t.output).Copies(ctx, t.index, ids)
	if err != nil {
		return err
	}
	for i := range list {
		p := &list[i]
		if copies[i] == 0 {
			if err := c.lost(&p.e, p.g); err != nil {
				return err
			}
			continue
		}
		c.report.late(p.g, p.e.hour, Counts{Stored: 1, Duplicate: int64(copies[i] - 1)})
	}
	return nil
}

// lost counts an event that is nowhere.
func (c *comparison) lost(e *entry, g *group) error {
	c.report.late(g, e.hour, Counts{Missing: 1})
	c.missing.add(e)
	return c.tell(Lost, e, g)
}

func (c *comparison) tell(what string, e *entry, g *group) error {
	if c.opt.Difference == nil {
		return nil
	}
	place, err := c.places.at(e.place)
	if err != nil {
		return err
	}
	d := Difference{Kind: what, Account: g.account, Region: g.region, Hour: hourText(e.hour), Source: place, Index: g.index, Output: g.output}
	if g.plain {
		d.ID = e.key.id()
	}
	return c.opt.Difference(d)
}
