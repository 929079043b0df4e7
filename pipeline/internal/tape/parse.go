package tape

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// maxNumber is how many characters a number may have, as in the JSON parser of the cluster.
const maxNumber = 1000

// SyntaxError says why a text is not one JSON value.
type SyntaxError struct {
	Offset int // byte at which the fault shows
	Msg    string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Msg, e.Offset) }

// Parse reads src. Bytes that are not UTF-8 count as U+FFFD. An empty or blank text is no error: it gives a tape without a
// root.
func (t *Tape) Parse(src []byte) error {
	var ascii bool
	if t.marks, ascii = t.marks.Of(src); !ascii && !utf8.Valid(src) {
		src = []byte(string([]rune(string(src))))
		t.marks, _ = t.marks.Of(src)
	}
	t.src, t.open, t.stack = src, t.open[:0], t.stack[:0]
	t.nodes = append(t.nodes[:0], node{flags: flagPruned})
	t.known.begin()
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
		t.nodes = t.nodes[:1]
	}
	return err
}

// frame is an open container.
type frame struct {
	node    int32
	count   int32 // members or elements so far
	last    int32 // the key that was read last, 0 before the first
	flags   uint8 // of the node
	object  bool
	strange bool   // a key is not remembered, or was there before: duplicates are to be looked for at the end
	number  uint64 // no other object has it
}

// values reads the value at p with all that it contains. It keeps the open containers on a stack of its own, as a hostile
// record must not be able to exhaust the goroutine's. What nearly every member is, a key that was foreseen and a string without
// escapes, is read here, and all else in the functions below.
//
// Nodes are written where they stay, field by field: to put one together and to copy it makes the processor wait, as it reads in
// words what was written in bytes.
func (t *Tape) values(p int) (int, error) {
	src, nodes, marked := t.src, t.nodes, t.marks
	var top frame // the innermost; those around it are in t.open
	var key int32 // of the next value
	var err error
	for {
		i := len(nodes)
		if i == cap(nodes) {
			nodes = slices.Grow(nodes, i)
		}
		nodes = nodes[:i+1]
		n := &nodes[i]
		n.key, n.next, n.count = key, int32(i+1), 0
		var flags uint8
		if p < len(src) && src[p] == '"' {
			p++
			n.start = uint32(p)
			start := p
			if p = marked.Next(p); p >= len(src) || src[p] != '"' {
				if p, _, err = t.scanString(p); err != nil {
					return p, err
				}
				flags = flagEscaped
			}
			n.end = uint32(p)
			if size := p - start; (size <= 4 || flags != 0 && size <= longestVoid) && isVoid(src[start:p], flags != 0) {
				flags |= flagPruned
			}
			n.kind, n.flags = String, flags
			p++
		} else if end, ok := t.repeatedAt(p, key, nodes[:i]); ok {
			p, nodes = end, t.nodes
			flags = nodes[i].flags
		} else {
			var opened bool
			if opened, p, err = t.begin(p, n); err != nil {
				return p, err
			}
			flags = n.flags
			if opened {
				if top.node != None {
					t.open = append(t.open, top)
				}
				top = frame{node: int32(i), object: n.kind == Object, flags: flags}
				if top.object {
					t.objects++
					top.number = t.objects
				}
			}
		}
		// Close every container that ends behind this value.
		for top.node != int32(i) {
			if top.node == None {
				t.nodes = nodes
				return p, nil
			}
			top.count++
			if flags&flagPruned != 0 {
				top.flags |= flagDirty
			} else {
				top.flags = top.flags&^flagPruned | flags&flagDirty
			}
			if p+1 < len(src) && src[p] == ',' && src[p+1] > ' ' {
				p++
				break
			}
			var more bool
			if p, more, err = t.after(p, &top); err != nil {
				return p, err
			}
			if more {
				break
			}
			i, flags = int(top.node), top.flags
			t.nodes = nodes
			if err = t.closed(&top, p); err != nil {
				return p, err
			}
			top = frame{}
			if n := len(t.open); n > 0 {
				top = t.open[n-1]
				t.open = t.open[:n-1]
			}
		}
		if !top.object {
			key = nodes[top.node].key
			continue
		}
		// What came here in the record before?
		if key = top.last; key == 0 {
			key = t.known.at(nodes[top.node].key).first
		} else {
			key = t.known.at(key).next
		}
		if e := &t.known.keys[key]; e.stands(src, p) {
			p += len(e.quoted)
			top.strange = top.strange || e.seen == top.number
			e.seen = top.number
			if src[p] > ' ' {
				top.last = key
				continue
			}
		} else if p, key, err = t.scanKey(p, &top, nodes[top.node].key); err != nil {
			return p, err
		}
		top.last = key
		if p < len(src) && src[p] <= ' ' {
			p = t.skipSpace(p)
			top.flags |= flagDirty
		}
	}
}

// begin reads what is no string at p into n: another scalar, an empty container, or the start of a container.
func (t *Tape) begin(p int, n *node) (opened bool, end int, err error) {
	src := t.src
	if p >= len(src) {
		return false, p, &SyntaxError{p, "unexpected end of text"}
	}
	n.start, n.flags = uint32(p), 0
	switch c := src[p]; c {
	case '{', '[':
		if len(t.open) == MaxDepth-1 {
			return false, p, &SyntaxError{p, fmt.Sprintf("nesting deeper than %d levels", MaxDepth)}
		}
		n.kind = Object
		closer := byte('}')
		if c == '[' {
			n.kind, closer = Array, ']'
		}
		n.flags = flagPruned // until a child is found that stays
		p++
		if p < len(src) && src[p] <= ' ' {
			p = t.skipSpace(p)
			n.flags |= flagDirty
		}
		if p < len(src) && src[p] == closer {
			n.end = uint32(p + 1)
			return false, p + 1, nil
		}
		return true, p, nil
	case 't', 'f', 'n':
		word := "true"
		n.kind = True
		switch c {
		case 'f':
			word, n.kind = "false", False
		case 'n':
			word, n.kind = "null", Null
			n.flags = flagPruned
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
	return false, p, nil
}

// after reads the comma (more) or the bracket that follows a value in f.
func (t *Tape) after(p int, f *frame) (end int, more bool, err error) {
	src := t.src
	if p < len(src) && src[p] <= ' ' {
		p = t.skipSpace(p)
		f.flags |= flagDirty
	}
	if p >= len(src) {
		return p, false, &SyntaxError{p, "unexpected end of text inside a container"}
	}
	switch c := src[p]; {
	case c == ',':
		p++
		if p < len(src) && src[p] <= ' ' {
			p = t.skipSpace(p)
			f.flags |= flagDirty
		}
		return p, true, nil
	case c == ']' && !f.object, c == '}' && f.object:
		return p + 1, false, nil
	}
	return p, false, &SyntaxError{p, "expected a comma or the end of the container"}
}

// closed completes a container that ends before p.
func (t *Tape) closed(f *frame, p int) error {
	n := &t.nodes[f.node]
	n.end, n.next = uint32(p), int32(len(t.nodes))
	n.count, n.flags = f.count, f.flags
	if f.strange && n.count > 1 {
		if key, twice := t.duplicateKey(f.node); twice {
			return &SyntaxError{int(n.start), fmt.Sprintf("duplicate field %q in the object", key)}
		}
	}
	if r := t.known.at(n.key).repeats; r != nil && n.kind == Object {
		t.keep(r, f.node)
	}
	return nil
}

// scanKey reads a key of f below parent that was not foreseen, with its colon, and remembers it as the one that comes here.
func (t *Tape) scanKey(p int, f *frame, parent int32) (end int, key int32, err error) {
	src := t.src
	if p >= len(src) || src[p] != '"' {
		return p, 0, &SyntaxError{p, "expected a field name in double quotes"}
	}
	if f.last != 0 {
		last := t.known.at(f.last)
		if key = last.other; t.known.keys[key].stands(src, p) {
			e := &t.known.keys[key]
			last.next, last.other = key, last.next
			f.strange = f.strange || e.seen == f.number
			e.seen = f.number
			return p + len(e.quoted), key, nil
		}
	}
	start := p + 1
	p, escaped, err := t.scanString(start)
	if err != nil {
		return p, 0, err
	}
	text := src[start:p]
	if escaped {
		text = appendUnescaped(nil, text) // not in memory that is used again, as documents may point to keys
	}
	key, strange := t.known.find(parent, text)
	e := t.known.at(key)
	f.strange = f.strange || strange || e.seen == f.number
	e.seen = f.number
	switch {
	case strange:
	case f.last == 0:
		t.known.at(parent).first = key
	default:
		last := t.known.at(f.last)
		last.next, last.other = key, last.next
	}
	p++
	if p < len(src) && src[p] <= ' ' {
		p = t.skipSpace(p)
		f.flags |= flagDirty
	}
	if p >= len(src) || src[p] != ':' {
		return p, 0, &SyntaxError{p, "expected a colon after the field name"}
	}
	return p + 1, key, nil
}

// longestVoid is the longest way to write "none": four \uXXXX.
const longestVoid = 24

// isVoid tells the strings that the mapping takes for nothing. s is not longer than longestVoid.
func isVoid(s []byte, escaped bool) bool {
	if escaped {
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
