package mapper

import (
	"errors"
	"io"
	"sync"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/records"
)

// queue says who does what next. It is safe for concurrent use.
type queue struct {
	mu   sync.Mutex
	work sync.Cond // a worker may find something to do, or nothing any more

	files   []File  // not looked at yet
	coming  *file   // the one that is begun next; nil: the first of files
	begun   []*file // in order, from the one that is written now
	idle    []*part // the last used first, as its memory is warm
	cuts    []job   // parts that are cut and not mapped yet, in order
	bytes   int     // of the records in parts
	workers int
	readers []*records.Reader
	writing bool // a worker writes
	stopped bool // nothing more is cut
	failed  error
}

func (q *queue) begin(files []File, workers int) {
	q.work.L = &q.mu
	q.files = files
	q.workers = workers
	// Where files differ in size, several small ones can be done ahead of one that takes its time. Full parts are fewer, as
	// their bytes count.
	for range 4*workers + 1 {
		q.idle = append(q.idle, new(part))
	}
}

// job is what a worker does next: to cut a part out of a file, or to map the records of a part.
type job struct {
	f   *file
	p   *part
	cut bool
}

// take gives a worker something to do. false: there is nothing more.
func (q *queue) take() (j job, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		// A part for each worker is cut first, so that nobody who has mapped one has to wait for the one who cuts.
		more := true
		if len(q.cuts) < q.workers {
			var f *file
			if f, more = q.choose(); f != nil {
				f.cutting = true
				last := len(q.idle) - 1
				p := q.idle[last]
				q.idle = q.idle[:last]
				return job{f, p, true}, true
			}
		}
		if len(q.cuts) > 0 {
			j, q.cuts = q.cuts[0], q.cuts[1:]
			return j, true
		}
		if !more {
			return job{}, false
		}
		q.work.Wait()
	}
}

// choose finds the first file that can be cut now, or else begins the next one. more says that there will be something later.
func (q *queue) choose() (f *file, more bool) {
	if q.stopped {
		return nil, false
	}
	room, full := len(q.idle) > 0, q.bytes >= (2*q.workers+1)*partBytes
	for _, f := range q.begun {
		if f.cut {
			continue
		}
		// The first that is not cut to its end always gets a part if it has none, or the writer might wait for it for ever.
		if !f.cutting && room && (more || len(f.parts) == 0 || !full) {
			return f, true
		}
		if f.waits {
			return nil, true
		}
		more, room = true, q.ahead()
	}
	if f = q.following(); f == nil {
		return nil, more
	}
	if !room || full || f.waits && more {
		return nil, true
	}
	if n := len(q.readers); n > 0 {
		f.reader, q.readers = q.readers[n-1], q.readers[:n-1]
	} else {
		f.reader = records.NewReader(nil, records.Options{})
	}
	q.coming, q.begun = nil, append(q.begun, f)
	return f, true
}

// ahead says whether there is room for a file while one before it is not cut to its end. What is left, in parts and in bytes, is
// enough for all workers to map that one.
func (q *queue) ahead() bool {
	return len(q.idle) > q.workers && q.bytes < q.workers*partBytes
}

// following is the file that is begun next; nil: there is none.
func (q *queue) following() *file {
	if q.coming == nil && len(q.files) > 0 {
		next := q.files[0]
		q.coming = &file{File: next, origin: input.Origin{Path: next.Name}, waits: next.Waits()}
		q.files = q.files[1:]
	}
	return q.coming
}

// cut takes note of what a worker cut out of a file. Without a record the part goes back.
func (q *queue) cut(f *file, p *part, err error) {
	if err != nil {
		f.close()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	f.cutting = false
	if p.block.Len() > 0 {
		f.parts = append(f.parts, p)
		q.cuts = append(q.cuts, job{f: f, p: p})
		q.bytes += p.block.Bytes()
	} else {
		q.giveBack(p)
	}
	if err != nil {
		q.readers, f.reader = append(q.readers, f.reader), nil
		f.cut = true
		if !errors.Is(err, io.EOF) {
			f.err = err
		}
	}
	q.work.Broadcast()
}

// done says that a part can be written.
func (q *queue) done(p *part) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p.done = true
}

// write makes a worker the one that writes. false: another one does, and will find what this one has done.
func (q *queue) write() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.writing {
		return false
	}
	q.writing = true
	return true
}

// first gives the one that writes what comes next: a part, or without one a file that is through. Nil: there is nothing more at the moment, and
// it is no longer the one that writes.
func (q *queue) first() (*file, *part) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.begun) > 0 {
		f := q.begun[0]
		switch {
		case len(f.parts) > 0 && f.parts[0].done:
			p := f.parts[0]
			f.parts = f.parts[1:]
			return f, p
		case len(f.parts) == 0 && f.cut:
			q.begun = q.begun[1:]
			return f, nil
		}
	}
	q.writing = false
	return nil, nil
}

// put takes a part back that was written.
func (q *queue) put(p *part) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.giveBack(p)
	q.work.Broadcast()
}

func (q *queue) giveBack(p *part) {
	q.bytes -= p.block.Bytes()
	p.block.Reset()
	p.out, p.err, p.done = p.out[:0], nil, false
	q.idle = append(q.idle, p)
}

// stop ends the cutting.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped = true
	q.work.Broadcast()
}

// fail ends the cutting, as nothing can be written any more.
func (q *queue) fail(err error) {
	q.mu.Lock()
	q.failed = err
	q.mu.Unlock()
	q.stop()
}

// close closes what was not read to its end, and says whether there is anything.
func (q *queue) close() (left bool) {
	left = q.following() != nil
	for _, f := range q.begun {
		if !f.cut {
			f.close()
			left = true
		}
	}
	return left
}
