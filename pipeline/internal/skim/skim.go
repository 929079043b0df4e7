// Package skim reads a few members of a JSON object and makes sure that the rest of it is valid, without keeping anything.
//
// It is stricter than the parser of the mapping and never more lenient: what it passes over without a fault is a text that the
// parser takes too, down to duplicate keys. What it is not sure about is a fault: keys with escapes, deep nesting, objects
// with many members. Whoever asks must then go the long way.
package skim

import (
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/trailbeat/trailbeat/internal/marks"
)

const (
	maxDepth  = 64 // the parser takes more, but who nests so deep goes the long way
	maxNumber = 1000
	maxText   = 1<<31 - 1
	maxValues = 64

	separator = "\n" // stands between keys, as no key can have it
)

// State says how far a Scanner came.
type State uint8

// The states.
const (
	Fault   State = iota // the text is not valid, or it is not certain that it is
	Known                // all that was asked for is known, but the rest of the text was not looked at; Go goes on
	Through              // the whole text is valid
)

// Scanner keeps some values of a text. It is reused, remembers what its texts look like, and belongs to one goroutine.
type Scanner struct {
	// Seen has a bit for each value that is there.
	Seen uint64

	src    []byte
	marks  marks.Marks
	values [maxValues]span
	need   uint64 // of covers, for Known
	known  uint64
	open   []frame // around top
	top    frame
	at     int // where to go on

	places  []place
	table   []int32 // open, of places by parent and key
	objects map[objectKey]int32
	full    bool
	wanted  map[string]want
	inside  map[string]bool // paths of objects with members that are wanted
	careful careful
}

type want struct {
	value  int8
	covers uint64
}

type span struct {
	start, end uint32
	escaped    bool
}

// frame is an open container.
type frame struct {
	start int
	at    int32 // in an object the place of the last key, in an array 0
	items int32 // in an array where its objects start; 0: they cannot be remembered
}

// Want asks for the value of a member. path are the keys that lead there, with dots. value is its number, below 64. It is called
// before the first text.
func (s *Scanner) Want(value int, path string) {
	if s.wanted == nil {
		s.wanted, s.inside = make(map[string]want), make(map[string]bool)
	}
	path = strings.ReplaceAll(path, ".", separator)
	w := s.wanted[path]
	w.value = int8(value + 1)
	s.wanted[path] = w
	for i := range path {
		if path[i] == separator[0] {
			s.inside[path[:i+1]] = true
		}
	}
}

// Covers says what is known once a member of the record itself is over. It is called before the first text.
func (s *Scanner) Covers(member string, known uint64) {
	if s.wanted == nil {
		s.wanted, s.inside = make(map[string]want), make(map[string]bool)
	}
	w := s.wanted[member]
	w.covers |= known
	s.wanted[member] = w
}

// Reset starts with another text, and gives Known when all of need is.
func (s *Scanner) Reset(src []byte, need uint64) {
	if len(s.places) == 0 || s.full {
		s.forget()
	}
	s.src, s.need, s.known, s.Seen = src, need, 0, 0
	s.open, s.top, s.at = s.open[:0], frame{}, 0
	if len(src) > maxText {
		s.src = nil
		return
	}
	s.careful.src = src
	var ascii bool
	if s.marks, ascii = s.marks.Of(src); !ascii && !utf8.Valid(src) {
		s.src = nil
		return
	}
	p := space(src, 0)
	if p == len(src) || src[p] != '{' {
		s.src = nil
		return
	}
	s.top, s.at = frame{start: p, at: 1}, p+1
}

// Go reads on.
func (s *Scanner) Go() State {
	src, p, top := s.src, s.at, s.top
	if src == nil {
		return Fault
	}
	var at int32 // the place of the key whose value comes; 0 in an array
	first := top.at == 1
	if first {
		if p = space(src, p); p < len(src) && src[p] == '}' {
			return s.end(p + 1)
		}
	}
	if !first {
		goto after
	}
key:
	at = s.places[top.at].next
	if k := s.places[at].quoted; len(src)-p > len(k) && string(src[p:p+len(k)]) == k {
		p += len(k)
	} else {
		if p, at = s.find(p, top.at); at == 0 {
			// The object is read once more, by who remembers nothing.
			if len(s.open) == 0 || s.places[top.at].within {
				return Fault
			}
			s.careful.keys = s.careful.keys[:0]
			if p = s.careful.skip(top.start, len(s.open)); p < 0 {
				return Fault
			}
			goto closed
		}
	}
	top.at = at
value:
	if p >= len(src) {
		return Fault
	}
	switch c := src[p]; {
	case c == '"':
		start := p
		p = s.marks.Next(p + 1)
		escaped := false
		if p >= len(src) || src[p] != '"' {
			escaped = true
			if p = s.escaped(p); p < 0 {
				return Fault
			}
		}
		p++
		if v := s.places[at].value; v != 0 {
			s.keep(v, span{uint32(start), uint32(p), escaped})
		}
	case c == '{' || c == '[':
		if len(s.open) == maxDepth-1 {
			return Fault
		}
		if v := s.places[at].value; v != 0 {
			s.keep(v, span{start: uint32(p)})
		}
		inside := frame{start: p}
		if c == '{' {
			if inside.at = top.items; at != 0 {
				if inside.at = s.places[at].inner; inside.at == 0 {
					inside.at = s.object(at, false)
				}
			}
			if inside.at == 0 {
				return Fault
			}
			if p = space(src, p+1); p < len(src) && src[p] == '}' {
				p++
				break
			}
			s.open = append(s.open, top)
			top = inside
			goto key
		}
		if inside.items = top.items; at != 0 {
			if inside.items = s.places[at].items; inside.items == 0 {
				inside.items = s.object(at, true)
			}
		}
		if p = space(src, p+1); p < len(src) && src[p] == ']' {
			p++
			break
		}
		s.open = append(s.open, top)
		top, at = inside, 0
		goto value
	case c <= ' ':
		q := space(src, p)
		if q == p {
			return Fault
		}
		p = q
		goto value
	default:
		start := p
		if p = scalar(src, p); p < 0 {
			return Fault
		}
		if v := s.places[at].value; v != 0 {
			s.keep(v, span{start: uint32(start), end: uint32(p)})
		}
	}
over:
	if c := s.places[top.at].covers; c != 0 {
		if s.known |= c; s.need != 0 && s.need&^s.known == 0 {
			s.need, s.at, s.top = 0, p, top
			return Known
		}
	}
after:
	if p+1 < len(src) && src[p] == ',' && src[p+1] == '"' && top.at != 0 {
		p++
		goto key
	}
	if p = space(src, p); p >= len(src) {
		return Fault
	}
	switch c := src[p]; {
	case c == ',':
		p = space(src, p+1)
		if top.at != 0 {
			goto key
		}
		at = 0
		goto value
	case c == '}' && top.at != 0, c == ']' && top.at == 0:
		p++
	default:
		return Fault
	}
closed:
	if n := len(s.open); n > 0 {
		top = s.open[n-1]
		s.open = s.open[:n-1]
		goto over
	}
	return s.end(p)
}

// end looks at what stands behind the record.
func (s *Scanner) end(p int) State {
	if space(s.src, p) != len(s.src) {
		return Fault
	}
	return Through
}

func (s *Scanner) keep(value int8, v span) {
	s.Seen |= 1 << (value - 1)
	s.values[(value-1)%maxValues] = v
}

// escaped goes on at a mark that is no quote, and finds the one that ends the string; -1 at a fault.
func (s *Scanner) escaped(p int) int {
	for p < len(s.src) {
		switch s.src[p] {
		case '"':
			return p
		case '\\':
			if p = escape(s.src, p); p < 0 {
				return -1
			}
			p = s.marks.Next(p)
		default:
			return -1
		}
	}
	return -1
}

// scalar passes over a value that is no string and no container.
func scalar(src []byte, p int) int {
	switch src[p] {
	case 't':
		return word(src, p, "true")
	case 'f':
		return word(src, p, "false")
	case 'n':
		return word(src, p, "null")
	}
	return number(src, p)
}

// First is the first byte of a value that was seen, which tells its kind.
func (s *Scanner) First(value int) byte { return s.src[s.values[value%maxValues].start] }

// From is the text from the first byte of a value that was seen. The value is whole and valid if Go has come behind it.
func (s *Scanner) From(value int) []byte { return s.src[s.values[value%maxValues].start:] }

// Text gives a value that was seen, which points into the text. ok is false where it is no string or has escapes.
func (s *Scanner) Text(value int) (text string, ok bool) {
	v := s.values[value%maxValues]
	if s.src[v.start] != '"' || v.escaped {
		return "", false
	}
	b := s.src[v.start+1 : v.end-1]
	return unsafe.String(unsafe.SliceData(b), len(b)), true
}
