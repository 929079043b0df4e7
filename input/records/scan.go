package records

import "github.com/trailbeat/trailbeat/internal/marks"

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
	// marks are those of the data from base to end.
	marks     marks.Marks
	base, end int
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
	s.look(b, i)
	state := s.state
	for i < len(b) {
		c := b[i]
		switch state {
		case inKey:
			var end bool
			if i, state, end = s.members(b, i); end {
				return i, done
			}
			if state == inKey || state == inString {
				s.state = state
				return i, more
			}
			continue
		case inString:
			var ok bool
			if i, ok = s.skipString(b, i); !ok {
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

// skipString goes from inside a string to behind its closing quote. Where the data ends first it returns the index at
// which to go on: never between a backslash and what it escapes.
func (s *scanner) skipString(b []byte, i int) (int, bool) {
	if i = s.base + s.marks.Next(i-s.base); i < len(b) && b[i] == '"' {
		return i + 1, true
	}
	return s.skipMarks(b, i)
}

// skipMarks goes on at a mark that is no quote.
func (s *scanner) skipMarks(b []byte, i int) (int, bool) {
	for i < len(b) {
		switch b[i] {
		case '"':
			return i + 1, true
		case '\\':
			if i+1 == len(b) {
				return i, false
			}
			i++
		}
		i = s.base + s.marks.Next(i+1-s.base)
	}
	return len(b), false
}

// look marks what ends strings from b[i] on, unless that was done.
func (s *scanner) look(b []byte, i int) {
	if s.end != len(b) || i < s.base {
		s.marks, _ = s.marks.Of(b[i:])
		s.base, s.end = i, len(b)
	}
}

// moved follows a move of the data by d.
func (s *scanner) moved(d int) {
	s.token += d
	s.base += d
	s.end += d
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
