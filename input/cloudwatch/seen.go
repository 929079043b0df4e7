package cloudwatch

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// eventKey stands for one log event: its time and a hash of its id. The hash is wide enough that two events never share
// one, as the second would be lost.
type eventKey struct {
	at   int64 // milliseconds
	hash [16]byte
}

// keyOf makes the key of a log event. An event without an id, which AWS does not have, is known by its content.
func keyOf(stream, id, message string, at, ingested int64) eventKey {
	text := id
	if id == "" {
		text = string(binary.BigEndian.AppendUint64([]byte(stream+"\xff"), uint64(ingested))) + message
	}
	sum := sha256.Sum256([]byte(text))
	return eventKey{at: at, hash: [16]byte(sum[:16])}
}

// bucketMillis is how much time shares a bucket. Forgetting goes bucket by bucket.
const bucketMillis = 60_000

// seen is a set of events that were handed out. It forgets those that will not be read again, and takes no more than max.
// Those beyond max are not remembered, instead of the oldest being forgotten: each pass reads the overlap from its start, and a set
// that always forgets what is read next would remember nothing of use.
type seen struct {
	max     int
	n       int
	buckets map[int64]map[eventKey]struct{}
}

func newSeen(limit int) *seen {
	return &seen{max: limit, buckets: make(map[int64]map[eventKey]struct{})}
}

// add remembers an event; false says that it was known.
func (s *seen) add(k eventKey) bool {
	b := s.buckets[k.at/bucketMillis]
	if _, known := b[k]; known {
		return false
	}
	if s.n >= s.max {
		return true
	}
	if b == nil {
		b = make(map[eventKey]struct{})
		s.buckets[k.at/bucketMillis] = b
	}
	b[k] = struct{}{}
	s.n++
	return true
}

// remove forgets an event that was not delivered.
func (s *seen) remove(k eventKey) {
	b := s.buckets[k.at/bucketMillis]
	if _, known := b[k]; known {
		delete(b, k)
		s.n--
	}
}

// forget drops what is before a time, give or take a bucket.
func (s *seen) forget(before int64) {
	for at, b := range s.buckets {
		if (at+1)*bucketMillis <= before {
			s.n -= len(b)
			delete(s.buckets, at)
		}
	}
}

// savedMax is how many events a stop puts into the registry for the next start: 24 bytes each, a third more as text.
const savedMax = 10_000

// savedSeen is what a stop leaves, so that the overlap does not come again after it.
type savedSeen struct {
	Version int `json:"version"`
	// Events: base64 of, for each, 8 bytes of time and 16 of hash.
	Events string `json:"events"`
}

// save gives the newest events from a time on that are not excepted.
func (s *seen) save(from int64, except map[eventKey]struct{}) savedSeen {
	var keys []eventKey
	for _, b := range s.buckets {
		for k := range b {
			if _, no := except[k]; !no && k.at >= from {
				keys = append(keys, k)
			}
		}
	}
	slices.SortFunc(keys, func(a, b eventKey) int { return int(min(max(b.at-a.at, -1), 1)) })
	var data []byte
	for _, k := range keys[:min(len(keys), savedMax)] {
		data = append(binary.BigEndian.AppendUint64(data, uint64(k.at)), k.hash[:]...)
	}
	return savedSeen{Version: 1, Events: base64.StdEncoding.EncodeToString(data)}
}

// load takes in what save gave. What it cannot read it leaves out: that costs duplicates and loses nothing.
func (s *seen) load(saved savedSeen) {
	data, err := base64.StdEncoding.DecodeString(saved.Events)
	if err != nil || saved.Version != 1 {
		return
	}
	for ; len(data) >= 24; data = data[24:] {
		s.add(eventKey{at: int64(binary.BigEndian.Uint64(data)), hash: [16]byte(data[8:24])})
	}
}
