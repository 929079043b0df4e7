package registry

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"modernc.org/sqlite"
)

// ErrClosed is what a registry answers after Close.
var ErrClosed = errors.New("the registry is closed")

// LockedError says that another process uses the registry.
type LockedError struct {
	// Path of the registry, and the process that holds it: 0 where that is not known.
	Path string
	PID  int
}

func (e *LockedError) Error() string {
	who := "another process"
	if e.PID > 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("registry %q is in use by %s: stop that one, or give this one its own folder with --path.data", e.Path, who)
}

// DamagedError says that the file cannot be trusted.
type DamagedError struct {
	Path string
	Err  error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("registry %[1]q is damaged: %[2]v. Restore it from a backup, or try `sqlite3 %[1]q .recover | sqlite3 new.db` and put new.db in its place."+
		" Moving it (and the files named %[1]q-wal and -shm) away begins a new one: every source is read again from the start", e.Path, e.Err)
}

// Unwrap gives the cause.
func (e *DamagedError) Unwrap() error { return e.Err }

// VersionError says that the file is a registry that this program does not know.
type VersionError struct {
	Path        string
	Found, Want int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("registry %q has schema version %d, this program knows versions up to %d: use the newer trailbeat that wrote it, or another --path.data",
		e.Path, e.Found, e.Want)
}

const (
	sqliteCorrupt = 11
	sqliteNotADB  = 26
)

// explain turns what SQLite says of a damaged file into a *DamagedError.
func explain(path string, err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		if code := e.Code() & 0xff; code == sqliteCorrupt || code == sqliteNotADB {
			return &DamagedError{Path: path, Err: err}
		}
	}
	return err
}

// checkHead looks at the file before SQLite does, which would take an empty one for a new database.
func checkHead(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 16)
	n, _ := f.Read(head)
	if n == 0 {
		return &DamagedError{Path: path, Err: errors.New("it is empty")}
	}
	if !strings.HasPrefix(string(head), "SQLite format 3\x00") {
		return &DamagedError{Path: path, Err: errors.New("it is not an SQLite file")}
	}
	return nil
}
