// Package skim reads a few members of a JSON object and makes sure that the rest of it is valid, without keeping anything.
//
// It is stricter than the parser of the mapping and never more lenient: what it passes over without a fault is a text that the
// parser takes too, down to duplicate keys. What it is not sure about is a fault: keys with escapes, deep nesting, objects
// with many members. Whoever asks must then go the long way.
package skim

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

const (
	maxDepth   = 64 // the parser takes more, but who nests so deep goes the long way
	maxMembers = 64 // of one object: keys are compared with each other
	maxNumber  = 1000
)

// Scanner holds the keys of the open objects. It is reused and belongs to one goroutine.
type Scanner struct {
	src  []byte
	keys []key
}

type key struct {
	hash       uint32
	start, end uint32
}

// Object is an object that is being read. Its zero value is of no use; Open makes one.
type Object struct {
	first  int // its first key in Scanner.keys
	filter uint64
	// At is where the value of the member starts that Next has found; it is set to where the value ends before Next is called
	// again. Once Next has found the end, it is behind the object.
	At    int
	begun bool
	// Bad says that there is a fault.
	Bad bool
}

// Reset starts with another text.
func (s *Scanner) Reset(src []byte) { s.src, s.keys = src, s.keys[:0] }

// Start opens the object that the whole text is.
func (s *Scanner) Start() Object { return s.Open(s.space(0)) }

// Open opens the object that starts at p.
func (s *Scanner) Open(p int) Object {
	o := Object{first: len(s.keys), At: p}
	if p < 0 || p >= len(s.src) || s.src[p] != '{' || len(s.src) > 1<<31-1 {
		o.Bad = true
	}
	return o
}

// Ended reports whether nothing but space follows p.
func (s *Scanner) Ended(p int) bool { return s.space(p) == len(s.src) }

// Next finds the next member and gives its key, which points into the text. It gives false at the end and at a fault.
func (s *Scanner) Next(o *Object) (string, bool) {
	if o.Bad || o.At < 0 {
		o.Bad = true
		return "", false
	}
	src, p := s.src, o.At
	if !o.begun {
		o.begun = true
		p = s.space(p + 1)
		if p < len(src) && src[p] == '}' {
			o.At = p + 1
			return "", false
		}
	} else {
		p = s.space(p)
		if p < len(src) && src[p] == '}' {
			s.keys = s.keys[:o.first]
			o.At = p + 1
			return "", false
		}
		if p >= len(src) || src[p] != ',' {
			o.Bad = true
			return "", false
		}
		p = s.space(p + 1)
	}
	if p >= len(src) || src[p] != '"' {
		o.Bad = true
		return "", false
	}
	start := p + 1
	end, escaped := s.text(start)
	if end < 0 || escaped || !s.unique(o, start, end) {
		o.Bad = true
		return "", false
	}
	if p = s.space(end + 1); p >= len(src) || src[p] != ':' {
		o.Bad = true
		return "", false
	}
	o.At = s.space(p + 1)
	return view(src[start:end]), true
}

// unique notes a key and reports whether it is new in its object.
func (s *Scanner) unique(o *Object, start, end int) bool {
	k := key{hash(s.src[start:end]), uint32(start), uint32(end)}
	bit := uint64(1) << (k.hash >> 26)
	if o.filter&bit != 0 {
		for _, other := range s.keys[o.first:] {
			if other.hash == k.hash && string(s.src[other.start:other.end]) == string(s.src[start:end]) {
				return false
			}
		}
	}
	o.filter |= bit
	s.keys = append(s.keys, k)
	return len(s.keys)-o.first <= maxMembers
}

// hash mixes the length, the first and the last bytes of a key. Equal hashes are compared, so all that matters is that usual
// keys differ.
func hash(b []byte) uint32 {
	n := len(b)
	var x, y uint64
	switch {
	case n >= 8:
		x, y = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	case n >= 4:
		x, y = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[n-4:]))
	case n > 0:
		x, y = uint64(b[0])|uint64(b[n/2])<<8, uint64(b[n-1])
	}
	h := (x ^ bits.RotateLeft64(y, 29) ^ uint64(n)<<56) * 0x9e3779b97f4a7c15
	return uint32(h >> 32)
}

// Skip passes over the value at p and gives where it ends, -1 at a fault.
func (s *Scanner) Skip(p int) int { return s.skip(p, 0) }

func (s *Scanner) skip(p, depth int) int {
	src := s.src
	if p < 0 || p >= len(src) {
		return -1
	}
	switch src[p] {
	case '"':
		end, _ := s.text(p + 1)
		if end < 0 {
			return -1
		}
		return end + 1
	case '{':
		if depth == maxDepth {
			return -1
		}
		o := s.Open(p)
		for {
			if _, ok := s.Next(&o); !ok {
				break
			}
			o.At = s.skip(o.At, depth+1)
		}
		if o.Bad {
			return -1
		}
		return o.At
	case '[':
		if depth == maxDepth {
			return -1
		}
		if p = s.space(p + 1); p < len(src) && src[p] == ']' {
			return p + 1
		}
		for {
			if p = s.skip(p, depth+1); p < 0 {
				return -1
			}
			if p = s.space(p); p >= len(src) {
				return -1
			}
			switch src[p] {
			case ',':
				p = s.space(p + 1)
			case ']':
				return p + 1
			default:
				return -1
			}
		}
	case 't':
		return s.word(p, "true")
	case 'f':
		return s.word(p, "false")
	case 'n':
		return s.word(p, "null")
	}
	return s.number(p)
}

func (s *Scanner) word(p int, word string) int {
	if len(s.src)-p < len(word) || string(s.src[p:p+len(word)]) != word {
		return -1
	}
	return p + len(word)
}

// number passes over a number by the grammar of JSON.
func (s *Scanner) number(p int) int {
	src, start := s.src, p
	if src[p] == '-' {
		p++
	}
	whole := s.digits(p)
	if whole == p || src[p] == '0' && whole > p+1 {
		return -1
	}
	p = whole
	if p < len(src) && src[p] == '.' {
		fraction := s.digits(p + 1)
		if fraction == p+1 {
			return -1
		}
		p = fraction
	}
	if p < len(src) && src[p]|0x20 == 'e' {
		p++
		if p < len(src) && (src[p] == '+' || src[p] == '-') {
			p++
		}
		exponent := s.digits(p)
		if exponent == p {
			return -1
		}
		p = exponent
	}
	if p-start > maxNumber {
		return -1
	}
	return p
}

func (s *Scanner) digits(p int) int {
	for p < len(s.src) && s.src[p]-'0' <= 9 {
		p++
	}
	return p
}

// Text gives the string at p, which points into the text, and where the value ends. ok is false where it is no string, has
// escapes, or is faulty.
func (s *Scanner) Text(p int) (text string, end int, ok bool) {
	if p < 0 || p >= len(s.src) || s.src[p] != '"' {
		return "", -1, false
	}
	end, escaped := s.text(p + 1)
	if end < 0 || escaped {
		return "", -1, false
	}
	return view(s.src[p+1 : end]), end + 1, true
}

// First is the first byte of the value at p, which tells its kind; 0 where there is none.
func (s *Scanner) First(p int) byte {
	if p < 0 || p >= len(s.src) {
		return 0
	}
	return s.src[p]
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// text finds the quote that ends the string whose first character is at p; -1 at a fault. Eight bytes at a time, as most of
// a record is strings.
func (s *Scanner) text(p int) (end int, escaped bool) {
	src := s.src
	for {
		for p+8 <= len(src) {
			w := binary.LittleEndian.Uint64(src[p:])
			quote, slash := w^'"'*ones, w^'\\'*ones
			m := ((w-0x20*ones)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs
			if m != 0 {
				p += bits.TrailingZeros64(m) >> 3 // the lowest mark is exact
				break
			}
			p += 8
		}
		for p < len(src) && src[p] != '"' && src[p] != '\\' && src[p] >= 0x20 {
			p++
		}
		switch {
		case p >= len(src) || src[p] < 0x20:
			return -1, escaped
		case src[p] == '"':
			return p, escaped
		}
		escaped = true
		if p = s.escape(p); p < 0 {
			return -1, escaped
		}
	}
}

// escape passes over the escape at p.
func (s *Scanner) escape(p int) int {
	src := s.src
	if p+1 >= len(src) {
		return -1
	}
	switch src[p+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return p + 2
	case 'u':
		if p+6 > len(src) {
			return -1
		}
		for _, c := range src[p+2 : p+6] {
			if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				return -1
			}
		}
		return p + 6
	}
	return -1
}

func (s *Scanner) space(p int) int {
	src := s.src
	for p >= 0 && p < len(src) && (src[p] == ' ' || src[p] == '\n' || src[p] == '\t' || src[p] == '\r') {
		p++
	}
	return p
}

func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
