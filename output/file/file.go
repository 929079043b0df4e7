package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// DefaultDataStream is the _index, with metadata, of events without Meta.Index.
const DefaultDataStream = "logs-aws.cloudtrail-default"

// ErrClosed is what Write returns after Close.
var ErrClosed = errors.New("the output is closed")

// maxKept is the largest buffer, in bytes, that is kept for later batches.
const maxKept = 16 << 20

// Output writes files. Safe for concurrent use: the documents of one Write stay together.
type Output struct {
	cfg      Config
	gzip     bool
	level    int
	mode     os.FileMode
	logger   *slog.Logger
	now      func() time.Time
	openFile func(path string, flag int, mode os.FileMode) (storage, error)

	buffers sync.Pool // *encoder

	mu     sync.Mutex
	closed bool
	lock   *os.File
	path   string  // of the current file
	file   storage // nil before the first Write after a start or a rotation
	size   int64   // of the current file: its whole batches
	torn   bool    // there may be more in the file than size says
}

var _ output.Output = (*Output)(nil)

// New prepares the directory and heals what a crash left. A nil logger discards. The first file is made by the first
// Write.
func New(cfg Config, logger *slog.Logger) (*Output, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("checking the configuration of output.file: %w", err)
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	mode, _ := cfg.mode() // checked by Validate
	o := &Output{cfg: cfg, gzip: cfg.Compression == Gzip, level: max(cfg.CompressionLevel, 1), mode: mode, logger: logger,
		now: time.Now, openFile: openFile}
	if err := o.start(); err != nil {
		if o.lock != nil {
			err = errors.Join(err, o.lock.Close())
		}
		return nil, &output.FatalError{Err: err}
	}
	return o, nil
}

func openFile(path string, flag int, mode os.FileMode) (storage, error) {
	f, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return nil, err // not a storage that holds nil
	}
	return f, nil
}

func (o *Output) start() error {
	if err := os.MkdirAll(o.cfg.Path, 0o700); err != nil {
		return fmt.Errorf("creating the directory of output.file: check output.file.path and its rights: %w", err)
	}
	path := filepath.Join(o.cfg.Path, "."+o.cfg.Filename+".lock")
	var err error
	if o.lock, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, o.mode); err != nil {
		return fmt.Errorf("creating the lock file of output.file: check the rights of the directory: %w", err)
	}
	if err := lock(o.lock); err != nil {
		return fmt.Errorf("locking %q: another process writes there; end it, or set another output.file.path or filename: %w", path, err)
	}
	names, err := list(o.cfg.Path, o.cfg.Filename)
	if err != nil {
		return fmt.Errorf("listing the directory of output.file: %w", err)
	}
	if len(names) == 0 {
		return nil
	}
	return o.resume(names[len(names)-1])
}

// resume heals the newest file, and goes on with it where it may.
func (o *Output) resume(last name) (err error) {
	path := filepath.Join(o.cfg.Path, last.file)
	f, err := o.openFile(path, os.O_RDWR, o.mode)
	if err != nil {
		return fmt.Errorf("opening the newest file of output.file: %w", err)
	}
	size, good, err := heal(f, last.gzip)
	if err != nil {
		return errors.Join(fmt.Errorf("checking file %q for what a crash left: %w", path, err), f.Close())
	}
	if good < size {
		o.logger.Warn("Cut off what a crash had left unfinished. It was not acknowledged, and comes again.",
			"file.path", path, "file.size", good, "trailbeat.output.bytes_cut", size-good)
	}
	if o.cfg.RotateOnStartup || last.gzip != o.gzip {
		return f.Close()
	}
	o.path, o.file, o.size = path, f, good
	return nil
}

// heal cuts the file back to its last whole batch, as far as that can be told. It leaves the position at the end.
func heal(f storage, gzip bool) (size, good int64, err error) {
	if size, err = f.Seek(0, io.SeekEnd); err != nil {
		return 0, 0, err
	}
	if gzip {
		if _, err = f.Seek(0, io.SeekStart); err != nil {
			return 0, 0, err
		}
		good, err = wholeMembers(f)
	} else {
		good, err = wholeLines(f, size)
	}
	if err != nil {
		return 0, 0, err
	}
	if good < size {
		if err = f.Truncate(good); err != nil {
			return 0, 0, err
		}
		if err = f.Sync(); err != nil {
			return 0, 0, err
		}
	}
	_, err = f.Seek(good, io.SeekStart)
	return size, good, err
}

// Write implements [output.Output]. Errors are about the whole batch: nothing of it is in the files. A full disk is an
// error that passes; missing rights are a *output.FatalError.
func (o *Output) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	if err := ctx.Err(); err != nil {
		return output.Result{}, err
	}
	if len(events) == 0 {
		return output.Result{}, nil
	}
	enc, _ := o.buffers.Get().(*encoder)
	if enc == nil {
		enc = &encoder{}
	}
	defer o.buffers.Put(enc)
	data, err := enc.encode(events, o.cfg.Metadata, o.gzip, o.level)
	if err != nil {
		return output.Result{}, fmt.Errorf("compressing %d documents: %w", len(events), err)
	}

	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return output.Result{}, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return output.Result{}, err
	}
	if err := o.store(data); err != nil {
		if errors.Is(err, fs.ErrPermission) {
			err = &output.FatalError{Err: err}
		}
		return output.Result{}, err
	}
	return output.Result{Stored: len(events)}, nil
}

// store appends the data and makes it durable, or leaves the file as it was.
func (o *Output) store(data []byte) error {
	if err := o.restore(); err != nil {
		return err
	}
	limit := int64(o.cfg.RotateEveryKB) << 10
	if o.file != nil && limit > 0 && o.size > 0 && o.size+int64(len(data)) > limit {
		if err := o.release(); err != nil {
			return fmt.Errorf("closing file %q: %w", o.path, err)
		}
	}
	if o.file == nil {
		if err := o.rotate(); err != nil {
			return err
		}
	}
	o.torn = true
	_, err := o.file.Write(data)
	if err == nil {
		err = o.file.Sync()
	}
	if err != nil {
		hint := ""
		if errors.Is(err, syscall.ENOSPC) {
			hint = "the disk is full; make room, the batch is tried again: "
		}
		err = fmt.Errorf("writing %d bytes to file %q: %s%w", len(data), o.path, hint, err)
		return errors.Join(err, o.restore())
	}
	o.size += int64(len(data))
	o.torn = false
	return nil
}

// restore cuts off what a failed Write has left. While it cannot, nothing is written: half a batch must not be followed
// by the same batch again.
func (o *Output) restore() error {
	if !o.torn {
		return nil
	}
	err := o.file.Truncate(o.size)
	if err == nil {
		_, err = o.file.Seek(o.size, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("cutting file %q back to %d bytes after a failed write: %w", o.path, o.size, err)
	}
	o.torn = false
	return nil
}

func (o *Output) release() error {
	f := o.file
	o.file = nil
	return f.Close()
}

// rotate begins a new file, and deletes the oldest where only so many are to be kept.
func (o *Output) rotate() error {
	names, err := list(o.cfg.Path, o.cfg.Filename)
	if err != nil {
		return fmt.Errorf("listing the directory of output.file: %w", err)
	}
	fresh := next(names, o.cfg.Filename, o.now(), o.gzip)
	path := filepath.Join(o.cfg.Path, fresh.file)
	f, err := o.openFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, o.mode)
	if err != nil {
		return fmt.Errorf("creating a file for output.file: %w", err)
	}
	syncDir(o.cfg.Path)
	o.path, o.file, o.size, o.torn = path, f, 0, false
	o.prune(append(names, fresh))
	return nil
}

// prune deletes the oldest files. What cannot be deleted is no reason to stop: it is tried again with the next file.
func (o *Output) prune(names []name) {
	if o.cfg.NumberOfFiles == 0 || len(names) <= o.cfg.NumberOfFiles {
		return
	}
	for _, n := range names[:len(names)-o.cfg.NumberOfFiles] {
		path := filepath.Join(o.cfg.Path, n.file)
		if err := os.Remove(path); err != nil {
			o.logger.Warn("Could not delete an old output file.", "file.path", path, "error.message", err.Error())
			continue
		}
		o.logger.Info("Deleted an old output file, as output.file.number_of_files says.", "file.path", path)
	}
}

// Close implements [output.Output]. A part of a batch that could not be cut off before is tried once more.
func (o *Output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	var errs []error
	if o.file != nil {
		errs = append(errs, o.restore(), o.release())
	}
	if err := errors.Join(append(errs, o.lock.Close())...); err != nil {
		return fmt.Errorf("closing output.file: %w", err)
	}
	return nil
}

// syncDir makes the name of a new file survive the loss of power. Windows and some file systems know no such thing, and
// keep names safe by themselves: so an error means nothing here.
func syncDir(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	_ = d.Sync()
	_ = d.Close()
}

// encoder makes the bytes of a batch. It is used by one goroutine at a time.
type encoder struct {
	plain []byte
	zip   bytes.Buffer
	zw    *gzip.Writer
}

func (e *encoder) encode(events []*ecs.Event, metadata, zipped bool, level int) ([]byte, error) {
	if cap(e.plain) > maxKept || e.zip.Cap() > maxKept {
		e.plain, e.zip = nil, bytes.Buffer{}
	}
	buf := e.plain[:0]
	for _, ev := range events {
		if !metadata {
			buf = append(ev.AppendJSON(buf), '\n')
			continue
		}
		index := ev.Meta.Index
		if index == "" {
			index = DefaultDataStream
		}
		buf = ecs.AppendString(append(buf, `{"_index":`...), index)
		if ev.Meta.ID != "" {
			buf = ecs.AppendString(append(buf, `,"_id":`...), ev.Meta.ID)
		}
		buf = append(ev.AppendJSON(append(buf, `,"document":`...)), '}', '\n')
	}
	e.plain = buf
	if !zipped {
		return buf, nil
	}
	e.zip.Reset()
	if e.zw == nil {
		var err error
		if e.zw, err = gzip.NewWriterLevel(&e.zip, level); err != nil {
			return nil, err
		}
	} else {
		e.zw.Reset(&e.zip)
	}
	if _, err := e.zw.Write(buf); err != nil {
		return nil, err
	}
	if err := e.zw.Close(); err != nil {
		return nil, err
	}
	return e.zip.Bytes(), nil
}
