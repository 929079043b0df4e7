package sqlite

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/output"
)

// conn is the one connection that writes. Not safe for concurrent use.
type conn struct {
	*db
	begin, commit, rollback *stmt
	document, columns       *stmt
	stream                  *stmt
	streams                 map[string]int64 // keys of data streams, forgotten with the connection
	stored                  row
}

// openConn opens the database, makes its tables where it is new, and prepares the statements.
func openConn(path string, busy time.Duration) (*conn, error) {
	raw, err := openDB(dsn(path))
	if err != nil {
		return nil, err
	}
	c := &conn{db: raw, streams: make(map[string]int64)}
	if err := c.setUp(path, busy); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// dsn makes a URI of the path, so that no character of it has a meaning.
func dsn(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// pragmas are the settings of the connection that writes.
func pragmas(busy time.Duration) []string {
	return []string{
		fmt.Sprintf("PRAGMA busy_timeout = %d", busy.Milliseconds()),
		fmt.Sprintf("PRAGMA page_size = %d", pageSize), // before the journal mode, which fixes it
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA fullfsync = ON", // macOS: fsync alone leaves the data in the cache of the drive
		"PRAGMA checkpoint_fullfsync = ON",
		// KiB, which take half as much again: three pages lie in 64 KiB, on nine of its 16 pages. Those of the index over the _ids that
		// fall out come back from the system's cache, for up to 6 % more CPU time with 8 MiB than with 64 MiB, 3 % more with this, and
		// 20 % with 4 MiB.
		"PRAGMA cache_size = -6144",
		"PRAGMA wal_autocheckpoint = 16384",     // pages: an index page that changes often is copied once for 128 MiB of log
		"PRAGMA journal_size_limit = 134217728", // bytes: what a long reader made the log grow is given back
	}
}

func (c *conn) setUp(path string, busy time.Duration) error {
	for _, pragma := range pragmas(busy) {
		if err := c.exec(pragma); err != nil {
			return err
		}
	}
	if err := c.migrate(path); err != nil {
		return err
	}
	for query, s := range map[string]**stmt{
		"BEGIN IMMEDIATE": &c.begin, "COMMIT": &c.commit, "ROLLBACK": &c.rollback,
		insertStream: &c.stream, insertDocument: &c.document, insertColumns: &c.columns,
	} {
		var err error
		if *s, err = c.prepare(query); err != nil {
			return err
		}
	}
	return nil
}

// migrate makes the tables of a new database, and refuses what is not ours or newer than this program.
func (c *conn) migrate(path string) error {
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			_ = c.exec("ROLLBACK") // the error that led here is the one that matters
		}
	}()
	application, err := c.number("PRAGMA application_id")
	if err != nil {
		return err
	}
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	objects, err := c.number("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	switch {
	case application == applicationID && version > schemaVersion:
		return &output.FatalError{Err: fmt.Errorf("database %q has schema version %d, this Trailbeat knows versions up to %d: "+
			"use a newer Trailbeat, or another output.sqlite.path", path, version, schemaVersion)}
	case application == applicationID && version == schemaVersion:
	case application == 0 && version == 0 && objects == 0:
		err = c.exec(schema + fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, schemaVersion))
		if err != nil {
			return err
		}
	default:
		return &output.FatalError{Err: fmt.Errorf("database %q belongs to another program: choose another output.sqlite.path", path)}
	}
	if err := c.exec("COMMIT"); err != nil {
		return err
	}
	done = true
	return nil
}

// close releases statements and connection. It is used after a failure too, so what it cannot close it leaves.
func (c *conn) close() error {
	for _, s := range []*stmt{c.begin, c.commit, c.rollback, c.document, c.columns, c.stream} {
		s.close()
	}
	return c.db.close()
}

// makeFile makes the database file where it is missing, readable by its owner alone: audit logs are nobody else's
// business, and SQLite itself would ask the umask.
func makeFile(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	syncDir(dir)
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
