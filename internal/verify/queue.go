package verify

import "time"

// enough is how many log files are looked at side by side at least, where there are as many.
const enough = 256

// queue holds results in their order, and digests whose log files are still to be looked at.
type queue struct {
	waiting []queued
	logs    int
}

// queued is an item, or a digest.
type queued struct {
	item Item
	d    *digest
}

func (q *queue) file(f *File) { q.waiting = append(q.waiting, queued{item: Item{File: f}}) }

func (q *queue) hour(h *Hour) { q.waiting = append(q.waiting, queued{item: Item{Hour: h}}) }

func (q *queue) gap(w *walker, kind GapKind, trail string, from, to time.Time) {
	from, to = w.v.clamp(from), w.v.clamp(to)
	if from.Before(to) {
		q.waiting = append(q.waiting, queued{item: Item{Gap: &Gap{placeOf(w.place, trail), kind, from, to}}})
	}
}

func (q *queue) digest(d *digest) {
	q.waiting = append(q.waiting, queued{d: d})
	if d.proven {
		q.logs += len(d.doc.LogFiles.list)
	}
}

// flush looks at the log files, where there are enough of them or all is true, and sends what is waiting.
func (q *queue) flush(w *walker, all bool) {
	if !all && q.logs < enough && len(q.waiting) < 4*together {
		return
	}
	type task struct {
		d     *digest
		entry logEntry
	}
	var tasks []task
	for _, x := range q.waiting {
		if x.d != nil && x.d.proven {
			for _, entry := range x.d.doc.LogFiles.list {
				tasks = append(tasks, task{x.d, entry})
			}
		}
	}
	// A digest may name any number of files, so their results are made in parts.
	var part []*File
	next := 0
	result := func() *File {
		if len(part) == 0 {
			some := tasks[next:min(next+4*enough, len(tasks))]
			next += len(some)
			part = make([]*File, len(some))
			w.v.each(w.ctx, len(some), func(i int) { part[i] = w.v.checkLog(w.ctx, some[i].d, some[i].entry) })
		}
		f := part[0]
		part = part[1:]
		return f
	}
	for _, x := range q.waiting {
		if w.ctx.Err() != nil {
			break
		}
		if x.d == nil {
			w.send(x.item)
			continue
		}
		hour := w.file(x.d)
		if x.d.proven {
			for range x.d.doc.LogFiles.list {
				f := result()
				if f == nil || w.ctx.Err() != nil {
					return
				}
				hour.Logs[f.Result]++
				hour.Bytes += f.Bytes
				w.send(Item{File: f})
			}
		}
		w.send(Item{Hour: hour})
	}
	q.waiting, q.logs = nil, 0
}

// file sends the result of a digest and gives the beginning of its summary.
func (w *walker) file(d *digest) *Hour {
	place := placeOf(d.Place, d.Trail)
	w.send(Item{File: &File{
		Place: place, Kind: kindOf(d.Backfill), Key: d.Key, Result: d.result, Reason: d.reason, Detail: d.detail, From: d.start, To: d.end, Bytes: d.bytes,
	}})
	h := &Hour{
		Place: place, Key: d.Key, Backfill: d.Backfill, From: d.start, To: d.end, Result: d.result, Reason: d.reason, Logs: map[Result]int64{},
	}
	if d.doc.OldestEvent != nil {
		h.OldestEvent = *d.doc.OldestEvent
	}
	if d.doc.NewestEvent != nil {
		h.NewestEvent = *d.doc.NewestEvent
	}
	return h
}
