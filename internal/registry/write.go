package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// maxCommit is the most changes of one commit.
const maxCommit = 5000

// change sets a value, or removes it where that is empty.
type change struct {
	input, key, value string
}

// request is the changes of one caller: all of them, or none.
type request struct {
	changes []change
	answer  chan error
}

// apply hands changes to the writer and waits until they are on disk.
func (r *Registry) apply(changes []change) error {
	if len(changes) == 0 {
		return nil
	}
	if r.requests == nil {
		return fmt.Errorf("changing registry %q: it was opened read only", r.path)
	}
	req := &request{changes: changes, answer: make(chan error, 1)}
	r.mu.RLock()
	if r.closed {
		r.mu.RUnlock()
		return ErrClosed
	}
	r.requests <- req
	r.mu.RUnlock()
	return <-req.answer
}

// write is the only writer. It takes whatever waits into one commit.
func (r *Registry) write(conn *sql.Conn) {
	defer close(r.stopped)
	defer conn.Close()
	var group []*request
	for first := range r.requests {
		group = append(group[:0], first)
		n := len(first.changes)
	gather:
		for n < maxCommit {
			select {
			case next, ok := <-r.requests:
				if !ok {
					break gather
				}
				group = append(group, next)
				n += len(next.changes)
			default:
				break gather
			}
		}
		err := r.commit(conn, group)
		if err != nil {
			err = fmt.Errorf("writing registry %q: %w", r.path, explain(r.path, err))
		}
		for _, req := range group {
			req.answer <- err
		}
	}
}

func (r *Registry) commit(conn *sql.Conn, group []*request) (err error) {
	ctx := context.Background() // a commit is short, and half of one is of no use
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreDone(tx.Rollback()))
		}
	}()
	put, err := tx.PrepareContext(ctx, `INSERT INTO checkpoints (input, key, value, updated) VALUES (?, ?, ?, ?)
		ON CONFLICT (input, key) DO UPDATE SET value = excluded.value, updated = excluded.updated`)
	if err != nil {
		return err
	}
	defer put.Close()
	now := time.Now().UnixMilli()
	for _, req := range group {
		for _, c := range req.changes {
			if c.value == "" {
				_, err = tx.ExecContext(ctx, "DELETE FROM checkpoints WHERE input = ? AND key = ?", c.input, c.key)
			} else {
				_, err = put.ExecContext(ctx, c.input, c.key, c.value, now)
			}
			if err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
