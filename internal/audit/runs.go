package audit

import (
	"bufio"
	"container/heap"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// DefaultBufferEntries is what a run holds: 40 MiB of memory.
const DefaultBufferEntries = 1 << 20

// runBuffer is what is read of a run at once while runs are merged, and maxRunBuffers what all of them together may take.
const (
	runBuffer     = 256 << 10
	maxRunBuffers = 32 << 20
)

// runs sorts more entries than fit into memory. They are added, then read in the order of their keys, as often as wanted.
type runs struct {
	dir    string
	file   *scratch
	buffer []entry
	limit  int
	ends   []int64 // of the runs in the file
	count  int64
}

func newRuns(dir string, limit int) *runs { return &runs{dir: dir, limit: limit} }

func (r *runs) add(list ...entry) error {
	for len(list) > 0 {
		if r.buffer == nil {
			r.buffer = make([]entry, 0, min(r.limit, 1<<14))
		}
		if room := cap(r.buffer) - len(r.buffer); room < len(list) && cap(r.buffer) < r.limit {
			// At once, as what is outgrown in steps lies about for a while.
			r.buffer = append(make([]entry, 0, r.limit), r.buffer...)
		}
		n := min(len(list), r.limit-len(r.buffer))
		r.buffer = append(r.buffer, list[:n]...)
		r.count += int64(n)
		list = list[n:]
		if len(r.buffer) == r.limit {
			if err := r.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes what is in memory as a run.
func (r *runs) flush() (err error) {
	if len(r.buffer) == 0 {
		return nil
	}
	if r.file == nil {
		if r.file, err = newScratch(r.dir); err != nil {
			return err
		}
	}
	slices.SortFunc(r.buffer, func(a, b entry) int { return a.compare(&b) })
	w := bufio.NewWriterSize(r.file, runBuffer)
	var b [entryBytes]byte
	for i := range r.buffer {
		r.buffer[i].put(b[:])
		if _, err := w.Write(b[:]); err != nil {
			return r.failed(err)
		}
	}
	if err := w.Flush(); err != nil {
		return r.failed(err)
	}
	end := int64(len(r.buffer)) * entryBytes
	if n := len(r.ends); n > 0 {
		end += r.ends[n-1]
	}
	r.ends = append(r.ends, end)
	r.buffer = r.buffer[:0]
	return nil
}

func (r *runs) failed(err error) error {
	return fmt.Errorf("writing temporary file in %q; make room there, or name another folder: %w", r.dir, err)
}

// seal says that nothing is added for now, and gives the memory back.
func (r *runs) seal() error {
	err := r.flush()
	r.buffer = nil
	return err
}

func (r *runs) close() error {
	r.buffer = nil
	if r.file == nil {
		return nil
	}
	return r.file.close()
}

// merged reads the entries of all runs in their order. There must be nothing that is not sealed.
func (r *runs) merged() (*merge, error) {
	m := new(merge)
	if len(r.ends) == 0 {
		return m, nil
	}
	size := max(min(runBuffer, maxRunBuffers/len(r.ends)), 4096)
	start := int64(0)
	for _, end := range r.ends {
		c := &cursor{r: bufio.NewReaderSize(io.NewSectionReader(r.file, start, end-start), size)}
		start = end
		if ok, err := c.next(); err != nil {
			return nil, err
		} else if ok {
			m.heap = append(m.heap, c)
		}
	}
	heap.Init(&m.heap)
	return m, nil
}

// merge is a walk over the entries of all runs.
type merge struct{ heap cursors }

// peek gives the next entry, nil at the end. It is good until take.
func (m *merge) peek() *entry {
	if len(m.heap) == 0 {
		return nil
	}
	return &m.heap[0].e
}

// take passes the next entry.
func (m *merge) take() error {
	ok, err := m.heap[0].next()
	switch {
	case err != nil:
		return err
	case ok:
		heap.Fix(&m.heap, 0)
	default:
		heap.Pop(&m.heap)
	}
	return nil
}

// cursor reads one run.
type cursor struct {
	r *bufio.Reader
	e entry
}

func (c *cursor) next() (bool, error) {
	b, err := c.r.Peek(entryBytes)
	switch {
	case errors.Is(err, io.EOF) && len(b) == 0:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading a temporary file: %w", err)
	}
	c.e.get(b)
	_, err = c.r.Discard(entryBytes)
	return true, err
}

type cursors []*cursor

func (c cursors) Len() int           { return len(c) }
func (c cursors) Less(i, j int) bool { return c[i].e.compare(&c[j].e) < 0 }
func (c cursors) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }

// Push is part of heap.Interface.
func (c *cursors) Push(x any) { *c = append(*c, x.(*cursor)) }

// Pop is part of heap.Interface.
func (c *cursors) Pop() any {
	old := *c
	last := old[len(old)-1]
	*c = old[:len(old)-1]
	return last
}

// scratch is a file that vanishes with the process, at once where the system can do that, or when it is closed.
type scratch struct {
	*os.File
	named bool
}

func newScratch(dir string) (*scratch, error) {
	f, err := os.CreateTemp(dir, "audit-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("making a temporary file; name a folder that can be written to: %w", err)
	}
	return &scratch{f, os.Remove(f.Name()) != nil}, nil
}

func (s *scratch) close() error {
	err := s.Close()
	if s.named {
		err = errors.Join(err, os.Remove(s.Name()))
	}
	return err
}
