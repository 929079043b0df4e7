package verifytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/trailbeat/trailbeat/input/trailstore"
)

// Sink takes files.
type Sink interface {
	Put(bucket, key string, body []byte, metadata map[string]string) error
}

// Object is one file of a Store.
type Object struct {
	Body     []byte
	Metadata map[string]string
}

// Store is a trailstore.Store and a Sink in memory, of any number of buckets. The zero value is ready for use. Safe for concurrent use.
type Store struct {
	// Own is the bucket that Bucket names.
	Own string
	// OnOpen, where it is set, is asked before each Open; an error is its answer.
	OnOpen func(bucket, key string) error

	mu      sync.Mutex
	objects map[string]Object
	sorted  []string // nil after a change
}

// Put is part of Sink.
func (s *Store) Put(bucket, key string, body []byte, metadata map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects == nil {
		s.objects = map[string]Object{}
	}
	s.objects[bucket+"/"+key] = Object{bytes.Clone(body), maps.Clone(metadata)}
	s.sorted = nil
	return nil
}

// Get gives a file; changing it changes the store only with another Put.
func (s *Store) Get(bucket, key string) Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[bucket+"/"+key]
	return Object{bytes.Clone(o.Body), maps.Clone(o.Metadata)}
}

// Remove deletes a file.
func (s *Store) Remove(bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, bucket+"/"+key)
	s.sorted = nil
}

// Copy writes all of it elsewhere.
func (s *Store) Copy(to Sink) error {
	for _, name := range s.names() {
		bucket, key, _ := strings.Cut(name, "/")
		o := s.Get(bucket, key)
		if err := to.Put(bucket, key, o.Body, o.Metadata); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sorted == nil {
		s.sorted = slices.Sorted(maps.Keys(s.objects))
	}
	return s.sorted
}

// Name is part of trailstore.Store.
func (s *Store) Name() string { return "s3://" + s.Own }

// Bucket is part of trailstore.Store.
func (s *Store) Bucket() string { return s.Own }

// Folders is part of trailstore.Store.
func (s *Store) Folders(_ context.Context, bucket, prefix string) ([]string, error) {
	var list []string
	for _, name := range s.names() {
		rest, ok := strings.CutPrefix(name, bucket+"/"+prefix)
		folder, _, deeper := strings.Cut(rest, "/")
		if f := prefix + folder + "/"; ok && deeper && !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list, nil
}

// List is part of trailstore.Store.
func (s *Store) List(_ context.Context, bucket, prefix, after string) iter.Seq2[trailstore.Entry, error] {
	return func(yield func(trailstore.Entry, error) bool) {
		names := s.names()
		from, _ := slices.BinarySearch(names, bucket+"/"+max(prefix, after))
		for _, name := range names[from:] {
			key := strings.TrimPrefix(name, bucket+"/")
			if !strings.HasPrefix(name, bucket+"/"+prefix) {
				return
			}
			if key > after && !yield(trailstore.Entry{Key: key, Size: int64(len(s.Get(bucket, key).Body))}, nil) {
				return
			}
		}
	}
}

// Open is part of trailstore.Store.
func (s *Store) Open(_ context.Context, bucket, key string) (*trailstore.File, error) {
	if s.OnOpen != nil {
		if err := s.OnOpen(bucket, key); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[bucket+"/"+key]
	if !ok {
		return nil, fmt.Errorf("reading s3://%s/%s: %w", bucket, key, trailstore.ErrNotExist)
	}
	return &trailstore.File{ReadCloser: io.NopCloser(bytes.NewReader(o.Body)), Metadata: o.Metadata}, nil
}

// Dir is a Sink that writes into a folder, the keys of all buckets below one another.
type Dir struct {
	Root string
	// Metadata says that those of objects are kept, each in a file of its own beside the object, as trailstore.Folder reads them.
	Metadata bool
}

// Put is part of Sink.
func (d Dir) Put(_, key string, body []byte, metadata map[string]string) error {
	name := filepath.Join(d.Root, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(name, body, 0o644); err != nil {
		return err
	}
	if len(metadata) == 0 || !d.Metadata {
		return nil
	}
	text, err := json.Marshal(map[string]any{"Metadata": metadata})
	if err != nil {
		return err
	}
	return os.WriteFile(name+trailstore.MetadataSuffix, text, 0o644)
}
