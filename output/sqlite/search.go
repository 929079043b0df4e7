package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/output"
)

var _ output.Searcher = (*Output)(nil)

// timeFormat compares as text in the order of time with what the column time holds, however many digits that has.
const timeFormat = "2006-01-02T15:04:05.000000000Z"

const minuteFormat = "2006-01-02T15:04"

// storedSQL goes along the documents in the order in which they were written, so that it reads the file from its start to its end.
const storedSQL = `SELECT d.id, c.time, coalesce(nullif(c.recipient_account, ''), c.account), c.region
	FROM event_columns c CROSS JOIN documents d ON d.seq = c.seq
	WHERE c.data_stream = (SELECT key FROM data_streams WHERE name = ?)`

// storedRows is how many documents go into one call.
const storedRows = 10_000

// Stored implements [output.Searcher].
func (o *Output) Stored(ctx context.Context, sel output.Selection, each func([]output.Stored) error) error {
	if sel.Index == "" {
		sel.Index = DefaultDataStream
	}
	query, args := storedSQL, []any{sel.Index}
	// The last letter of a time may be cut off, so that one without a fraction is not behind one with.
	// The bounds of whole minutes let the index be used.
	if !sel.From.IsZero() {
		query += " AND c.time >= ? AND rtrim(c.time, 'Z') >= ?"
		args = append(args, sel.From.UTC().Format(minuteFormat), bound(sel.From))
	}
	if !sel.To.IsZero() {
		query += " AND c.time < ? AND rtrim(c.time, 'Z') < ?"
		args = append(args, sel.To.UTC().Add(time.Minute).Format(minuteFormat), bound(sel.To))
	}
	for _, in := range []struct {
		column string
		values []string
	}{{"coalesce(nullif(c.recipient_account, ''), c.account)", sel.Accounts}, {"c.region", sel.Regions}} {
		if len(in.values) == 0 {
			continue
		}
		query += " AND " + in.column + " IN (?" + strings.Repeat(", ?", len(in.values)-1) + ")"
		for _, v := range in.values {
			args = append(args, v)
		}
	}
	// Errors of each are the caller's own.
	var own error
	err := storedRowsOf(ctx, o.reader, query, args, func(list []output.Stored) error {
		own = each(list)
		return own
	})
	if err != nil && own == nil && ctx.Err() == nil {
		err = explain(o.path, "reading what is stored in database", err)
	}
	return err
}

// bound is a time without the letter at its end and without a fraction of nothing.
func bound(t time.Time) string {
	text := strings.TrimSuffix(t.UTC().Format(timeFormat), "Z")
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

func storedRowsOf(ctx context.Context, db *sql.DB, query string, args []any, each func([]output.Stored) error) (err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	list := make([]output.Stored, 0, storedRows)
	known := map[string]string{} // few values in many rows
	var id, at, account, region sql.NullString
	for rows.Next() {
		if err := rows.Scan(&id, &at, &account, &region); err != nil {
			return err
		}
		doc := output.Stored{ID: id.String, Account: keep(known, account.String), Region: keep(known, region.String)}
		if t, err := time.Parse(time.RFC3339Nano, at.String); err == nil {
			doc.Time = t
		}
		if list = append(list, doc); len(list) == cap(list) {
			if err := each(list); err != nil {
				return err
			}
			list = list[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if len(list) == 0 {
		return nil
	}
	return each(list)
}

// keep gives one string for all that are equal.
func keep(known map[string]string, text string) string {
	if k, ok := known[text]; ok {
		return k
	}
	if len(known) < 10_000 {
		known[text] = text
	}
	return text
}

// copiesIDs is how many ids one query asks for.
const copiesIDs = 500

// Copies implements [output.Searcher].
func (o *Output) Copies(ctx context.Context, index string, ids []string) ([]int, error) {
	if index == "" {
		index = DefaultDataStream
	}
	counts := make([]int, len(ids))
	for from := 0; from < len(ids); from += copiesIDs {
		part := ids[from:min(from+copiesIDs, len(ids))]
		found, err := copiesOf(ctx, o.reader, index, part)
		if err != nil {
			return nil, explain(o.path, "looking for documents in database", err)
		}
		for i, id := range part {
			counts[from+i] = found[id]
		}
	}
	return counts, nil
}

func copiesOf(ctx context.Context, db *sql.DB, index string, ids []string) (found map[string]int, err error) {
	args := []any{index}
	for _, id := range ids {
		args = append(args, id)
	}
	rows, err := db.QueryContext(ctx, `SELECT id FROM documents WHERE data_stream = (SELECT key FROM data_streams WHERE name = ?)
		AND id IN (?`+strings.Repeat(", ?", len(ids)-1)+")", args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	found = make(map[string]int, len(ids))
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		found[id]++
	}
	return found, rows.Err()
}
