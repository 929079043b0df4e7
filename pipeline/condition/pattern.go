package condition

import (
	"regexp"
	"strings"
)

func (b *builder) regexp(at, field string, values []string) node {
	var list patterns
	for _, v := range values {
		t, err := newPattern(v)
		if err != nil {
			b.bad(at, "is no regular expression that can be used: %s; the syntax is that of RE2 (https://golang.org/s/re2syntax)", reason(err))
			continue
		}
		list = append(list, t)
	}
	if len(list) == 1 {
		return &texts{b.ref(field), list[0]}
	}
	return &texts{b.ref(field), list}
}

func reason(err error) string { return strings.TrimPrefix(err.Error(), "error parsing regexp: ") }

type patterns []test

func (p patterns) holds(text string) bool {
	for _, t := range p {
		if t.holds(text) {
			return true
		}
	}
	return false
}

type expression struct{ *regexp.Regexp }

func (e expression) holds(text string) bool { return e.MatchString(text) }

// literal is an expression that is nothing but text: one of the texts, at the beginning, the end, both or anywhere.
type literal struct {
	texts      []string
	start, end bool
}

func (l *literal) holds(text string) bool {
	for _, t := range l.texts {
		switch {
		case l.start && l.end && text == t,
			l.start && !l.end && strings.HasPrefix(text, t),
			l.end && !l.start && strings.HasSuffix(text, t),
			!l.start && !l.end && strings.Contains(text, t):
			return true
		}
	}
	return false
}

// newPattern compiles an expression, as text where it is that: "^(Get|List)" is asked some hundred million times a day.
func newPattern(expr string) (test, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	rest, start := strings.CutPrefix(expr, "^")
	rest, end := strings.CutSuffix(rest, "$")
	if end && strings.HasSuffix(rest, `\`) || strings.Contains(expr, "\x00") {
		return expression{re}, nil
	}
	list := []string{rest}
	if inner, ok := strings.CutPrefix(rest, "("); ok {
		if inner, ok = strings.CutSuffix(inner, ")"); ok {
			list = strings.Split(strings.TrimPrefix(inner, "?:"), "|")
		}
	}
	for i, t := range list {
		// An escaped dot is the one thing that text in expressions has to escape in practice.
		t = strings.ReplaceAll(t, `\.`, "\x00")
		if regexp.QuoteMeta(t) != t {
			return expression{re}, nil
		}
		list[i] = strings.ReplaceAll(t, "\x00", ".")
	}
	return &literal{texts: list, start: start, end: end}, nil
}
