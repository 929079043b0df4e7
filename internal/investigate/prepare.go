package investigate

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/trailbeat/trailbeat/output/sqlite"
)

// The statements of Prepare.
var (
	//go:embed schema.sql
	schema string
	//go:embed view.sql
	view string
	//go:embed extract.sql
	extract string
	//go:embed indexes.sql
	indexes string
)

const partTable = `CREATE TEMP TABLE IF NOT EXISTS investigate_part (seq INTEGER PRIMARY KEY, time, who, action, target, failed, category, access_key, session, role,
	target_role, issued_key, new_session, shared_event, mfa, invoked_by, error_code, failed_from, account, region)`

// busy is how long another process that writes is waited for.
const busy = 30 * time.Second

// partSize is how many documents one transaction takes.
const partSize = 5000

// settings of the connection that prepares. What it writes can be made again from the documents, so no flush is waited for but those of
// the log.
var settings = []string{"PRAGMA synchronous = NORMAL", "PRAGMA cache_size = -65536", "PRAGMA temp_store = MEMORY"}

// Prepare makes the tables that questions need, for all documents that came since the last time. It may be stopped at any moment, and goes
// on there. progress is told how many documents are done, of how many; nil: nobody is told.
func Prepare(ctx context.Context, path string, progress func(done, of int64)) error {
	return prepare(ctx, path, partSize, progress)
}

func prepare(ctx context.Context, path string, size int64, progress func(done, of int64)) (err error) {
	done, last, ready, err := state(ctx, path)
	if err != nil || ready && done >= last {
		return err
	}
	db, err := sqlite.OpenDB(ctx, path, false, busy)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, statement := range append(settings, schema, view, partTable) {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return db.Explain("preparing database", err)
		}
	}
	first := done
	for done < last {
		next := min(done+size, last)
		if err := part(ctx, db, done, next); err != nil {
			return db.Explain("preparing database", err)
		}
		done = next
		if progress != nil {
			progress(done-first, last-first)
		}
	}
	// At the end, as an index that is made at once is smaller and costs less than one that grows.
	for _, statement := range []string{indexes, "PRAGMA analysis_limit = 1000", "ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return db.Explain("making indexes of database", err)
		}
	}
	return nil
}

// part takes in the documents behind one number up to another.
func part(ctx context.Context, db *sqlite.DB, after, to int64) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	// Somebody else may have prepared the same meanwhile; sums must not take a document twice.
	var done int64
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM investigate_facts").Scan(&done); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if after = max(after, done); after >= to {
		return tx.Rollback()
	}
	if _, err := tx.ExecContext(ctx, extract, after, to); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// state says how far the documents were taken in, what the last of them is, and whether the indexes are there.
func state(ctx context.Context, path string) (done, last int64, ready bool, err error) {
	db, err := sqlite.OpenDB(ctx, path, true, busy)
	if err != nil {
		return 0, 0, false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM documents").Scan(&last); err != nil {
		return 0, 0, false, db.Explain("reading database", err)
	}
	var objects int
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name IN ('investigate_facts', 'trail', 'investigate_root')").Scan(&objects)
	if err != nil {
		return 0, 0, false, db.Explain("reading database", err)
	}
	if ready = objects == 3; !ready && objects == 0 {
		return 0, last, false, nil
	}
	if err := db.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM investigate_facts").Scan(&done); err != nil {
		return 0, 0, false, fmt.Errorf("reading database %q: the tables of an investigation are not whole; remove them, or load into a new file: %w", path, err)
	}
	return done, last, ready, nil
}
