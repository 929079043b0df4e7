package skim

import (
	"encoding/binary"
	"math/bits"
)

// careful passes over values whose keys cannot be remembered: each key is compared with the others of its object.
type careful struct {
	src  []byte
	keys []key
}

type key struct {
	hash       uint32
	start, end uint32
}

// object is an object that is being read.
type object struct {
	first  int // its first key in careful.keys
	filter uint64
	at     int // where the value of the member starts that next has found, and then where it ends; in the end, behind the object
	begun  bool
	bad    bool // there is a fault
}

// next finds the next member. It gives false at the end and at a fault.
func (s *careful) next(o *object) bool {
	if o.bad || o.at < 0 {
		o.bad = true
		return false
	}
	src, p := s.src, o.at
	if !o.begun {
		o.begun = true
		p = space(src, p+1)
		if p < len(src) && src[p] == '}' {
			o.at = p + 1
			return false
		}
	} else {
		p = space(src, p)
		if p < len(src) && src[p] == '}' {
			s.keys = s.keys[:o.first]
			o.at = p + 1
			return false
		}
		if p >= len(src) || src[p] != ',' {
			o.bad = true
			return false
		}
		p = space(src, p+1)
	}
	if p >= len(src) || src[p] != '"' {
		o.bad = true
		return false
	}
	start := p + 1
	end, escaped := s.text(start)
	if end < 0 || escaped || !s.unique(o, start, end) {
		o.bad = true
		return false
	}
	if p = space(src, end+1); p >= len(src) || src[p] != ':' {
		o.bad = true
		return false
	}
	o.at = space(src, p+1)
	return true
}

// unique notes a key and reports whether it is new in its object.
func (s *careful) unique(o *object, start, end int) bool {
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

// skip passes over the value at p, at so many levels below the record, and gives where it ends, -1 at a fault.
func (s *careful) skip(p, depth int) int {
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
		o := object{first: len(s.keys), at: p}
		for s.next(&o) {
			o.at = s.skip(o.at, depth+1)
		}
		if o.bad {
			return -1
		}
		return o.at
	case '[':
		if depth == maxDepth {
			return -1
		}
		if p = space(src, p+1); p < len(src) && src[p] == ']' {
			return p + 1
		}
		for {
			if p = s.skip(p, depth+1); p < 0 {
				return -1
			}
			if p = space(src, p); p >= len(src) {
				return -1
			}
			switch src[p] {
			case ',':
				p = space(src, p+1)
			case ']':
				return p + 1
			default:
				return -1
			}
		}
	case 't':
		return word(src, p, "true")
	case 'f':
		return word(src, p, "false")
	case 'n':
		return word(src, p, "null")
	}
	return number(src, p)
}

func word(src []byte, p int, word string) int {
	if len(src)-p < len(word) || string(src[p:p+len(word)]) != word {
		return -1
	}
	return p + len(word)
}

// number passes over a number by the grammar of JSON.
func number(src []byte, p int) int {
	start := p
	if src[p] == '-' {
		p++
	}
	whole := digits(src, p)
	if whole == p || src[p] == '0' && whole > p+1 {
		return -1
	}
	p = whole
	if p < len(src) && src[p] == '.' {
		fraction := digits(src, p+1)
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
		exponent := digits(src, p)
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

func digits(src []byte, p int) int {
	for p < len(src) && src[p]-'0' <= 9 {
		p++
	}
	return p
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// text finds the quote that ends the string whose first character is at p; -1 at a fault. Eight bytes at a time, as most of
// a record is strings.
func (s *careful) text(p int) (end int, escaped bool) {
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
		if p = escape(src, p); p < 0 {
			return -1, escaped
		}
	}
}

// escape passes over the escape at p.
func escape(src []byte, p int) int {
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

func space(src []byte, p int) int {
	for p >= 0 && p < len(src) && (src[p] == ' ' || src[p] == '\n' || src[p] == '\t' || src[p] == '\r') {
		p++
	}
	return p
}
