package main

// accessFile writes what finds a member by its path or number, and Reset.
func accessFile(root []*entry) ([]byte, error) {
	s := newSource()
	var fields, groups, lists []*entry
	walk(root, func(e *entry) {
		if e.group() && !e.list() {
			groups = append(groups, e)
			return
		}
		fields = append(fields, e)
		if e.array() {
			lists = append(lists, e)
		}
	})

	s.line("\n// fieldNumber gives the place of a declared field in the table, or -1.")
	s.line("func fieldNumber(path string) int {\nswitch path {")
	for i, e := range fields {
		s.line("case %q:\nreturn %d", e.path, i)
	}
	s.line("}\nreturn -1\n}")

	s.line("\n// isGroup says whether path is a group of fields.yml that is a struct of its own.")
	s.line("func isGroup(path string) bool {\nswitch path {\ncase")
	for i, e := range groups {
		s.WriteString(map[bool]string{true: ",\n"}[i > 0])
		s.WriteString(`"` + e.path + `"`)
	}
	s.line(":\nreturn true\n}\nreturn false\n}")

	s.line("\n// appendGroupAt appends a group as a member, or nothing when the group is empty.")
	s.line("func (e *Event) appendGroupAt(dst []byte, path string, x *node) []byte {\nswitch path {")
	for _, e := range groups {
		s.line("case %q:\nreturn e.append%s(dst, x)", e.path, groupType(e))
	}
	s.line("}\nreturn dst\n}")

	s.line("\n// member gives a pointer to the value of a field, and nil for the members of a list of objects.")
	s.line("func (e *Event) member(number int) any {\nswitch number {")
	for i, e := range fields {
		if !e.inList {
			s.line("case %d:\nreturn &e.%s", i, e.goPath)
		}
	}
	s.line("}\nreturn nil\n}")

	s.line(`
// Reset empties the event for the next document. It keeps the capacity of its lists and the memory of its Arena, and
// allocates nothing. Strings that the Arena handed out are invalid from here on.
func (e *Event) Reset() {`)
	for i, e := range lists {
		s.line("l%d := emptied(e.%s)", i, e.goPath)
	}
	s.line("arena := e.arena\n*e = Event{}")
	for i, e := range lists {
		s.line("e.%s = l%d", e.goPath, i)
	}
	s.line("if arena != nil {\narena.release()\ne.arena = arena\n}\n}")
	return s.file()
}

// tableFile writes the field table.
func tableFile(root []*entry) ([]byte, error) {
	s := newSource()
	s.line("\n// table holds every field in the order of fields.yml. fieldNumber gives the index. It is never changed.")
	s.line("var table = [...]Field{")
	walk(root, func(e *entry) {
		if e.group() && !e.list() {
			return
		}
		s.line("{Name: %q, Type: %q, Description: %q,", e.path, e.Type, e.Description)
		if n := e.ignoreAbove(); n > 0 {
			s.line("IgnoreAbove: %d,", n)
		}
		if len(e.MultiFields) > 0 {
			s.WriteString("MultiFields: []MultiField{")
			for _, m := range e.MultiFields {
				s.line("{Name: %q, Type: %q},", m.Name, m.Type)
			}
			s.line("},")
		}
		if e.array() {
			s.line("Array: true,")
		}
		if e.inList {
			s.line("InList: true,")
		}
		if e.Dynamic {
			s.line("Dynamic: true,")
		}
		if e.indexed() && !e.list() {
			s.line("Index: true,")
		}
		if e.sorted() && !e.list() {
			s.line("DocValues: true,")
		}
		if e.Value != "" {
			s.line("Value: %q,", e.Value)
		}
		s.line("},")
	})
	s.line("}")
	return s.file()
}
