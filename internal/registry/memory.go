package registry

import (
	"sync"

	"github.com/trailbeat/trailbeat/input"
)

// Memory is a registry without a file, for tests: what it holds is gone with it. The zero value is ready for use.
type Memory struct {
	mu     sync.Mutex
	inputs map[string]*input.MemoryStore
	fail   error
}

// Input gives the store of the input with this id. Stores of the same id share their content.
func (m *Memory) Input(id string) input.Store {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.inputs == nil {
		m.inputs = make(map[string]*input.MemoryStore)
	}
	if m.inputs[id] == nil {
		m.inputs[id] = new(input.MemoryStore)
	}
	return &memoryStore{m: m, MemoryStore: m.inputs[id]}
}

// Fail makes every change from now on fail with err, as a full disk would; nil ends that.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

type memoryStore struct {
	m *Memory
	*input.MemoryStore
}

func (s *memoryStore) Put(key string, v any) error { return s.PutAll(map[string]any{key: v}) }

func (s *memoryStore) Delete(key string) error { return s.PutAll(map[string]any{key: nil}) }

// PutAll is that of the store with a file.
func (s *memoryStore) PutAll(values map[string]any) error {
	s.m.mu.Lock()
	err := s.m.fail
	s.m.mu.Unlock()
	if err != nil {
		return err
	}
	return s.MemoryStore.PutAll(values)
}
