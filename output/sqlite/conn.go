package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/output"
	"modernc.org/sqlite"
)

// conn is the one connection that writes. It goes past database/sql: a prepared insert costs a third less without the
// pool, and exactly one goroutine uses it. Not safe for concurrent use.
type conn struct {
	driver.Conn
	begin, commit, rollback *stmt
	document, columns       *stmt
	stream                  *stmt
	streams                 map[string]int64 // keys of data streams, forgotten with the connection
}

// stmt is a prepared statement with its arguments, which are reused.
type stmt struct {
	driver.StmtExecContext
	args []driver.NamedValue
}

// openConn opens the database, makes its tables where it is new, and prepares the statements.
func openConn(path string, busy time.Duration) (*conn, error) {
	raw, err := (&sqlite.Driver{}).Open(dsn(path))
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, streams: make(map[string]int64)}
	if err := c.setUp(path, busy); err != nil {
		return nil, errors.Join(err, raw.Close())
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

func (c *conn) setUp(path string, busy time.Duration) error {
	for _, pragma := range []string{
		fmt.Sprintf("busy_timeout = %d", busy.Milliseconds()),
		fmt.Sprintf("page_size = %d", pageSize), // before the journal mode, which fixes it
		"journal_mode = WAL",
		"synchronous = FULL",
		"fullfsync = ON", // macOS: fsync alone leaves the data in the cache of the drive
		"checkpoint_fullfsync = ON",
		"cache_size = -65536",            // KiB: holds the index over the _ids of a million documents
		"wal_autocheckpoint = 16384",     // pages: an index page that changes often is copied once for 128 MiB of log
		"journal_size_limit = 134217728", // bytes: what a long reader made the log grow is given back
	} {
		if err := c.exec("PRAGMA " + pragma); err != nil {
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
		prepared, err := c.Prepare(query)
		if err != nil {
			return err
		}
		args := make([]driver.NamedValue, strings.Count(query, "?"))
		for i := range args {
			args[i].Ordinal = i + 1
		}
		*s = &stmt{StmtExecContext: prepared.(driver.StmtExecContext), args: args}
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

func (c *conn) exec(query string) error {
	_, err := c.Conn.(driver.ExecerContext).ExecContext(context.Background(), query, nil)
	return err
}

func (c *conn) number(query string) (int64, error) {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(context.Background(), query, nil)
	if err != nil {
		return 0, err
	}
	return oneNumber(rows)
}

func oneNumber(rows driver.Rows) (int64, error) {
	values := make([]driver.Value, len(rows.Columns()))
	err := rows.Next(values)
	if err == nil {
		// A statement that changes data has done so only when it was read to its end.
		if end := rows.Next(make([]driver.Value, len(values))); end != nil && !errors.Is(end, io.EOF) {
			err = end
		}
	}
	if err = errors.Join(err, rows.Close()); err != nil {
		return 0, err
	}
	n, ok := values[0].(int64)
	if !ok {
		return 0, fmt.Errorf("want a number, got %T", values[0])
	}
	return n, nil
}

// run executes the statement with its arguments.
func (s *stmt) run() (driver.Result, error) {
	return s.ExecContext(context.Background(), s.args)
}

// close releases statements and connection. It is used after a failure too, so what it cannot close it leaves.
func (c *conn) close() error {
	for _, s := range []*stmt{c.begin, c.commit, c.rollback, c.document, c.columns, c.stream} {
		_ = s.StmtExecContext.(driver.Stmt).Close()
	}
	return c.Conn.Close()
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
