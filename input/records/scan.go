package records

import (
	"encoding/binary"
	"math/bits"
)

// maxDepth is how deep arrays and objects may nest, as in encoding/json.
const maxDepth = 10000

type scanState uint8

const (
	wantValue scanState = iota
	wantValueOrEnd
	wantKey
	wantKeyOrEnd
	wantColon
	wantCommaOrEnd
	inKey
	inString
	inScalar
)

type verdict uint8

const (
	more   verdict = iota // the data ran out inside the value
	done                  // the value is complete
	broken                // the byte at the returned index cannot stand there
)

// scanner finds the end of one JSON value and can stop and go on at any byte. It checks the grammar between tokens, the
// literals and the numbers; of strings it sees only quotes and backslashes.
type scanner struct {
	state scanState
	depth int
	// token is where the scalar at hand starts. The owner moves it along with the buffer.
	token int
	// objects has a bit for each level: set for an object, clear for an array.
	objects [maxDepth/64 + 1]uint64
}

func (s *scanner) begin() { s.state, s.depth = wantValue, 0 }

func (s *scanner) push(object bool) bool {
	if s.depth >= maxDepth {
		return false
	}
	if word, bit := s.depth>>6, uint64(1)<<(s.depth&63); object {
		s.objects[word] |= bit
	} else {
		s.objects[word] &^= bit
	}
	s.depth++
	return true
}

func (s *scanner) inObject() bool {
	d := s.depth - 1
	return s.objects[d>>6]>>(d&63)&1 != 0
}

// scan goes on at b[i] and returns the index after the value (done), the index at which to go on when there is more, or
// that of the byte which is wrong.
func (s *scanner) scan(b []byte, i int) (int, verdict) {
	state := s.state
	for i < len(b) {
		c := b[i]
		switch state {
		case inKey:
			// Nearly all of a record is `name":"text","`, so that has a loop of its own.
			for {
				var ok bool
				if i, ok = skipString(b, i); !ok {
					s.state = inKey
					return i, more
				}
				if i+1 >= len(b) || b[i] != ':' {
					state = wantColon
					break
				}
				i++
				if b[i] != '"' {
					state = wantValue
					break
				}
				if i, ok = skipString(b, i+1); !ok {
					s.state = inString
					return i, more
				}
				if i+1 >= len(b) || b[i] != ',' || b[i+1] != '"' {
					state = wantCommaOrEnd
					break
				}
				i += 2
			}
			continue
		case inString:
			var ok bool
			if i, ok = skipString(b, i); !ok {
				s.state = state
				return i, more
			}
			state = wantCommaOrEnd
			if s.depth == 0 {
				return i, done
			}
			continue
		case wantCommaOrEnd:
			switch c {
			case ',':
				i++
				if s.inObject() {
					state = wantKey
					if i < len(b) && b[i] == '"' {
						i++
						state = inKey
					}
				} else {
					state = wantValue
				}
				continue
			case '}', ']':
				if s.inObject() != (c == '}') {
					return i, broken
				}
				i++
				if s.depth--; s.depth == 0 {
					return i, done
				}
				continue
			}
		case wantValue, wantValueOrEnd:
			switch c {
			case '"':
				i++
				state = inString
				continue
			case '{', '[':
				if !s.push(c == '{') {
					return i, broken
				}
				i++
				state = wantValueOrEnd
				if c == '{' {
					state = wantKeyOrEnd
				}
				continue
			case ']':
				if state != wantValueOrEnd {
					return i, broken
				}
				i++
				state = wantCommaOrEnd
				if s.depth--; s.depth == 0 {
					return i, done
				}
				continue
			case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 't', 'f', 'n':
				s.token = i
				i++
				state = inScalar
				continue
			}
		case inScalar:
			for i < len(b) && scalarByte(b[i]) {
				i++
			}
			if i == len(b) {
				s.state = state
				return i, more
			}
			if !validScalar(b[s.token:i]) {
				return s.token, broken
			}
			state = wantCommaOrEnd
			if s.depth == 0 {
				return i, done
			}
			continue
		case wantKey, wantKeyOrEnd:
			if c == '"' {
				i++
				state = inKey
				continue
			}
			if c == '}' && state == wantKeyOrEnd {
				i++
				state = wantCommaOrEnd
				if s.depth--; s.depth == 0 {
					return i, done
				}
				continue
			}
		case wantColon:
			if c == ':' {
				i++
				state = wantValue
				continue
			}
		}
		if !space(c) {
			return i, broken
		}
		i++
	}
	s.state = state
	return i, more
}

const (
	ones        = 0x0101010101010101
	highs       = 0x8080808080808080
	quotes      = ones * '"'
	backslashes = ones * '\\'
)

// skipString goes from inside a string to behind its closing quote. Where the data ends first it returns the index at
// which to go on: never between a backslash and what it escapes.
func skipString(b []byte, i int) (int, bool) {
	for {
		for {
			if len(b)-i < 8 {
				for i < len(b) && b[i] != '"' && b[i] != '\\' {
					i++
				}
				if i == len(b) {
					return i, false
				}
				break
			}
			// Eight bytes at once: the lowest bit set belongs to the first quote or backslash.
			w := binary.LittleEndian.Uint64(b[i : i+8])
			q, e := w^quotes, w^backslashes
			if hit := (((q - ones) &^ q) | ((e - ones) &^ e)) & highs; hit != 0 {
				i += bits.TrailingZeros64(hit) >> 3
				break
			}
			i += 8
		}
		if b[i] == '"' {
			return i + 1, true
		}
		if i+1 == len(b) {
			return i, false
		}
		i += 2
	}
}

func space(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func scalarByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '.' || c == '-' || c == '+' || c == 'E'
}

// validScalar knows the literals and numbers of JSON.
func validScalar(b []byte) bool {
	switch b[0] {
	case 't':
		return string(b) == "true"
	case 'f':
		return string(b) == "false"
	case 'n':
		return string(b) == "null"
	case '-':
		b = b[1:]
	}
	n := digits(b)
	if n == 0 || n > 1 && b[0] == '0' {
		return false
	}
	b = b[n:]
	if len(b) > 0 && b[0] == '.' {
		if n = digits(b[1:]); n == 0 {
			return false
		}
		b = b[1+n:]
	}
	if len(b) > 0 && (b[0] == 'e' || b[0] == 'E') {
		b = b[1:]
		if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
			b = b[1:]
		}
		if n = digits(b); n == 0 {
			return false
		}
		b = b[n:]
	}
	return len(b) == 0
}

func digits(b []byte) int {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return n
}
