package outputtest

import (
	"context"
	"sync"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// Document is one stored document, as an output's storage holds it.
type Document struct {
	// Index is the data stream, ID the _id. Both are empty where the storage does not keep them.
	Index, ID string
	// JSON is the document.
	JSON []byte
}

// Memory is an output that keeps documents in memory and knows duplicates by data stream and _id, as a search engine
// does. The zero value is ready for use, and safe for concurrent use. Documents outlive Close, so that a test can
// "reopen" it by using it again.
type Memory struct {
	mu     sync.Mutex
	docs   []Document
	known  map[Key]bool
	total  output.Result
	writes int
}

var _ output.Output = (*Memory)(nil)

// Key identifies a document: its data stream and its _id.
type Key struct{ Index, ID string }

// Write implements [output.Output].
func (m *Memory) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	if err := ctx.Err(); err != nil {
		return output.Result{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = make(map[Key]bool)
	}
	m.writes++
	var res output.Result
	for _, ev := range events {
		key := keyOf(ev)
		if key.ID != "" && m.known[key] {
			res.Duplicate++
			continue
		}
		if key.ID != "" {
			m.known[key] = true
		}
		m.docs = append(m.docs, Document{Index: key.Index, ID: key.ID, JSON: ev.AppendJSON(nil)})
		res.Stored++
	}
	m.total.Stored += res.Stored
	m.total.Duplicate += res.Duplicate
	return res, nil
}

// Close implements [output.Output]. It does nothing.
func (m *Memory) Close() error { return nil }

// Documents returns what is stored, in the order of arrival.
func (m *Memory) Documents() []Document {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Document(nil), m.docs...)
}

// Len is the number of stored documents.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.docs)
}

// Total is the sum of all results of Write.
func (m *Memory) Total() output.Result {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.total
}

// Writes counts the calls of Write that were carried out.
func (m *Memory) Writes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes
}

// keyOf copies, as the strings of an event are valid only as long as its batch.
func keyOf(ev *ecs.Event) Key {
	return Key{Index: string([]byte(ev.Meta.Index)), ID: string([]byte(ev.Meta.ID))}
}
