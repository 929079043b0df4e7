package deadletter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/trailbeat/trailbeat/internal/shipper"
)

// Store is a file of dead letters. It implements shipper.DeadLetters. Safe for concurrent use, also by several processes.
//
// The file is opened for each Write and comes into being with the first: dead letters are rare, and a file that is not
// held open can be moved aside by a replay in another process.
type Store struct {
	path string
	log  *slog.Logger

	mu    sync.Mutex
	known os.FileInfo // the file that keys was read from, as it was after the last Write
	keys  map[key]struct{}
}

var _ shipper.DeadLetters = (*Store)(nil)

// Open makes the directory of path where it is missing, and heals a file whose last line a crash has torn. It does not
// make the file. A nil logger is silent.
func Open(path string, log *slog.Logger) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{path: path, log: log}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("opening dead letter file %q: %w", path, err)
	}
	err := s.locked(func() error {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = s.heal(f)
		return errors.Join(err, f.Close())
	})
	if err != nil {
		return nil, fmt.Errorf("opening dead letter file %q: %w", path, err)
	}
	return s, nil
}

// Path returns the name of the file.
func (s *Store) Path() string { return s.path }

// Write appends the letters that are not in the file yet. With an error none of them counts as stored.
func (s *Store) Write(ctx context.Context, letters []shipper.Letter) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.locked(func() error {
		return s.append(func(add func(key, []byte) error) error {
			var buf bytes.Buffer
			for i := range letters {
				buf.Reset()
				if err := appendEntry(&buf, &letters[i]); err != nil {
					return err
				}
				if err := add(keyOf(&letters[i]), buf.Bytes()); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("writing dead letter file %q: %w", s.path, err)
	}
	return nil
}

// append writes the lines that produce adds, less those whose key is in the file, and makes them durable. On an error the
// file is as before. Called with both locks held.
func (s *Store) append(produce func(add func(key, []byte) error) error) (err error) {
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := s.load(f)
	if err != nil {
		return err
	}
	fresh := map[key]struct{}{}
	if err := s.write(f, size, fresh, produce); err != nil {
		// What is there in part must not be taken for letters; if this fails too, the next Write heals the file.
		s.known = nil
		return errors.Join(err, f.Truncate(size))
	}
	if size == 0 {
		if err := syncDir(filepath.Dir(s.path)); err != nil {
			s.known = nil
			return err
		}
	}
	for k := range fresh {
		s.keys[k] = struct{}{}
	}
	s.known, err = f.Stat()
	return err
}

func (s *Store) write(f *os.File, size int64, fresh map[key]struct{}, produce func(add func(key, []byte) error) error) error {
	if _, err := f.Seek(size, io.SeekStart); err != nil {
		return err
	}
	var buf bytes.Buffer
	err := produce(func(k key, line []byte) error {
		if k != (key{}) {
			_, old := s.keys[k]
			_, twice := fresh[k]
			if old || twice {
				return nil
			}
			fresh[k] = struct{}{}
		}
		buf.Write(line)
		if buf.Len() < 1<<20 {
			return nil
		}
		_, err := buf.WriteTo(f)
		return err
	})
	if err != nil {
		return err
	}
	if _, err := buf.WriteTo(f); err != nil {
		return err
	}
	return f.Sync()
}

// load heals the file and reads its keys, unless it is just as this store left it. It returns the size.
func (s *Store) load(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if s.known != nil && os.SameFile(info, s.known) && info.Size() == s.known.Size() {
		return info.Size(), nil
	}
	s.keys = map[key]struct{}{}
	size, err := s.heal(f)
	if err != nil {
		return 0, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	r := NewReader(f)
	for {
		l, _, err := r.Next()
		var bad *LineError
		switch {
		case errors.Is(err, io.EOF):
			return size, nil
		case errors.As(err, &bad):
			// It stays where it is: somebody may still make something of it.
		case err != nil:
			return 0, err
		default:
			s.keys[keyOf(&l)] = struct{}{}
		}
	}
}

// heal makes the file end with a whole line and returns its size. A torn line was never acknowledged, so its record comes
// again; one that lacks nothing but the newline is kept.
func (s *Store) heal(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	end := info.Size()
	start, err := lastLine(f, end)
	if err != nil || start == end {
		return end, err
	}
	tail := make([]byte, end-start)
	if _, err := f.ReadAt(tail, start); err != nil {
		return 0, err
	}
	if json.Valid(tail) {
		if _, err := f.WriteAt([]byte{'\n'}, end); err != nil {
			return 0, err
		}
		return end + 1, f.Sync()
	}
	s.log.Warn("dead letter file ended in a torn line, which was never acknowledged: removing it", "file.path", s.path, "bytes", len(tail))
	if err := f.Truncate(start); err != nil {
		return 0, err
	}
	return start, f.Sync()
}

// lastLine finds the offset behind the last newline before end.
func lastLine(f *os.File, end int64) (int64, error) {
	block := make([]byte, 64<<10)
	for end > 0 {
		n := min(end, int64(len(block)))
		if _, err := f.ReadAt(block[:n], end-n); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(block[:n], '\n'); i >= 0 {
			return end - n + int64(i) + 1, nil
		}
		end -= n
	}
	return 0, nil
}

// locked runs fn while no other process changes the file.
func (s *Store) locked(fn func() error) error {
	lock, err := os.OpenFile(s.path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if _, err := flock(lock, true); err != nil {
		return errors.Join(fmt.Errorf("locking %q: %w", lock.Name(), err), lock.Close())
	}
	return errors.Join(fn(), lock.Close())
}

// Close ends the use of the store. There is nothing to release; it is there so that callers need not know that.
func (s *Store) Close() error { return nil }
