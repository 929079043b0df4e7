package deadletter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/trailbeat/trailbeat/input"
)

// The bounds of a batch of a replay.
const (
	replayRecords = 500
	replayBytes   = 4 << 20
)

// ReplayStats counts what a replay did.
type ReplayStats struct {
	// Letters were handed out, each once.
	Letters int64
	// Duplicates are further letters of a record that was handed out already.
	Duplicates int64
	// Delivered letters are gone from the file: their batch was acknowledged.
	Delivered int64
	// Unreadable lines are no dead letters. They stay in the file.
	Unreadable int64
}

// Replay is an input.Input over all letters of a store. Records come as they were first delivered: the same bytes, the same
// origin. Make it with Store.Replay; Close puts back what was not delivered.
type Replay struct {
	store *Store
	lock  *os.File
	most  int // records in a batch

	mu    sync.Mutex
	files []*claim
	stats ReplayStats

	reading sync.Mutex // guards the members below: Close may come while Read is at work
	closed  bool
	at      int // the file that is read
	f       *os.File
	r       *Reader
	seen    map[key]struct{}
}

var _ input.Input = (*Replay)(nil)

// claim is a file that was moved aside for a replay.
type claim struct {
	path string
	read int64              // all lines before this offset were looked at
	keep map[int64]struct{} // of those, the lines that are not done
}

const claimMark = ".replaying-"

// Replay moves the letters of the store aside and returns an input that delivers them. Letters that a crash left behind in an
// earlier replay come first. Letters written from now on, also by this replay, are not part of it. One replay at a time.
func (s *Store) Replay() (*Replay, error) {
	lock, err := os.OpenFile(s.path+".replay.lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("replaying dead letters: %w", err)
	}
	r := &Replay{store: s, lock: lock, most: replayRecords, seen: map[key]struct{}{}}
	ok, err := flock(lock, false)
	switch {
	case err != nil:
		err = fmt.Errorf("locking %q: %w", lock.Name(), err)
	case !ok:
		err = fmt.Errorf("another replay of %q is running; wait until it has ended", s.path)
	default:
		s.mu.Lock()
		err = s.locked(r.claim)
		s.mu.Unlock()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("replaying dead letters: %w", err), lock.Close())
	}
	return r, nil
}

// claim moves the file aside and lists what lies there. Called with the locks of the store held.
func (r *Replay) claim() error {
	numbers, err := claims(r.store.path)
	if err != nil {
		return err
	}
	info, err := os.Stat(r.store.path)
	switch {
	case err == nil && info.Size() > 0:
		next := 1
		if len(numbers) > 0 {
			next = numbers[len(numbers)-1] + 1
		}
		if err := os.Rename(r.store.path, claimPath(r.store.path, next)); err != nil {
			return err
		}
		if err := syncDir(filepath.Dir(r.store.path)); err != nil {
			return err
		}
		numbers = append(numbers, next)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	}
	r.store.known = nil
	for _, n := range numbers {
		r.files = append(r.files, &claim{path: claimPath(r.store.path, n), keep: map[int64]struct{}{}})
	}
	return nil
}

func claimPath(path string, n int) string { return path + claimMark + strconv.Itoa(n) }

// claims returns the numbers of the files that lie aside, in order.
func claims(path string) ([]int, error) {
	names, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, name := range names {
		tail, ok := strings.CutPrefix(name.Name(), filepath.Base(path)+claimMark)
		if n, err := strconv.Atoi(tail); ok && err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// Read returns the next letters as a batch of records; io.EOF after the last.
func (r *Replay) Read(ctx context.Context) (*input.Batch, error) {
	r.reading.Lock()
	defer r.reading.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.closed {
		return nil, &input.FatalError{Err: fmt.Errorf("replaying dead letters: %w", os.ErrClosed)}
	}
	for ; r.at < len(r.files); r.at++ {
		c := r.files[r.at]
		batch, err := r.batch(c)
		if err != nil {
			return nil, &input.FatalError{Err: fmt.Errorf("reading dead letter file %q: %w", c.path, err)}
		}
		if batch != nil {
			return batch, nil
		}
		err = r.f.Close()
		r.f = nil
		if err != nil {
			return nil, &input.FatalError{Err: fmt.Errorf("reading dead letter file %q: %w", c.path, err)}
		}
	}
	return nil, io.EOF
}

// batch reads from one file until the batch is full or the file ends. nil: there is nothing more in it.
func (r *Replay) batch(c *claim) (*input.Batch, error) {
	if r.f == nil {
		f, err := os.Open(c.path)
		if err != nil {
			return nil, err
		}
		r.f, r.r = f, NewReader(f)
	}
	var records []input.Record
	var offsets []int64
	for size := 0; len(records) < r.most && size < replayBytes; {
		l, pos, err := r.r.Next()
		var bad *LineError
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.As(err, &bad) {
			return nil, err
		}
		k := key{}
		if bad == nil {
			k = keyOf(&l)
		}
		_, twice := r.seen[k]
		r.mu.Lock()
		c.read = pos.Offset + pos.Size
		switch {
		case bad != nil:
			r.stats.Unreadable++
			c.keep[pos.Offset] = struct{}{}
		case twice:
			// The first one is either delivered or kept, and stands for this one.
			r.stats.Duplicates++
		default:
			r.stats.Letters++
			c.keep[pos.Offset] = struct{}{}
		}
		r.mu.Unlock()
		if bad != nil {
			r.store.log.Warn("dead letter file holds a line that is no dead letter; it stays", "file.path", c.path, "line", pos.Line)
			continue
		}
		if twice {
			continue
		}
		r.seen[k] = struct{}{}
		records, offsets = append(records, l.Record), append(offsets, pos.Offset)
		size += len(l.Record.Raw)
	}
	if len(records) == 0 {
		return nil, nil
	}
	return &input.Batch{Records: records, Ack: func(err error) {
		if err == nil {
			r.done(c, offsets)
		}
	}}, nil
}

func (r *Replay) done(c *claim, offsets []int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, offset := range offsets {
		if _, open := c.keep[offset]; open {
			delete(c.keep, offset)
			r.stats.Delivered++
		}
	}
}

// Stats returns the counts as they are now.
func (r *Replay) Stats() ReplayStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

// Close puts back what was not delivered and removes the files that were moved aside. Where putting back fails, they stay
// for the next replay. A second Close does nothing.
func (r *Replay) Close() error {
	r.reading.Lock()
	defer r.reading.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	var errs []error
	if r.f != nil {
		errs = append(errs, r.f.Close())
		r.f = nil
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	errs = append(errs, r.store.locked(func() error {
		for _, c := range r.files {
			if err := r.putBack(c); err != nil {
				return fmt.Errorf("putting back dead letters from %q: %w", c.path, err)
			}
		}
		return syncDir(filepath.Dir(r.store.path))
	}), r.lock.Close())
	return errors.Join(errs...)
}

// putBack appends the lines of c that are not done to the file of the store, durably, and only then removes c. A crash in
// between leaves letters in both, which the keys tell at the next replay.
func (r *Replay) putBack(c *claim) error {
	f, err := os.Open(c.path)
	if err != nil {
		return err
	}
	err = r.copyKept(f, c)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Remove(c.path)
}

func (r *Replay) copyKept(f *os.File, c *claim) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	info, err := f.Stat()
	if err != nil || (len(c.keep) == 0 && c.read >= info.Size()) {
		return err
	}
	return r.store.append(func(add func(key, []byte) error) error {
		lines := NewReader(f)
		for {
			line, pos, err := lines.line()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if _, keep := c.keep[pos.Offset]; !keep && pos.Offset < c.read {
				continue
			}
			if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
				continue
			}
			k := key{} // no key: what is no dead letter is kept as it is
			if l, err := parseEntry(line); err == nil {
				k = keyOf(&l)
			}
			if err := add(k, append(line, '\n')); err != nil {
				return err
			}
		}
	})
}
