package main

import (
	"slices"
	"strings"
)

// manyFields is the number of fields from which on a group is not asked whether it is empty: it hardly ever is, and what
// it holds would be looked at twice.
const manyFields = 32

// appendFile writes the encoder: a method for the document and one for each group.
//
// Every member writes a comma behind itself. The end of a group turns the last one into the closing brace, and an empty
// group takes back what it wrote. Most groups of most documents are empty: the small ones are asked before.
func appendFile(root []*entry) ([]byte, error) {
	s := newSource()
	s.line(`
// AppendJSON appends the document to dst as compact JSON and returns the extended slice. @timestamp comes first, the
// other members follow in the order of fields.yml. Absent fields and empty groups are left out. It allocates only where
// dst is too small.
func (e *Event) AppendJSON(dst []byte) []byte {
	g, x := e, e.extra
	dst = append(dst, '{')
	body := len(dst)`)
	for _, m := range root { // @timestamp sorts before letters, so it is the first
		appendMember(s, m)
	}
	s.line("return e.endDocument(dst, body, x)\n}")
	walk(root, func(e *entry) {
		switch {
		case e.list():
			appendElement(s, e)
		case e.group():
			appendGroup(s, e)
			appendEmpty(s, e)
		}
	})
	return s.file()
}

func appendGroup(s *source, e *entry) {
	s.line("\nfunc (e *Event) append%s(dst []byte, x *node) []byte {", groupType(e))
	if slices.ContainsFunc(e.Fields, func(m *entry) bool { return !m.group() || m.list() }) {
		s.line("g := &e.%s", e.goPath)
	}
	s.line("start := len(dst)")
	s.line("dst = append(dst, `\"%s\":{`...)", e.Name)
	s.line("body := len(dst)")
	for _, m := range e.Fields {
		appendMember(s, m)
	}
	s.line("return e.endGroup(dst, start, body, x)\n}")
}

// asked says whether a group has a method that says whether it is empty.
func asked(e *entry) bool {
	count := 0
	walk(e.Fields, func(*entry) { count++ })
	return count < manyFields
}

// appendEmpty writes that method: one sum over all lengths, without a jump for each.
func appendEmpty(s *source, e *entry) {
	if !asked(e) {
		return
	}
	var lengths, flags []string
	walk(e.Fields, func(m *entry) {
		member := "g." + strings.TrimPrefix(m.goPath, e.goPath+".")
		switch kind := goType(m); {
		case m.group() && !m.list(), m.inList: // its fields count, or the list does
		case kind == "Bool":
			lengths = append(lengths, "int("+member+")")
		case kind == "Long", kind == "GeoPoint":
			flags = append(flags, "!"+member+".Set")
		default:
			lengths = append(lengths, "len("+member+")")
		}
	})
	conditions := flags
	if len(lengths) > 0 {
		conditions = append([]string{strings.Join(lengths, " |\n") + " == 0"}, flags...)
	}
	s.line("\nfunc (g *%s) empty() bool {\nreturn %s\n}", groupType(e), strings.Join(conditions, " && "))
}

func appendMember(s *source, m *entry) {
	name := goName(m.Name)
	switch kind := goType(m); {
	case m.list():
		s.line("if len(g.%s) > 0 {", name)
		s.line("dst = append(dst, `\"%s\":[`...)", m.Name)
		s.line("for i := range g.%s {\ndst = g.%s[i].appendJSON(dst)\n}", name, name)
		s.line("dst[len(dst)-1] = ']'\ndst = append(dst, ',')\n}")
	case m.group() && asked(m):
		s.line("if x != nil || !e.%s.empty() {\ndst = e.append%s(dst, x.child(%q))\n}", m.goPath, groupType(m), m.Name)
	case m.group():
		s.line("dst = e.append%s(dst, x.child(%q))", groupType(m), m.Name)
	case kind == "string":
		s.line("if g.%s != \"\" {\ndst = appendText(dst, `\"%s\":\"`, g.%s)\n}", name, m.Name, name)
	case kind == "[]string":
		s.line("if len(g.%s) > 0 {\ndst = appendList(dst, `\"%s\":[`, g.%s)\n}", name, m.Name, name)
	case kind == "RawJSON":
		s.line("if len(g.%s) > 0 {\ndst = appendRaw(dst, `\"%s\":`, g.%s)\n}", name, m.Name, name)
	case kind == "Bool":
		s.line("if g.%s != Unset {\ndst = appendBool(dst, `\"%s\":`, g.%s)\n}", name, m.Name, name)
	default: // Long, GeoPoint
		s.line("if g.%s.Set {\ndst = append%s(dst, `\"%s\":`, g.%s)\n}", name, kind, m.Name, name)
	}
}

// appendElement writes the encoder of one element of a list of objects.
func appendElement(s *source, e *entry) {
	s.line("\nfunc (g *%s) appendJSON(dst []byte) []byte {", groupType(e))
	s.line("dst = append(dst, '{')\nbody := len(dst)")
	var taken []string
	for _, m := range e.Fields {
		appendMember(s, m)
		taken = append(taken, "(m.Key == \""+m.Name+"\" && g."+goName(m.Name)+" != \"\")")
	}
	if e.Dynamic {
		s.line("for _, m := range g.Extra {\nif %s {\ncontinue\n}", strings.Join(taken, " ||\n"))
		s.line("dst = appendMember(dst, m.Key, m.Value)\n}")
	}
	s.line("return endElement(dst, body)\n}")
}
