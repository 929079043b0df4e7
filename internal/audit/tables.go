package audit

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
)

// kind is what is to become of an event.
type kind uint8

const (
	// expected events have a document in the output.
	expected kind = iota
	// filtered events have none on purpose.
	filtered
	// buried events are dead letters, as they cannot be mapped or a rule says so.
	buried
	// elsewhere are events that a rule of routing sends to another output.
	elsewhere
	// stored are documents.
	stored
	// letter are dead letters that are there.
	letter
)

// group is what many events have in common.
type group struct {
	kind kind
	// plain says that the _id can be had back from the key.
	plain           bool
	account, region string
	// rule is that of a filtered event, and for others target is where they are or should be.
	rule string
	target
}

// target is a data stream in an output; the output is empty for the one that is there without rules.
type target struct{ output, index string }

// maxGroups bounds the table. There are as many as there are accounts times regions times rules; what is beyond has no name.
const maxGroups = 1 << 18

// groups number the groups. Safe for concurrent use.
type groups struct {
	mu     sync.RWMutex
	number map[group]uint32
	list   []group
}

func newGroups() *groups { return &groups{number: map[group]uint32{}} }

// of gives the number of a group. The strings of it may be gone afterwards.
func (g *groups) of(k group) uint32 {
	g.mu.RLock()
	n, ok := g.number[k]
	g.mu.RUnlock()
	if ok {
		return n
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if n, ok := g.number[k]; ok {
		return n
	}
	if len(g.list) >= maxGroups {
		k.account, k.region, k.rule = "", "", ""
		if n, ok := g.number[k]; ok {
			return n
		}
	}
	k.account, k.region, k.rule, k.index = strings.Clone(k.account), strings.Clone(k.region), strings.Clone(k.rule), strings.Clone(k.index)
	k.output = strings.Clone(k.output)
	n = uint32(len(g.list))
	g.list = append(g.list, k)
	g.number[k] = n
	return n
}

func (g *groups) at(n uint32) *group {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return &g.list[n]
}

// targets are the data streams that documents are expected in.
func (g *groups) targets() []target {
	g.mu.RLock()
	defer g.mu.RUnlock()
	seen := map[target]bool{}
	var list []target
	for _, k := range g.list {
		if k.kind == expected && !seen[k.target] {
			seen[k.target] = true
			list = append(list, k.target)
		}
	}
	return list
}

// places number the objects that records stand in. The names are on disk. Safe for concurrent use.
type places struct {
	dir string

	mu     sync.Mutex
	names  *scratch
	starts *scratch // where each name begins and how long it is
	end    int64
	count  uint32
	recent map[string]uint32
}

// maxRecent bounds the names in memory. One that was forgotten gets a second number, which does no harm.
const maxRecent = 4096

// placeBytes is the length of an entry of starts.
const placeBytes = 12

func newPlaces(dir string) *places { return &places{dir: dir, recent: map[string]uint32{}} }

// of gives the number of an object; 0 for none.
func (p *places) of(name string) (uint32, error) {
	if name == "" {
		return 0, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n, ok := p.recent[name]; ok {
		return n, nil
	}
	if p.names == nil {
		var err error
		if p.names, err = newScratch(p.dir); err != nil {
			return 0, err
		}
		if p.starts, err = newScratch(p.dir); err != nil {
			return 0, err
		}
	}
	var b [placeBytes]byte
	binary.LittleEndian.PutUint64(b[:], uint64(p.end))
	binary.LittleEndian.PutUint32(b[8:], uint32(len(name)))
	if _, err := p.names.WriteString(name); err != nil {
		return 0, fmt.Errorf("writing temporary file in %q: %w", p.dir, err)
	}
	if _, err := p.starts.Write(b[:]); err != nil {
		return 0, fmt.Errorf("writing temporary file in %q: %w", p.dir, err)
	}
	p.end += int64(len(name))
	p.count++
	if len(p.recent) >= maxRecent {
		clear(p.recent)
	}
	p.recent[strings.Clone(name)] = p.count
	return p.count, nil
}

// at gives the name of a number.
func (p *places) at(n uint32) (string, error) {
	if n == 0 {
		return "", nil
	}
	var b [placeBytes]byte
	if _, err := p.starts.ReadAt(b[:], int64(n-1)*placeBytes); err != nil {
		return "", fmt.Errorf("reading a temporary file: %w", err)
	}
	name := make([]byte, binary.LittleEndian.Uint32(b[8:]))
	if _, err := p.names.ReadAt(name, int64(binary.LittleEndian.Uint64(b[:]))); err != nil {
		return "", fmt.Errorf("reading a temporary file: %w", err)
	}
	return string(name), nil
}

func (p *places) close() error {
	if p.names == nil {
		return nil
	}
	err := p.names.close()
	if p.starts != nil {
		if e := p.starts.close(); err == nil {
			err = e
		}
	}
	return err
}
