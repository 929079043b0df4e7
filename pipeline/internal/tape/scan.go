package tape

import (
	"unicode/utf16"
	"unicode/utf8"
)

func (t *Tape) skipSpace(p int) int {
	src := t.src
	for p < len(src) && (src[p] == ' ' || src[p] == '\n' || src[p] == '\t' || src[p] == '\r') {
		p++
	}
	return p
}

// scanString finds the closing quote of the string whose text starts at p.
func (t *Tape) scanString(p int) (end int, escaped bool, err error) {
	for {
		p = t.marks.Next(p)
		if p >= len(t.src) {
			return len(t.src), escaped, &SyntaxError{len(t.src), "unexpected end of text inside a string"}
		}
		switch t.src[p] {
		case '"':
			return p, escaped, nil
		case '\\':
			escaped = true
			if p, err = scanEscape(t.src, p); err != nil {
				return p, escaped, err
			}
		default:
			return p, escaped, &SyntaxError{p, "control character inside a string"}
		}
	}
}

// scanEscape checks the escape at p and leads past it.
func scanEscape(src []byte, p int) (int, error) {
	if p+1 >= len(src) {
		return p, &SyntaxError{p, "unexpected end of text inside a string"}
	}
	switch src[p+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return p + 2, nil
	case 'u':
		if p+6 > len(src) {
			return p, &SyntaxError{p, "unexpected end of text inside a string"}
		}
		if hex4(src[p+2:]) < 0 {
			return p, &SyntaxError{p, `expected four hexadecimal digits after \u`}
		}
		return p + 6, nil
	}
	return p, &SyntaxError{p, "unknown escape in a string"}
}

// hex4 reads four hexadecimal digits, -1 where they are not that.
func hex4(s []byte) rune {
	var r rune
	for _, c := range s[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// appendUnescaped appends the text of a string that scanString has accepted. Half of a surrogate pair becomes U+FFFD.
func appendUnescaped(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c != '\\' {
			from := i
			for i < len(s) && s[i] != '\\' {
				i++
			}
			dst = append(dst, s[from:i]...)
			continue
		}
		switch c = s[i+1]; c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := hex4(s[i+2:])
			i += 6
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if len(s)-i >= 6 && s[i] == '\\' && s[i+1] == 'u' {
					low = hex4(s[i+2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
		i += 2
	}
	return dst
}

// scanNumber reads a number by the grammar of JSON.
func scanNumber(src []byte, p int) (end int, kind Kind, err error) {
	start := p
	kind = Int
	if p < len(src) && src[p] == '-' {
		p++
	}
	switch {
	case p >= len(src) || src[p] < '0' || src[p] > '9':
		return start, kind, &SyntaxError{start, "unrecognized token"}
	case src[p] == '0':
		if p++; p < len(src) && '0' <= src[p] && src[p] <= '9' {
			return p, kind, &SyntaxError{p, "number with a leading zero"}
		}
	default:
		p = digits(src, p)
	}
	if p < len(src) && src[p] == '.' {
		kind = Float
		if end = digits(src, p+1); end == p+1 {
			return p, kind, &SyntaxError{p, "number without a digit after the point"}
		}
		p = end
	}
	if p < len(src) && (src[p] == 'e' || src[p] == 'E') {
		kind = Float
		p++
		if p < len(src) && (src[p] == '+' || src[p] == '-') {
			p++
		}
		if end = digits(src, p); end == p {
			return p, kind, &SyntaxError{p, "number without a digit in its exponent"}
		}
		p = end
	}
	if p-start > maxNumber {
		return p, kind, &SyntaxError{start, "number of more than 1000 characters"}
	}
	if p < len(src) {
		switch src[p] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
		default:
			return p, kind, &SyntaxError{p, "unexpected character after a number"}
		}
	}
	return p, kind, nil
}

func digits(src []byte, p int) int {
	for p < len(src) && '0' <= src[p] && src[p] <= '9' {
		p++
	}
	return p
}
