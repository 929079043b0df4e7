package s3

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hashes remembers what is done: 8 bytes for each object, in parts of one hour, so that a checkpoint writes one part and old ones
// are dropped as a whole.
type hashes struct {
	parts map[int64]map[uint64]struct{}
	dirty map[int64]bool
}

// odd is the part of keys that belong to no hour. It is never dropped.
const odd = math.MinInt64

func newHashes() hashes {
	return hashes{parts: make(map[int64]map[uint64]struct{}), dirty: make(map[int64]bool)}
}

func hourOf(t time.Time) int64 { return int64(math.Floor(float64(t.Unix()) / 3600)) }

// sum is FNV-1a, mixed once more: its upper bits vary little between keys that only differ at the end.
func sum(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0})
	}
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}

func (h hashes) has(part int64, x uint64) bool {
	_, ok := h.parts[part][x]
	return ok
}

func (h hashes) add(part int64, x uint64) {
	if h.parts[part] == nil {
		h.parts[part] = make(map[uint64]struct{})
	}
	h.parts[part][x] = struct{}{}
	h.dirty[part] = true
}

// dropBefore forgets the parts before the hour.
func (h hashes) dropBefore(hour int64) {
	for part := range h.parts {
		if part < hour && part != odd {
			delete(h.parts, part)
			h.dirty[part] = true
		}
	}
}

func (h hashes) len() int {
	n := 0
	for _, part := range h.parts {
		n += len(part)
	}
	return n
}

// changes puts what changed into the map, nil for parts that are gone, and begins anew.
func (h hashes) changes(prefix string, into map[string]any) {
	for part := range h.dirty {
		if set := h.parts[part]; len(set) > 0 {
			into[prefix+partName(part)] = encode(set)
		} else {
			into[prefix+partName(part)] = nil
		}
	}
	clear(h.dirty)
}

// load takes a part that was stored.
func (h hashes) load(name, text string) error {
	part := int64(odd)
	if name != "other" {
		t, err := time.Parse(partLayout, name)
		if err != nil {
			return fmt.Errorf("decoding the hour %q: %w", name, err)
		}
		part = hourOf(t)
	}
	set, err := decode(text)
	if err != nil {
		return fmt.Errorf("decoding the objects of hour %q: %w", name, err)
	}
	h.parts[part] = set
	return nil
}

const partLayout = "2006-01-02T15"

func partName(part int64) string {
	if part == odd {
		return "other"
	}
	return time.Unix(part*3600, 0).UTC().Format(partLayout)
}

// encode writes the number of entries and then 8 bytes each: the number tells a text that was cut.
func encode(set map[uint64]struct{}) string {
	list := make([]uint64, 0, len(set))
	for x := range set {
		list = append(list, x)
	}
	slices.Sort(list)
	data := make([]byte, 0, 8*len(list))
	for _, x := range list {
		data = binary.BigEndian.AppendUint64(data, x)
	}
	return strconv.Itoa(len(list)) + ":" + base64.StdEncoding.EncodeToString(data)
}

func decode(text string) (map[uint64]struct{}, error) {
	count, body, _ := strings.Cut(text, ":")
	n, err := strconv.Atoi(count)
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		return nil, err
	}
	if len(data) != 8*n {
		return nil, fmt.Errorf("%d entries should be there, there are %d bytes", n, len(data))
	}
	set := make(map[uint64]struct{}, n)
	for ; len(data) > 0; data = data[8:] {
		set[binary.BigEndian.Uint64(data)] = struct{}{}
	}
	return set, nil
}
