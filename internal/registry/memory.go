package registry

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/trailbeat/trailbeat/input"
)

// Memory is a registry without a file: what it holds is gone with it. The zero value is ready for use.
type Memory struct {
	mu     sync.Mutex
	inputs map[string]map[string]json.RawMessage
	fail   error
}

// Input gives the store of the input with this id. Stores of the same id share their content.
func (m *Memory) Input(id string) input.Store { return &memoryStore{m: m, input: id} }

// Fail makes every change from now on fail with err, as a full disk would; nil ends that.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

type memoryStore struct {
	m     *Memory
	input string
}

func (s *memoryStore) Get(key string, v any) (bool, error) {
	s.m.mu.Lock()
	value, ok := s.m.inputs[s.input][key]
	s.m.mu.Unlock()
	if !ok {
		return false, nil
	}
	return decode("memory", s.input, key, value, v)
}

func (s *memoryStore) Put(key string, v any) error { return s.PutAll(map[string]any{key: v}) }

func (s *memoryStore) Delete(key string) error { return s.PutAll(map[string]any{key: nil}) }

// PutAll is that of the store with a file.
func (s *memoryStore) PutAll(values map[string]any) error {
	encoded := make(map[string]json.RawMessage, len(values))
	for key, v := range values {
		if v == nil {
			encoded[key] = nil
			continue
		}
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encoding the value of %q of input %q: %w", key, s.input, err)
		}
		encoded[key] = text
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.m.fail != nil {
		return s.m.fail
	}
	if s.m.inputs == nil {
		s.m.inputs = make(map[string]map[string]json.RawMessage)
	}
	if s.m.inputs[s.input] == nil {
		s.m.inputs[s.input] = make(map[string]json.RawMessage)
	}
	for key, text := range encoded {
		if text == nil {
			delete(s.m.inputs[s.input], key)
		} else {
			s.m.inputs[s.input][key] = text
		}
	}
	return nil
}

func (s *memoryStore) Each(prefix string, fn func(key string, value json.RawMessage) error) error {
	s.m.mu.Lock()
	type pair struct {
		key   string
		value json.RawMessage
	}
	var pairs []pair
	for key, value := range s.m.inputs[s.input] {
		if strings.HasPrefix(key, prefix) {
			pairs = append(pairs, pair{key, value})
		}
	}
	s.m.mu.Unlock()
	slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	for _, p := range pairs {
		if err := fn(p.key, p.value); err != nil {
			return err
		}
	}
	return nil
}
