package sqlite

import (
	"errors"
	"fmt"

	"github.com/trailbeat/trailbeat/output"
	codes "modernc.org/sqlite/lib"
)

// explain says what an error of SQLite means for whoever runs Trailbeat, and makes it a *output.FatalError where trying
// again cannot help.
func explain(path, doing string, err error) error {
	if output.IsFatal(err) {
		return err // says all already
	}
	hint, fatal := verdict(err)
	if hint != "" {
		err = fmt.Errorf("%s %q: %s: %w", doing, path, hint, err)
	} else {
		err = fmt.Errorf("%s %q: %w", doing, path, err)
	}
	if fatal {
		return &output.FatalError{Err: err}
	}
	return err
}

func verdict(err error) (hint string, fatal bool) {
	// The driver, which reads, has an error of its own with the same method.
	var e interface {
		error
		Code() int
	}
	if !errors.As(err, &e) {
		return "", false
	}
	// The low byte is the primary code; the rest says more about it.
	switch e.Code() & 0xff {
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED:
		return "another process holds the database; end it, or raise output.sqlite.busy_timeout", false
	case codes.SQLITE_FULL:
		return "the disk or the database is full; make room, the batch is tried again", false
	case codes.SQLITE_IOERR:
		return "the disk below the database cannot be read or written, or is full; check it, the batch is tried again", false
	case codes.SQLITE_NOMEM, codes.SQLITE_INTERRUPT, codes.SQLITE_PROTOCOL:
		return "", false
	case codes.SQLITE_READONLY:
		return "the database cannot be written; check the rights of the file and of its directory", true
	case codes.SQLITE_CANTOPEN, codes.SQLITE_PERM, codes.SQLITE_AUTH:
		return "the database cannot be opened; check output.sqlite.path and the rights of the file and of its directory", true
	case codes.SQLITE_CORRUPT:
		return `the database is damaged; move it away and start anew, or rescue what is left with "sqlite3 FILE .recover"`, true
	case codes.SQLITE_NOTADB:
		return "the file is no SQLite database; choose another output.sqlite.path", true
	default:
		// What is left (a missing table, a constraint) is a fault of the schema: somebody changed the database.
		return "", true
	}
}
