package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// logName is the file that is written to. Older ones are trailbeat.log.1 and so on, the oldest with the highest number.
const logName = "trailbeat.log"

// LogFilesConfig is the group logging.files.
type LogFilesConfig struct {
	// RotateEveryBytes is the size at which the log file is put aside and a new one begun. Default 10MiB; must be above 0.
	RotateEveryBytes int64 `config:"rotateeverybytes,bytes"`
	// KeepFiles is how many files that were put aside are kept, from 1 to 1024. Default 7.
	KeepFiles int `config:"keepfiles"`
}

func defaultLogFiles() LogFilesConfig {
	return LogFilesConfig{RotateEveryBytes: 10 << 20, KeepFiles: 7}
}

// Validate joins all that is wrong.
func (c LogFilesConfig) Validate() error {
	var errs []error
	if c.RotateEveryBytes <= 0 {
		errs = append(errs, fmt.Errorf("files.rotateeverybytes: must be > 0, is %d", c.RotateEveryBytes))
	}
	if c.KeepFiles < 1 || c.KeepFiles > 1024 {
		errs = append(errs, fmt.Errorf("files.keepfiles: must be from 1 to 1024, is %d", c.KeepFiles))
	}
	return errors.Join(errs...)
}

// logFile is a log file of bounded size. Safe for concurrent use by one process.
type logFile struct {
	path string
	cfg  LogFilesConfig

	mu   sync.Mutex
	file *os.File
	size int64
}

// openLogFile opens the log file in dir, which is made where it is missing.
func openLogFile(dir string, cfg LogFilesConfig) (*logFile, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	l := &logFile{path: filepath.Join(dir, logName), cfg: cfg}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	return l, nil
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.size = f, info.Size()
	return nil
}

// Write appends one line. A file that it would make too large is put aside before. Where that fails, the line goes to the
// file that is there: a log that is too long is better than none.
func (l *logFile) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var failed error
	if l.file == nil || l.size > 0 && l.size+int64(len(line)) > l.cfg.RotateEveryBytes {
		failed = l.rotate()
	}
	if l.file == nil {
		return 0, failed
	}
	n, err := l.file.Write(line)
	l.size += int64(n)
	return n, err
}

// rotate begins a new file.
func (l *logFile) rotate() error {
	// Windows renames no file that is open.
	if l.file != nil {
		_ = l.file.Close() // what was written is with the operating system already
		l.file = nil
	}
	var errs []error
	for n := l.cfg.KeepFiles; n > 0; n-- {
		from := l.path
		if n > 1 {
			from = l.aside(n - 1)
		}
		// Renaming replaces the oldest.
		if err := os.Rename(from, l.aside(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
			break // what could not move must not be replaced
		}
	}
	return errors.Join(append(errs, l.open())...)
}

func (l *logFile) aside(n int) string { return l.path + "." + strconv.Itoa(n) }

// Close closes the file.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}
