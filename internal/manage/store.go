package manage

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Store keeps sources and orders. PutAll is one commit: all of it is on disk when it returns, or nothing is; nil values remove their
// keys. The stores of the registry are such.
type Store interface {
	Each(prefix string, fn func(key string, value json.RawMessage) error) error
	PutAll(values map[string]any) error
}

const (
	sourceKey = "source/"
	orderKey  = "order/"
)

// load reads everything.
func load(store Store) (sources map[string]*Source, jobs []*job, err error) {
	sources = map[string]*Source{}
	err = store.Each(sourceKey, func(key string, value json.RawMessage) error {
		s := &Source{}
		if err := json.Unmarshal(value, s); err != nil {
			return fmt.Errorf("reading %s: %w", key, err)
		}
		sources[s.ID] = s
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	err = store.Each(orderKey, func(key string, value json.RawMessage) error {
		j := &job{}
		if err := json.Unmarshal(value, j); err != nil {
			return fmt.Errorf("reading %s: %w", key, err)
		}
		jobs = append(jobs, j)
		return nil
	})
	slices.SortFunc(jobs, func(a, b *job) int { return int(a.Number - b.Number) })
	return sources, jobs, err
}

// change collects what is committed at once.
type change map[string]any

func (c change) source(s *Source) change { c[sourceKey+s.ID] = s; return c }

func (c change) noSource(id string) change { c[sourceKey+id] = nil; return c }

func (c change) job(j *job) change { c[orderKey+j.ID] = j; return c }

func (c change) noJob(id string) change { c[orderKey+id] = nil; return c }
