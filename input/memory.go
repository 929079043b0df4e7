package input

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// MemoryStore is a Store that lasts as long as the process: for programs that read everything each time, and for tests.
// The zero value is ready for use. It is safe for concurrent use.
type MemoryStore struct {
	mu     sync.Mutex
	values map[string]json.RawMessage
}

// Get decodes the value of key into v.
func (s *MemoryStore) Get(key string, v any) (bool, error) {
	s.mu.Lock()
	value, ok := s.values[key]
	s.mu.Unlock()
	if !ok {
		return false, nil
	}
	if err := json.Unmarshal(value, v); err != nil {
		return false, fmt.Errorf("decoding the value of %q: %w", key, err)
	}
	return true, nil
}

// Put stores v.
func (s *MemoryStore) Put(key string, v any) error { return s.PutAll(map[string]any{key: v}) }

// Delete removes key.
func (s *MemoryStore) Delete(key string) error { return s.PutAll(map[string]any{key: nil}) }

// PutAll stores all values, or none where one cannot be encoded. A nil value removes its key.
func (s *MemoryStore) PutAll(values map[string]any) error {
	encoded := make(map[string]json.RawMessage, len(values))
	for key, v := range values {
		if v == nil {
			encoded[key] = nil
			continue
		}
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encoding the value of %q: %w", key, err)
		}
		encoded[key] = text
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = make(map[string]json.RawMessage)
	}
	for key, text := range encoded {
		if text == nil {
			delete(s.values, key)
		} else {
			s.values[key] = text
		}
	}
	return nil
}

// Each calls fn for every key with the prefix, in the order of the keys. fn may use the store.
func (s *MemoryStore) Each(prefix string, fn func(key string, value json.RawMessage) error) error {
	s.mu.Lock()
	var keys []string
	found := make(map[string]json.RawMessage)
	for key, value := range s.values {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
			found[key] = value
		}
	}
	s.mu.Unlock()
	slices.Sort(keys)
	for _, key := range keys {
		if err := fn(key, found[key]); err != nil {
			return err
		}
	}
	return nil
}
