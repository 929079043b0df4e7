package records

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// mode says where in the source the Reader stands.
type mode uint8

const (
	modeStart       mode = iota // before the first byte
	modeBlank                   // before the first byte that is not blank
	modeRoot                    // between the values at the root
	modeAfterFirst              // after a first object on one line: lines, or more of the same
	modeKeyOrEnd                // in an object at the root
	modeKey                     //
	modeInKey                   //
	modeColon                   //
	modeMemberStart             //
	modeMember                  // in a member that is not the records
	modeMemberEnd               //
	modeElemOrEnd               // in the array of the records
	modeElemStart               //
	modeElem                    //
	modeElemEnd                 //
	modeLines                   //
)

var bom = []byte("\xef\xbb\xbf")

// advance goes on in buf until there is a complete record (true), or nothing more to see (false).
func (r *Reader) advance(buf []byte) (rec entry, got bool, err error) {
	for {
		switch r.mode {
		case modeLines:
			return r.line(buf)
		case modeElem:
			at, v := r.pos, broken
			if r.blocks.active {
				at, v = r.blocks.end(buf, at)
				if v == more && r.ended == nil && r.blocks.wait(len(buf)-at, r.limit) {
					return rec, false, nil
				}
				r.blocks.active = false
			}
			if v != done {
				at, v = r.scan.scan(buf, at)
			}
			switch r.pos = at; v {
			case more:
				return rec, false, nil
			case broken:
				return rec, false, r.syntax(buf, at)
			}
			rec = entry{start: r.hold, end: at}
			r.hold, r.mode = -1, modeElemEnd
			return rec, true, nil
		case modeMember:
			at, v := r.scan.scan(buf, r.pos)
			switch r.pos = at; v {
			case more:
				return rec, false, nil
			case broken:
				return rec, false, r.syntax(buf, at)
			}
			if r.isNull {
				r.container, r.layout = true, LayoutContainer
			}
			if r.container {
				r.hold = -1
			}
			r.mode = modeMemberEnd
			continue
		case modeInKey:
			r.scan.look(buf, r.pos)
			at, ok := r.scan.skipString(buf, r.pos)
			if r.pos = at; !ok {
				return rec, false, nil
			}
			r.isRecords = isRecords(buf[r.key:at])
			if r.container {
				r.hold = -1
			}
			r.mode = modeColon
			continue
		case modeStart:
			head := buf[r.pos:]
			if r.ended == nil && len(head) < len(bom) && bytes.HasPrefix(bom, head) {
				return rec, false, nil
			}
			if bytes.HasPrefix(head, bom) {
				r.pos += len(bom)
			}
			r.hold, r.mode = r.pos, modeBlank
			if r.opts.Format == FormatLines {
				r.mode = modeLines
			}
			continue
		}
		// All others stand between tokens.
		for r.pos < len(buf) && space(buf[r.pos]) {
			if r.pos++; r.mode == modeBlank && buf[r.pos-1] == '\n' {
				r.hold = r.pos
			}
		}
		if r.pos == len(buf) {
			return rec, false, nil
		}
		if rec, got, err = r.token(buf, buf[r.pos]); got || err != nil {
			return rec, got, err
		}
	}
}

// token takes the token at r.pos, which starts with c and stands outside of records.
func (r *Reader) token(buf []byte, c byte) (rec entry, got bool, err error) {
	switch r.mode {
	case modeBlank:
		if c == '{' || c == '[' {
			r.hold, r.mode = -1, modeRoot
		} else {
			r.pos, r.mode = r.hold, modeLines
		}
		return rec, false, nil
	case modeAfterFirst:
		// Blank up to here since the end of the first record.
		if n := bytes.IndexByte(buf[r.hold:r.pos], '\n'); n >= 0 {
			r.pos = r.hold + n + 1
			r.hold, r.mode, r.layout = r.pos, modeLines, LayoutLines
		} else {
			r.hold, r.mode = -1, modeRoot
		}
		return rec, false, nil
	case modeRoot:
		switch c {
		case '{':
			r.hold, r.container, r.mode = r.pos, false, modeKeyOrEnd
		case '[':
			r.rootArray, r.layout, r.mode = true, LayoutContainer, modeElemOrEnd
		default:
			return rec, false, r.fault(r.pos, fmt.Errorf("%w: %s", ErrTrailing, show(c)))
		}
		r.pos++
		return rec, false, nil
	case modeKeyOrEnd, modeKey:
		if c == '"' {
			if r.key = r.pos; r.container {
				r.hold = r.pos
			}
			r.pos++
			r.mode = modeInKey
			return rec, false, nil
		}
		if c == '}' && r.mode == modeKeyOrEnd {
			return r.endObject(buf)
		}
	case modeColon:
		if c == ':' {
			r.pos++
			r.mode = modeMemberStart
			return rec, false, nil
		}
	case modeMemberStart:
		return rec, false, r.member(c)
	case modeMemberEnd:
		switch c {
		case ',':
			r.pos++
			r.mode = modeKey
			return rec, false, nil
		case '}':
			return r.endObject(buf)
		}
	case modeElemOrEnd, modeElemStart:
		if c == ']' && r.mode == modeElemOrEnd {
			r.endArray()
			return rec, false, nil
		}
		r.scan.begin()
		r.blocks.active, r.blocks.seen = r.blocks.able && c == '{', 0
		r.hold, r.mode = r.pos, modeElem
		return rec, false, nil
	case modeElemEnd:
		switch c {
		case ',':
			r.pos++
			r.mode = modeElemStart
			return rec, false, nil
		case ']':
			r.endArray()
			return rec, false, nil
		}
	}
	return rec, false, r.syntax(buf, r.pos)
}

// member begins the value of a member of the object at the root.
func (r *Reader) member(c byte) error {
	if r.isRecords && c == '[' {
		if r.hold >= 0 && r.pos-r.hold > r.limit {
			return r.tooLong(r.hold)
		}
		r.hold, r.container, r.layout = -1, true, LayoutContainer
		r.rootArray, r.mode = false, modeElemOrEnd
		r.pos++
		return nil
	}
	if r.container {
		r.hold = r.pos
	}
	r.isNull = r.isRecords && c == 'n'
	r.scan.begin()
	r.mode = modeMember
	return nil
}

func (r *Reader) endArray() {
	r.pos++
	r.mode = modeMemberEnd
	if r.rootArray {
		r.mode = modeRoot
	}
}

// endObject ends an object at the root: a container, or a record of its own.
func (r *Reader) endObject(buf []byte) (rec entry, got bool, err error) {
	r.pos++
	start := r.hold
	r.hold, r.mode = -1, modeRoot
	if r.container {
		return rec, false, nil
	}
	if r.layout == LayoutEmpty {
		r.layout = LayoutValue
		if bytes.IndexByte(buf[start:r.pos], '\n') < 0 {
			r.hold, r.mode = r.pos, modeAfterFirst
		}
	}
	return entry{start: start, end: r.pos}, true, nil
}

// line takes the next line. hold is its start, pos where to look for its end.
func (r *Reader) line(buf []byte) (rec entry, got bool, err error) {
	if r.hold < 0 {
		r.hold = r.pos
	}
	n := bytes.IndexByte(buf[r.pos:], '\n')
	if n < 0 {
		r.pos = len(buf)
		return rec, false, nil
	}
	start, end, next := r.hold, r.pos+n, r.pos+n+1
	if end > start && buf[end-1] == '\r' {
		end--
	}
	r.pos, r.hold, r.layout = next, next, LayoutLines
	return entry{start: start, end: end, afterRecord: next - end}, true, nil
}

// finish is what the source ends with, after its last byte: io.EOF or an *Error.
func (r *Reader) finish() error {
	var own *Error
	if errors.As(r.ended, &own) {
		return own
	}
	buf := r.block.buf
	if !errors.Is(r.ended, io.EOF) {
		return r.fault(len(buf), r.ended)
	}
	switch r.mode {
	case modeBlank, modeRoot, modeAfterFirst:
		r.hold, r.pos = -1, len(buf)
		return io.EOF
	case modeLines:
		start := r.hold
		r.hold, r.pos = -1, len(buf)
		if start < 0 || start == len(buf) || r.opts.HoldPartialLine && !completeObject(buf[start:]) {
			return io.EOF
		}
		r.layout = LayoutLines
		if err := r.emit(entry{start: start, end: len(buf)}); err != nil {
			return err
		}
		return io.EOF
	case modeElem:
		return r.fault(len(buf), fmt.Errorf("%w, inside the record that starts at byte %d", ErrTruncated, r.base+int64(r.hold)))
	}
	if r.container || r.rootArray {
		return r.fault(len(buf), fmt.Errorf("%w, before the end of the container", ErrTruncated))
	}
	return r.fault(len(buf), fmt.Errorf("%w, inside the object that starts at byte %d", ErrTruncated, r.base+int64(r.hold)))
}

// syntax names the byte that cannot stand where it does.
func (r *Reader) syntax(buf []byte, at int) error {
	if r.scan.depth >= maxDepth {
		return r.fault(at, fmt.Errorf("%w: nested deeper than %d levels", ErrSyntax, maxDepth))
	}
	return r.fault(at, fmt.Errorf("%w: %s cannot stand here", ErrSyntax, show(buf[at])))
}

// show makes one byte readable; a byte, as more of the content has no place in a message.
func show(c byte) string {
	if c > ' ' && c < 0x7f {
		return fmt.Sprintf("%q", rune(c))
	}
	return fmt.Sprintf("byte 0x%02x", c)
}

// isRecords tells whether the quoted name is Records, however it is escaped.
func isRecords(name []byte) bool {
	if string(name) == `"Records"` {
		return true
	}
	if bytes.IndexByte(name, '\\') < 0 || len(name) > 64 {
		return false
	}
	var s string
	return json.Unmarshal(name, &s) == nil && s == "Records"
}

// completeObject tells whether a line is one whole JSON object, so that no more of it can be on the way.
func completeObject(line []byte) bool {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] != '{' {
		return false
	}
	var s scanner
	s.begin()
	at, v := s.scan(line, 0)
	return v == done && at == len(line)
}
