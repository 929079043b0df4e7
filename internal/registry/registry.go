package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the driver

	"github.com/trailbeat/trailbeat/input"
)

// FileName is the name of the registry under path.data.
const FileName = "registry.db"

const (
	schemaVersion = 1
	applicationID = 0x54524254 // "TRBT"
	schema        = `
CREATE TABLE checkpoints (
	input   TEXT NOT NULL,
	key     TEXT NOT NULL,
	value   TEXT NOT NULL, -- JSON
	updated INTEGER NOT NULL, -- milliseconds since 1970
	PRIMARY KEY (input, key)
) WITHOUT ROWID, STRICT;`
)

// Registry is an open registry. Make one with Open or OpenReadOnly and end it with Close.
type Registry struct {
	path     string
	db       *sql.DB
	lock     *os.File // nil when read only
	requests chan *request
	stopped  chan struct{} // closed when the writer has ended

	mu     sync.RWMutex // held for reading while a request is handed over
	closed bool
}

// Open opens the registry at path, or makes it with the folders above it, and locks it. The errors that have types are
// *LockedError, *DamagedError and *VersionError; none of them passes by itself.
func Open(path string) (*Registry, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the registry: %w", err)
	}
	held, err := lock(path)
	if err != nil {
		return nil, err
	}
	r, err := open(path)
	if err != nil {
		_ = held.Close()
		return nil, err
	}
	r.lock = held
	r.requests, r.stopped = make(chan *request), make(chan struct{})
	conn, err := r.db.Conn(context.Background())
	if err != nil {
		_ = r.db.Close()
		_ = held.Close()
		return nil, fmt.Errorf("opening registry %q: %w", path, explain(path, err))
	}
	go r.write(conn)
	return r, nil
}

// OpenReadOnly opens the registry at path to look at it, also while another process uses it. Changes fail.
func OpenReadOnly(path string) (*Registry, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("opening registry: %w", err)
	}
	db, err := connect(path, true)
	if err != nil {
		return nil, err
	}
	if err := check(db, path); err != nil {
		_ = db.Close()
		return nil, err
	}
	return &Registry{path: path, db: db}, nil
}

func open(path string) (*Registry, error) {
	_, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(path); err != nil {
			return nil, fmt.Errorf("making registry %q: %w", path, err)
		}
	case err != nil:
		return nil, fmt.Errorf("opening registry: %w", err)
	}
	if err := checkHead(path); err != nil {
		return nil, err
	}
	// A log that was left behind says that the last process was killed. Only then is the whole file looked at, as that
	// takes its time with a large one.
	wal, err := os.Stat(path + "-wal")
	killed := err == nil && wal.Size() > 0
	db, err := connect(path, false)
	if err != nil {
		return nil, err
	}
	if err := check(db, path); err != nil {
		_ = db.Close()
		return nil, err
	}
	if killed {
		var verdict string
		if err = db.QueryRow("PRAGMA quick_check(1)").Scan(&verdict); err == nil && verdict != "ok" {
			err = &DamagedError{Path: path, Err: errors.New(verdict)}
		}
		if err != nil {
			_ = db.Close()
			return nil, explain(path, err)
		}
	}
	return &Registry{path: path, db: db}, nil
}

// create makes the file under another name and moves it in place when it is whole: a process killed meanwhile leaves
// no half registry behind.
func create(path string) error {
	fresh := path + ".new"
	for _, name := range []string{fresh, fresh + "-wal", fresh + "-shm", fresh + "-journal"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// Nothing is lost when this file is, so it is synced once, as a whole: a sync for each statement made half of the time of a first start.
	db, err := sql.Open("sqlite", dsn(fresh, "_pragma", "synchronous(OFF)"))
	if err != nil {
		return err
	}
	_, err = db.Exec(fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d; %s; PRAGMA journal_mode=WAL", applicationID, schemaVersion, schema))
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	// It tells which accounts and objects there are. SQLite gives its log the same mode.
	if err := os.Chmod(fresh, 0o600); err != nil {
		return err
	}
	if err := syncFile(fresh); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func connect(path string, readOnly bool) (*sql.DB, error) {
	options := []string{"_pragma", "busy_timeout(10000)", "_pragma", "journal_mode(WAL)", "_pragma", "synchronous(FULL)", "_pragma", "fullfsync(1)"}
	if readOnly {
		options = []string{"mode", "ro", "_pragma", "busy_timeout(10000)"}
	}
	db, err := sql.Open("sqlite", dsn(path, options...))
	if err != nil {
		return nil, fmt.Errorf("opening registry %q: %w", path, err)
	}
	db.SetMaxOpenConns(4)
	return db, nil
}

// dsn makes the name of a database in the form that SQLite takes options in. Pairs of name and value follow the path.
func dsn(path string, options ...string) string {
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}
	path = filepath.ToSlash(path)
	if runtime.GOOS == "windows" && !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	values := url.Values{}
	for i := 0; i+1 < len(options); i += 2 {
		values.Add(options[i], options[i+1])
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: values.Encode()}).String()
}

func check(db *sql.DB, path string) error {
	var app, version int
	err := db.QueryRow("PRAGMA application_id").Scan(&app)
	if err == nil {
		err = db.QueryRow("PRAGMA user_version").Scan(&version)
	}
	if err != nil {
		return fmt.Errorf("opening registry %q: %w", path, explain(path, err))
	}
	if app != applicationID {
		return &DamagedError{Path: path, Err: errors.New("it is an SQLite file, but not a registry")}
	}
	if version != schemaVersion {
		return &VersionError{Path: path, Found: version, Want: schemaVersion}
	}
	var n int
	if err := db.QueryRow("SELECT count(*) FROM (SELECT 1 FROM checkpoints LIMIT 1)").Scan(&n); err != nil {
		return &DamagedError{Path: path, Err: err}
	}
	return nil
}

// Input gives the store of the input with this id. Stores of the same id share their content.
func (r *Registry) Input(id string) input.Store { return &store{r: r, input: id} }

// Close waits for the changes under way, then releases the file and its lock.
func (r *Registry) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	if r.requests != nil {
		close(r.requests)
	}
	r.mu.Unlock()
	if r.stopped != nil {
		<-r.stopped
	}
	err := r.db.Close()
	if r.lock != nil {
		err = errors.Join(err, r.lock.Close())
	}
	if err != nil {
		return fmt.Errorf("closing registry %q: %w", r.path, err)
	}
	return nil
}
