// Package seen remembers which events of a stretch of time were handed out, so that reading it again delivers nothing twice.
package seen

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// Key stands for one event: its time and a hash of its id. The hash is wide enough that two events never share one, as the
// second would be lost.
type Key struct {
	// At is the time of the event in milliseconds since 1970.
	At   int64
	hash [16]byte
}

// KeyOf makes the key of an event of which text, such as its id, is all that tells it from others.
func KeyOf(text string, at int64) Key {
	sum := sha256.Sum256([]byte(text))
	return Key{At: at, hash: [16]byte(sum[:16])}
}

// bucketMillis is how much time shares a bucket. Forgetting goes bucket by bucket.
const bucketMillis = 60_000

// Set is a set of events that were handed out. It forgets those that will not be read again, and takes no more than max.
// Those beyond max are not remembered, instead of the oldest being forgotten: each pass reads the overlap from its start, and a set
// that always forgets what is read next would remember nothing of use. It is not safe for concurrent use.
type Set struct {
	max     int
	n       int
	buckets map[int64]map[Key]struct{}
}

// New makes a set of limit events at most; 0 remembers none.
func New(limit int) *Set {
	return &Set{max: limit, buckets: make(map[int64]map[Key]struct{})}
}

// Add remembers an event; false says that it was known.
func (s *Set) Add(k Key) bool {
	b := s.buckets[k.At/bucketMillis]
	if _, known := b[k]; known {
		return false
	}
	if s.n >= s.max {
		return true
	}
	if b == nil {
		b = make(map[Key]struct{})
		s.buckets[k.At/bucketMillis] = b
	}
	b[k] = struct{}{}
	s.n++
	return true
}

// Has says that an event is remembered.
func (s *Set) Has(k Key) bool {
	_, known := s.buckets[k.At/bucketMillis][k]
	return known
}

// Remove forgets an event that was not delivered.
func (s *Set) Remove(k Key) {
	b := s.buckets[k.At/bucketMillis]
	if _, known := b[k]; known {
		delete(b, k)
		s.n--
	}
}

// Len is how many are remembered.
func (s *Set) Len() int { return s.n }

// Forget drops what is before a time, give or take a bucket.
func (s *Set) Forget(before int64) {
	for at, b := range s.buckets {
		if (at+1)*bucketMillis <= before {
			s.n -= len(b)
			delete(s.buckets, at)
		}
	}
}

// Since gives a set of the same size with the events from a time on, in milliseconds since 1970.
func (s *Set) Since(from int64) *Set {
	other := New(s.max)
	for at, b := range s.buckets {
		if (at+1)*bucketMillis <= from {
			continue
		}
		for k := range b {
			if k.At >= from {
				other.Add(k)
			}
		}
	}
	return other
}

// SavedMax is how many events a stop puts into the registry for the next start: 24 bytes each, a third more as text.
const SavedMax = 10_000

// Saved is what a stop leaves, so that the overlap does not come again after it.
type Saved struct {
	Version int `json:"version"`
	// Events: base64 of, for each, 8 bytes of time and 16 of hash.
	Events string `json:"events"`
}

// Save gives the newest events from a time on that are not excepted.
func (s *Set) Save(from int64, except map[Key]struct{}) Saved {
	var keys []Key
	for _, b := range s.buckets {
		for k := range b {
			if _, no := except[k]; !no && k.At >= from {
				keys = append(keys, k)
			}
		}
	}
	slices.SortFunc(keys, func(a, b Key) int { return int(min(max(b.At-a.At, -1), 1)) })
	var data []byte
	for _, k := range keys[:min(len(keys), SavedMax)] {
		data = append(binary.BigEndian.AppendUint64(data, uint64(k.At)), k.hash[:]...)
	}
	return Saved{Version: 1, Events: base64.StdEncoding.EncodeToString(data)}
}

// Load takes in what Save gave. What it cannot read it leaves out: that costs duplicates and loses nothing.
func (s *Set) Load(saved Saved) {
	data, err := base64.StdEncoding.DecodeString(saved.Events)
	if err != nil || saved.Version != 1 {
		return
	}
	for ; len(data) >= 24; data = data[24:] {
		s.Add(Key{At: int64(binary.BigEndian.Uint64(data)), hash: [16]byte(data[8:24])})
	}
}
