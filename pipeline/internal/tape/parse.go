package tape

import (
	"fmt"
	"math"
)

// maxNumber is how many characters a number may have, as in the JSON parser of the cluster.
const maxNumber = 1000

// SyntaxError says why a text is not one JSON value.
type SyntaxError struct {
	Offset int // byte at which the fault shows
	Msg    string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Msg, e.Offset) }

// Parse reads src, which must be valid UTF-8. An empty or blank text is no error: it gives a tape without a root.
func (t *Tape) Parse(src []byte) error {
	t.src, t.side, t.stack, t.plain = src, t.side[:0], t.stack[:0], true
	t.nodes = append(t.nodes[:0], node{flags: flagPruned})
	if len(src) > math.MaxInt32 {
		return &SyntaxError{0, "value of more than 2 GiB"}
	}
	p := t.skipSpace(0)
	if p == len(src) {
		return nil
	}
	p, err := t.values(p)
	if err == nil {
		if p = t.skipSpace(p); p < len(src) {
			err = &SyntaxError{p, "unexpected text after the JSON value"}
		}
	}
	if err != nil {
		t.nodes, t.plain = t.nodes[:1], false
	}
	return err
}

// values reads the value at p with all that it contains. It keeps the open containers on a stack of its own, as a hostile
// record must not be able to exhaust the goroutine's.
func (t *Tape) values(p int) (int, error) {
	var member node // the next value, of which only the key is known
	var err error
	for {
		opened, end, err2 := t.begin(p, member)
		if err2 != nil {
			return end, err2
		}
		p = end
		ended := int32(len(t.nodes) - 1)
		if !opened {
			// Close every container that ends behind this value.
			for {
				if len(t.stack) == 0 {
					return p, nil
				}
				var more bool
				if p, more, err = t.after(p, ended); err != nil {
					return p, err
				}
				if more {
					break
				}
				ended = t.stack[len(t.stack)-1]
				t.stack = t.stack[:len(t.stack)-1]
				if err = t.closed(ended, p); err != nil {
					return p, err
				}
			}
		}
		member = node{}
		if top := t.stack[len(t.stack)-1]; t.nodes[top].kind == Object {
			if p, err = t.readKey(p, top, &member); err != nil {
				return p, err
			}
		}
	}
}

// begin reads the scalar or empty container at p, or enters a container. n brings the key.
func (t *Tape) begin(p int, n node) (opened bool, end int, err error) {
	src := t.src
	if p >= len(src) {
		return false, p, &SyntaxError{p, "unexpected end of text"}
	}
	n.start = uint32(p)
	n.next = int32(len(t.nodes)) + 1
	switch c := src[p]; c {
	case '"':
		end, escaped, err := scanString(src, p+1)
		if err != nil {
			return false, p, err
		}
		n.kind, n.start, n.end = String, uint32(p+1), uint32(end)
		if escaped {
			n.flags |= flagEscaped
			t.plain = false
		}
		if isVoid(src[p+1:end], escaped) {
			n.flags |= flagPruned
		}
		t.nodes = append(t.nodes, n)
		return false, end + 1, nil
	case '{', '[':
		if len(t.stack) == MaxDepth {
			return false, p, &SyntaxError{p, fmt.Sprintf("nesting deeper than %d levels", MaxDepth)}
		}
		n.kind = Object
		closer := byte('}')
		if c == '[' {
			n.kind, closer = Array, ']'
		}
		n.flags |= flagPruned // until a child is found that stays
		p++
		if p < len(src) && src[p] <= ' ' {
			p = t.skipSpace(p)
			n.flags |= flagDirty
		}
		if p < len(src) && src[p] == closer {
			n.end = uint32(p + 1)
			t.nodes = append(t.nodes, n)
			return false, p + 1, nil
		}
		t.stack = append(t.stack, int32(len(t.nodes)))
		t.nodes = append(t.nodes, n)
		return true, p, nil
	case 't', 'f', 'n':
		word := "true"
		n.kind = True
		switch c {
		case 'f':
			word, n.kind = "false", False
		case 'n':
			word, n.kind = "null", Null
			n.flags |= flagPruned
		}
		if len(src)-p < len(word) || string(src[p:p+len(word)]) != word {
			return false, p, &SyntaxError{p, "unrecognized token"}
		}
		p += len(word)
	default:
		if p, n.kind, err = scanNumber(src, p); err != nil {
			return false, p, err
		}
	}
	n.end = uint32(p)
	t.nodes = append(t.nodes, n)
	return false, p, nil
}

// after takes note in the open container of the child that has ended before p, and reads the comma (more) or the bracket
// that follows.
func (t *Tape) after(p int, child int32) (end int, more bool, err error) {
	src := t.src
	parent := &t.nodes[t.stack[len(t.stack)-1]]
	parent.count++
	if flags := t.nodes[child].flags; flags&flagPruned != 0 {
		parent.flags |= flagDirty
	} else {
		parent.flags = parent.flags&^flagPruned | flags&flagDirty
	}
	if p < len(src) && src[p] <= ' ' {
		p = t.skipSpace(p)
		parent.flags |= flagDirty
	}
	if p >= len(src) {
		return p, false, &SyntaxError{p, "unexpected end of text inside a container"}
	}
	switch c := src[p]; {
	case c == ',':
		p++
		if p < len(src) && src[p] <= ' ' {
			p = t.skipSpace(p)
			parent.flags |= flagDirty
		}
		return p, true, nil
	case c == ']' && parent.kind == Array, c == '}' && parent.kind == Object:
		return p + 1, false, nil
	}
	return p, false, &SyntaxError{p, "expected a comma or the end of the container"}
}

// closed completes container i, which ends before p.
func (t *Tape) closed(i int32, p int) error {
	n := &t.nodes[i]
	n.end = uint32(p)
	n.next = int32(len(t.nodes))
	if n.kind == Object && n.count > 1 {
		if key, twice := t.duplicateKey(i); twice {
			return &SyntaxError{int(n.start), fmt.Sprintf("duplicate field %q in the object", key)}
		}
	}
	return nil
}

// readKey reads a key with its colon at p into member, and leads to the value.
func (t *Tape) readKey(p int, object int32, member *node) (int, error) {
	src := t.src
	if p >= len(src) || src[p] != '"' {
		return p, &SyntaxError{p, "expected a field name in double quotes"}
	}
	start := p + 1
	end, escaped, err := scanString(src, start)
	if err != nil {
		return p, err
	}
	if escaped {
		t.plain = false
		from := len(t.side)
		t.side = appendUnescaped(t.side, src[start:end])
		member.keyStart, member.keyEnd = uint32(from), uint32(len(t.side))
		member.flags = flagKeyEscaped
		member.keyHash = hashKey(t.side[from:])
	} else {
		member.keyStart, member.keyEnd = uint32(start), uint32(end)
		member.keyHash = hashKey(src[start:end])
	}
	p = end + 1
	if p < len(src) && src[p] <= ' ' {
		p = t.skipSpace(p)
		t.nodes[object].flags |= flagDirty
	}
	if p >= len(src) || src[p] != ':' {
		return p, &SyntaxError{p, "expected a colon after the field name"}
	}
	p++
	if p < len(src) && src[p] <= ' ' {
		p = t.skipSpace(p)
		t.nodes[object].flags |= flagDirty
	}
	return p, nil
}

// isVoid tells the strings that the mapping takes for nothing.
func isVoid(s []byte, escaped bool) bool {
	if escaped {
		// The longest way to write "none" is four \uXXXX.
		if len(s) > 24 {
			return false
		}
		var buf [32]byte
		s = appendUnescaped(buf[:0], s)
	}
	switch len(s) {
	case 0:
		return true
	case 1:
		return s[0] == '-'
	case 4:
		return string(s) == "none"
	}
	return false
}
