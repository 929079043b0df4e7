package elasticsearch

import (
	"bytes"
	"encoding/json"
	"errors"
)

var errMalformed = errors.New("it is not valid JSON, or cut off")

// scanner walks over JSON without building a tree. Values that are of no interest are checked for their structure only.
type scanner struct {
	data []byte
	at   int
}

// next is the next byte that is not white space, or 0 at the end.
func (p *scanner) next() byte {
	for ; p.at < len(p.data); p.at++ {
		switch p.data[p.at] {
		case ' ', '\t', '\n', '\r':
		default:
			return p.data[p.at]
		}
	}
	return 0
}

func (p *scanner) expect(c byte) error {
	if p.next() != c {
		return errMalformed
	}
	p.at++
	return nil
}

// end checks that nothing follows.
func (p *scanner) end() error {
	if p.next() != 0 || p.at != len(p.data) {
		return errMalformed
	}
	return nil
}

// object calls member for each member, with the scanner before its value. The name is as written, escapes and all.
func (p *scanner) object(member func(name []byte) error) error {
	return p.list('{', '}', func() error {
		if p.next() != '"' {
			return errMalformed
		}
		name, err := p.text()
		if err == nil {
			err = p.expect(':')
		}
		if err != nil {
			return err
		}
		return member(name[1 : len(name)-1])
	})
}

// array calls element for each element, with the scanner before it.
func (p *scanner) array(element func() error) error { return p.list('[', ']', element) }

func (p *scanner) list(open, shut byte, each func() error) error {
	if err := p.expect(open); err != nil {
		return err
	}
	if p.next() == shut {
		p.at++
		return nil
	}
	for {
		p.next()
		if err := each(); err != nil {
			return err
		}
		switch p.next() {
		case ',':
			p.at++
		case shut:
			p.at++
			return nil
		default:
			return errMalformed
		}
	}
}

// text passes a string and returns it with its quotes.
func (p *scanner) text() ([]byte, error) {
	start := p.at
	for p.at++; p.at < len(p.data); p.at++ {
		i := bytes.IndexAny(p.data[p.at:], `"\`)
		if i < 0 {
			break
		}
		p.at += i
		if p.data[p.at] == '"' {
			p.at++
			return p.data[start:p.at], nil
		}
		p.at++ // the escaped byte
	}
	return nil, errMalformed
}

// value passes any value and returns its bytes.
func (p *scanner) value() ([]byte, error) {
	start, depth := p.at, 0
	if p.next() != 0 {
		start = p.at
	}
	for {
		switch c := p.next(); c {
		case 0:
			return nil, errMalformed
		case '"':
			if _, err := p.text(); err != nil {
				return nil, err
			}
		case '{', '[':
			depth++
			p.at++
			continue
		case '}', ']':
			depth--
			p.at++
		case ',', ':':
			if depth == 0 {
				return nil, errMalformed
			}
			p.at++
			continue
		default:
			p.word()
		}
		if depth == 0 {
			raw := p.data[start:p.at]
			if (raw[0] == '{' || raw[0] == '[') && !json.Valid(raw) {
				return nil, errMalformed
			}
			return raw, nil
		}
		if depth < 0 {
			return nil, errMalformed
		}
	}
}

// word passes a number or a literal.
func (p *scanner) word() {
	for p.at++; p.at < len(p.data); p.at++ {
		switch p.data[p.at] {
		case ' ', '\t', '\n', '\r', ',', ':', '{', '}', '[', ']', '"':
			return
		}
	}
}
