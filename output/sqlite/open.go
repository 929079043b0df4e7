package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/trailbeat/trailbeat/output"
)

// DB is a connection to a database of this package, for those who ask or who keep tables of their own beside its tables. Not safe for
// concurrent use.
type DB struct {
	*sql.Conn
	db   *sql.DB
	path string
}

// OpenDB opens a database that is there. With readOnly nothing that is sent can change it, or any other file. busy is how long another
// process that holds it is waited for.
func OpenDB(ctx context.Context, path string, readOnly bool, busy time.Duration) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("resolving database %q: %w", path, err)
	}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		if err == nil {
			err = errors.New("it is a directory")
		}
		return nil, fmt.Errorf("opening database %q: %w", path, unwrapPath(err))
	}
	mode := "rw&_txlock=immediate"
	if readOnly {
		mode = "ro"
	}
	db, err := sql.Open("sqlite", dsn(path)+fmt.Sprintf("?mode=%s&_pragma=busy_timeout(%d)", mode, busy.Milliseconds()))
	if err != nil {
		return nil, explain(path, "opening database", err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(explain(path, "opening database", err), db.Close())
	}
	d := &DB{Conn: conn, db: db, path: path}
	if err := d.check(ctx, readOnly); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *DB) check(ctx context.Context, readOnly bool) error {
	var application, version int64
	err := d.QueryRowContext(ctx, "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version)").Scan(&application, &version)
	switch {
	case err != nil:
		return d.Explain("opening database", err)
	case application != applicationID || version != schemaVersion:
		return &output.FatalError{Err: fmt.Errorf("database %q is none that output.sqlite of this version has made", d.path)}
	case readOnly:
		// A read-only connection could still attach another file and write to that.
		if _, err := driver.Limit(d.Conn, codes.SQLITE_LIMIT_ATTACHED, 0); err != nil {
			return d.Explain("opening database", err)
		}
	}
	return nil
}

// Explain says what an error of the connection means.
func (d *DB) Explain(doing string, err error) error { return explain(d.path, doing, err) }

// Close ends the connection.
func (d *DB) Close() error { return errors.Join(d.Conn.Close(), d.db.Close()) }

func unwrapPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
