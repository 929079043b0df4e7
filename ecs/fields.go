package ecs

import "slices"

// Field describes one field of fields.yml.
type Field struct {
	// Name is the dotted path.
	Name string
	// Type is the type of the mapping: keyword, constant_keyword, text, match_only_text, date, ip, boolean, long,
	// geo_point, flattened or object, and group for a list of objects.
	Type string
	// Description is one sentence.
	Description string
	// IgnoreAbove is the number of characters beyond which the value is stored and not searchable; 0 where there is no
	// such limit.
	IgnoreAbove int
	// MultiFields are further ways in which the value is indexed.
	MultiFields []MultiField
	// Array says that the value is a list.
	Array bool
	// InList says that the field is a member of the objects of a list.
	InList bool
	// Dynamic says of a list of objects that its objects may have further members.
	Dynamic bool
	// Index says that the value is searchable, DocValues that it can be sorted and counted by.
	Index, DocValues bool
	// Value is the only one that a constant_keyword can have; empty where any is fine.
	Value string
}

// MultiField is a further way in which a value is indexed, found under the field's name, a dot and this name.
type MultiField struct{ Name, Type string }

// Fields gives every declared field in the order of fields.yml. The slice is the caller's.
func Fields() []Field { return slices.Clone(table[:]) }

// Lookup gives the declared field of that dotted path. Groups and multi-fields are no fields.
func Lookup(path string) (Field, bool) {
	n := fieldNumber(path)
	if n < 0 {
		return Field{}, false
	}
	return table[n], true
}

// hasMembers says that the field's value is an object with members that are not declared one by one.
func (f *Field) hasMembers() bool { return f.Type == "flattened" || f.Type == "object" }
