package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// Summary says in short what the database holds.
type Summary struct {
	// Documents is the number of documents, of all data streams.
	Documents int64
	// First and Last are the least and the greatest time of an event, as RFC 3339 text. Empty where there is none.
	First, Last string
	// Actions, Principals and Errors are the values that occur most (of event.action, of who acted, and of
	// aws.cloudtrail.error_code), the most frequent first. Events without a value do not count.
	Actions, Principals, Errors []Count
}

// Count is a value with the number of events that have it.
type Count struct {
	Value string
	Count int64
}

// Summary reads what the database holds, with at most top values of each kind. It reads indexes only: about
// a tenth of a second for 300,000 documents. It may run beside Writes and sees what is durable.
func (o *Output) Summary(ctx context.Context, top int) (Summary, error) {
	s, err := summarize(ctx, o.reader, top)
	if err != nil {
		return Summary{}, explain(o.path, "reading a summary of database", err)
	}
	return s, nil
}

func summarize(ctx context.Context, db *sql.DB, top int) (s Summary, err error) {
	// One transaction, so that the numbers fit each other.
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, ignoreDone(tx.Rollback())) }()
	var first, last sql.NullString
	// min and max apart: only alone does either of them take the end of the index instead of all of it.
	err = tx.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM event_columns),
		(SELECT min(time) FROM event_columns), (SELECT max(time) FROM event_columns)`).Scan(&s.Documents, &first, &last)
	if err != nil {
		return s, err
	}
	s.First, s.Last = first.String, last.String
	for query, to := range map[string]*[]Count{topActions: &s.Actions, topPrincipals: &s.Principals, topErrors: &s.Errors} {
		if *to, err = counts(ctx, tx, query, top); err != nil {
			return s, err
		}
	}
	return s, nil
}

// Each of them counts along an index.
const (
	topActions = `SELECT action AS value, count(*) AS n FROM event_columns WHERE action IS NOT NULL
		GROUP BY action ORDER BY n DESC, value LIMIT ?`
	topPrincipals = `SELECT user AS value, count(*) AS n FROM event_columns WHERE user IS NOT NULL GROUP BY user
		UNION ALL SELECT actor, count(*) FROM event_columns WHERE actor IS NOT NULL GROUP BY actor
		ORDER BY n DESC, value LIMIT ?`
	topErrors = `SELECT error_code AS value, count(*) AS n FROM event_columns WHERE error_code IS NOT NULL
		GROUP BY error_code ORDER BY n DESC, value LIMIT ?`
)

func counts(ctx context.Context, tx *sql.Tx, query string, top int) (list []Count, err error) {
	rows, err := tx.QueryContext(ctx, query, top)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.Value, &c.Count); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
