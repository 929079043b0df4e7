package registry

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"
)

// page is how many entries are read at once. Between two pages nothing is open, so that a caller may change what it is
// shown.
const page = 500

// store is the part of the registry that belongs to one input.
type store struct {
	r     *Registry
	input string
}

// Get decodes the value of key into v.
func (s *store) Get(key string, v any) (bool, error) {
	var value string
	err := s.r.db.QueryRow("SELECT value FROM checkpoints WHERE input = ? AND key = ?", s.input, key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading registry %q: %w", s.r.path, explain(s.r.path, err))
	}
	return decode(s.r.path, s.input, key, []byte(value), v)
}

func decode(path, input, key string, value []byte, v any) (bool, error) {
	if err := json.Unmarshal(value, v); err != nil {
		return false, &DamagedError{Path: path, Err: fmt.Errorf("decoding the value of %q of input %q: %w", key, input, err)}
	}
	return true, nil
}

// Put stores v; on return it is on disk.
func (s *store) Put(key string, v any) error { return s.PutAll(map[string]any{key: v}) }

// PutAll stores all values in one commit, or none. A nil value removes the key. Inputs find this method by asserting
// their Store to an interface that has it.
func (s *store) PutAll(values map[string]any) error {
	changes := make([]change, 0, len(values))
	for key, v := range values {
		c := change{input: s.input, key: key}
		if v != nil {
			text, err := json.Marshal(v)
			if err != nil {
				return fmt.Errorf("encoding the value of %q of input %q: %w", key, s.input, err)
			}
			c.value = string(text)
		}
		changes = append(changes, c)
	}
	return s.r.apply(changes)
}

// Delete removes key; on return it is gone from the disk.
func (s *store) Delete(key string) error { return s.PutAll(map[string]any{key: nil}) }

// Each calls fn for the keys with the prefix, in their order. fn may change the store.
func (s *store) Each(prefix string, fn func(key string, value json.RawMessage) error) error {
	for e, err := range s.r.entries(s.input, prefix) {
		if err != nil {
			return err
		}
		if err := fn(e.Key, e.Value); err != nil {
			return err
		}
	}
	return nil
}

// Entry is one checkpoint, for those who look at the registry.
type Entry struct {
	Input, Key string
	Value      json.RawMessage
	Updated    time.Time
}

// Entries gives the checkpoints of an input in the order of their keys. It ends with the first error.
func (r *Registry) Entries(id string) iter.Seq2[Entry, error] { return r.entries(id, "") }

func (r *Registry) entries(id, prefix string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		from, after := prefix, false
		for {
			list, err := r.page(id, prefix, from, after)
			if err != nil {
				yield(Entry{}, fmt.Errorf("reading registry %q: %w", r.path, explain(r.path, err)))
				return
			}
			for _, e := range list {
				if !yield(e, nil) {
					return
				}
			}
			if len(list) < page {
				return
			}
			from, after = list[len(list)-1].Key, true
		}
	}
}

func (r *Registry) page(id, prefix, from string, after bool) (list []Entry, err error) {
	compare := ">="
	if after {
		compare = ">"
	}
	// Keys are UTF-8, in which the byte 0xff does not occur.
	rows, err := r.db.Query("SELECT key, value, updated FROM checkpoints WHERE input = ? AND key "+compare+" ? AND key < ? ORDER BY key LIMIT ?",
		id, from, prefix+"\xff", page)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		e := Entry{Input: id}
		var value string
		var updated int64
		if err := rows.Scan(&e.Key, &value, &updated); err != nil {
			return nil, err
		}
		e.Value, e.Updated = json.RawMessage(value), time.UnixMilli(updated)
		list = append(list, e)
	}
	return list, rows.Err()
}

// InputInfo sums up what the registry holds of one input.
type InputInfo struct {
	ID      string
	Entries int64
	// Bytes of all keys and values.
	Bytes int64
	// Updated is the time of the last change.
	Updated time.Time
}

// Inputs lists the inputs that have checkpoints, in the order of their ids.
func (r *Registry) Inputs() (list []InputInfo, err error) {
	rows, err := r.db.Query("SELECT input, count(*), sum(length(CAST(key AS BLOB)) + length(CAST(value AS BLOB))), max(updated) FROM checkpoints GROUP BY input ORDER BY input")
	if err != nil {
		return nil, fmt.Errorf("reading registry %q: %w", r.path, explain(r.path, err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var info InputInfo
		var updated int64
		if err := rows.Scan(&info.ID, &info.Entries, &info.Bytes, &updated); err != nil {
			return nil, fmt.Errorf("reading registry %q: %w", r.path, explain(r.path, err))
		}
		info.Updated = time.UnixMilli(updated)
		list = append(list, info)
	}
	return list, rows.Err()
}

// Clear removes all checkpoints of an input in one commit and gives their number.
func (r *Registry) Clear(id string) (int64, error) {
	var changes []change
	for e, err := range r.Entries(id) {
		if err != nil {
			return 0, err
		}
		changes = append(changes, change{input: id, key: e.Key})
	}
	return int64(len(changes)), r.apply(changes)
}
