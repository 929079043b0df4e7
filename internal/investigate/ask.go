package investigate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/trailbeat/trailbeat/output/sqlite"
)

// Store is a database that is asked. Nothing that is sent to it changes it. Not safe for concurrent use.
type Store struct{ db *sqlite.DB }

// Open opens a database that Prepare has made ready.
func Open(ctx context.Context, path string) (*Store, error) {
	db, err := sqlite.OpenDB(ctx, path, true, busy)
	if err != nil {
		return nil, err
	}
	return &Store{db}, nil
}

// Close ends the connection.
func (s *Store) Close() error { return s.db.Close() }

// Result is the answer to a question.
type Result struct {
	Columns []string
	// Rows hold nil, int64, float64 or string.
	Rows [][]any
	// More says that there are more rows than were asked for.
	More bool
}

// Ask asks a question. limit is the most rows; zero: all.
func (s *Store) Ask(ctx context.Context, q *Question, v Values, limit int) (*Result, error) {
	if q.Needs() && v.Of == "" {
		return nil, fmt.Errorf("the question %s needs %s: --of VALUE", q.Name, q.Of)
	}
	var args []any
	for name, value := range v.parameters() {
		if strings.Contains(q.SQL, ":"+name) {
			args = append(args, sql.Named(name, value))
		}
	}
	r, err := s.query(ctx, q.SQL, limit, args)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", q.Name, err)
	}
	return r, nil
}

// Query asks in SQL. Several statements are run one after the other, and the last gives the answer.
func (s *Store) Query(ctx context.Context, text string, limit int) (*Result, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("the query is empty; write a SELECT, for example over the view trail")
	}
	return s.query(ctx, text, limit, nil)
}

func (s *Store) query(ctx context.Context, text string, limit int, args []any) (r *Result, err error) {
	rows, err := s.db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := rows.Close(); err == nil && closed != nil {
			err = closed
		}
	}()
	r = &Result{Rows: [][]any{}}
	if r.Columns, err = rows.Columns(); err != nil {
		return nil, err
	}
	for rows.Next() {
		if limit > 0 && len(r.Rows) >= limit {
			r.More = true
			return r, nil
		}
		row := make([]any, len(r.Columns))
		to := make([]any, len(row))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		for i, v := range row {
			switch v := v.(type) {
			case []byte:
				row[i] = string(v)
			case bool:
				row[i] = int64(0)
				if v {
					row[i] = int64(1)
				}
			case interface{ Format(string) string }: // the driver makes times of some columns
				row[i] = v.Format(timeFormat)
			}
		}
		r.Rows = append(r.Rows, row)
	}
	return r, rows.Err()
}
