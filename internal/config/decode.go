package config

import (
	"reflect"
	"strconv"
)

// Validator is implemented by structs that check themselves after they were filled. The error joins one error per fault;
// each begins with the dotted name of the option, relative to the struct, and a colon: "backoff.init: must be > 0".
// The outermost struct that has Validate answers for all below it.
type Validator interface{ Validate() error }

// Defaulter is implemented by structs that are elements of lists or maps and have defaults. SetDefaults is called on the
// empty element, before it is filled.
type Defaulter interface{ SetDefaults() }

// Decode fills into, a pointer to a struct. Options that are absent, or null, keep the value that is in it. The error
// is an Errors.
func (t *Tree) Decode(into any) error {
	return (&Section{value: t.root}).Decode(into)
}

// Section is a group of options that is decoded later, by the component that it belongs to.
type Section struct {
	path  string
	value *value
	// whole is the group with the options that others took from it; nil: value.
	whole *value
	// known are names that were taken from the group before: they may be what a misspelt one meant.
	known []string
	// decoded is what Decode filled, for Marshal.
	decoded any
}

// NewSection is a group in which nothing is set, for one that the configuration does not have.
func NewSection(path string) *Section {
	return &Section{path: path, value: newGroup(Position{File: "defaults", Line: 1, Column: 1})}
}

// Path is the dotted name of the group.
func (s *Section) Path() string { return s.path }

// Position is where the group is written.
func (s *Section) Position() Position { return s.value.keyPos }

// Has reports whether the group has a member of that dotted name.
func (s *Section) Has(name string) bool {
	_, ok := s.value.find(name)
	return ok
}

// Errorf is an error at a dotted name below the group, or at the group itself where name is "". Callers use it for what
// only they can judge.
func (s *Section) Errorf(name, format string, args ...any) error {
	errs := &errorList{}
	group := s.value
	if s.whole != nil {
		group = s.whole
	}
	at, found := group.find(name)
	path := s.path
	if name != "" {
		path = join(path, name)
	}
	pos := at.keyPos
	if found && at.kind == scalar {
		pos = at.pos
	}
	errs.add(pos, path, format, args...)
	return errs.err()
}

// Decode fills into, a pointer to a struct, like Tree.Decode.
func (s *Section) Decode(into any) error {
	dst := reflect.ValueOf(into)
	if dst.Kind() != reflect.Pointer || dst.Elem().Kind() != reflect.Struct {
		panic("config: Decode needs a pointer to a struct")
	}
	d := &decoder{rootPath: s.path, known: s.known, errs: &errorList{}, meant: map[string]bool{}}
	d.decode(s.path, s.value, dst.Elem(), field{}, true)
	s.decoded = into
	return d.errs.err()
}

type decoder struct {
	rootPath string
	known    []string
	errs     *errorList
	// meant are the options that misspelt ones may have meant. That they are missing is not said on top of that.
	meant map[string]bool
}

// decode fills dst with v. validate says that no struct around dst answers for it.
func (d *decoder) decode(path string, v *value, dst reflect.Value, f field, validate bool) {
	if v.kind == null {
		return
	}
	t := dst.Type()
	switch {
	case t == sectionType:
		if v.kind != group {
			d.mismatch(path, v, f, "a group of options")
			return
		}
		dst.Set(reflect.ValueOf(&Section{path: path, value: v}))
	case t.Kind() == reflect.Pointer:
		if dst.IsNil() {
			fresh := reflect.New(t.Elem())
			setDefaults(fresh)
			dst.Set(fresh)
		}
		d.decode(path, v, dst.Elem(), f, validate)
	case reflect.PointerTo(t).Implements(textType) || isScalarKind(t):
		d.scalar(path, v, dst, f)
	case t.Kind() == reflect.Struct:
		d.structure(path, v, dst, f, validate)
	case t.Kind() == reflect.Slice:
		d.slice(path, v, dst, f, validate)
	case t.Kind() == reflect.Map:
		d.mapping(path, v, dst, f, validate)
	case t.Kind() == reflect.Interface && t.NumMethod() == 0:
		if plain := v.plain(); plain != nil {
			dst.Set(reflect.ValueOf(plain))
		}
	default:
		panic("config: no option can be a " + t.String())
	}
}

func setDefaults(pointer reflect.Value) {
	if d, ok := pointer.Interface().(Defaulter); ok {
		d.SetDefaults()
	}
}

func (d *decoder) structure(path string, v *value, dst reflect.Value, f field, validate bool) {
	if v.kind != group {
		d.mismatch(path, v, f, "a group of options, one below the other")
		return
	}
	fields, rest := fieldsOf(dst.Type())
	validator, hasValidate := dst.Addr().Interface().(Validator)
	taken := map[string]bool{}
	for _, f := range fields {
		taken[f.name] = true
		if member := v.members[f.name]; member != nil {
			d.decode(join(path, f.name), member, dst.FieldByIndex(f.index), f, validate && !hasValidate)
		}
	}
	names := namesOf(fields)
	if rest != nil {
		left := newGroup(v.pos)
		left.keyPos = v.keyPos
		for _, name := range v.names {
			if !taken[name] {
				left.put(name, v.members[name])
			}
		}
		dst.FieldByIndex(rest).Set(reflect.ValueOf(&Section{path: path, value: left, whole: v, known: names}))
	} else {
		for _, name := range v.names {
			if !taken[name] {
				d.unknown(path, name, v.members[name], names)
			}
		}
	}
	if validate && hasValidate {
		d.validate(path, v, validator)
	}
}

func (d *decoder) unknown(path, name string, member *value, names []string) {
	if path == d.rootPath {
		names = append(append([]string{}, names...), d.known...)
	}
	if near := nearest(name, names); near != "" {
		d.meant[join(path, near)] = true
	}
	d.errs.add(member.keyPos, join(path, name), "%s", unknownOption(name, names))
}

func (d *decoder) slice(path string, v *value, dst reflect.Value, f field, validate bool) {
	items := v.items
	switch {
	case v.kind == list:
	case v.kind == scalar && isScalarKind(dst.Type().Elem()):
		items = v.split()
	default:
		d.mismatch(path, v, f, "a list, each element on a line of its own after \"- \"")
		return
	}
	out := reflect.MakeSlice(dst.Type(), len(items), len(items))
	for i, item := range items {
		element := join(path, strconv.Itoa(i))
		if item.kind == null {
			d.errs.add(item.pos, element, "is an empty element; give it a value or remove its line")
			continue
		}
		setDefaults(out.Index(i).Addr())
		d.decode(element, item, out.Index(i), f, validate)
	}
	dst.Set(out)
}

func (d *decoder) mapping(path string, v *value, dst reflect.Value, f field, validate bool) {
	if v.kind != group {
		d.mismatch(path, v, f, "a group of names with values")
		return
	}
	if elem := dst.Type().Elem(); isScalarKind(elem) || elem.Kind() == reflect.Slice && isScalarKind(elem.Elem()) {
		// Names of such a map are free text, and their dots have been taken for levels.
		v = v.flat()
	}
	out := reflect.MakeMapWithSize(dst.Type(), len(v.names))
	if !dst.IsNil() {
		for _, key := range dst.MapKeys() {
			out.SetMapIndex(key, dst.MapIndex(key))
		}
	}
	for _, name := range v.names {
		key := reflect.ValueOf(name).Convert(dst.Type().Key())
		element := reflect.New(dst.Type().Elem())
		if old := out.MapIndex(key); old.IsValid() {
			element.Elem().Set(old)
		} else {
			setDefaults(element)
		}
		member := v.members[name]
		if member.kind == null && isGroupKind(dst.Type().Elem()) {
			// "output.console:" with nothing below it means the defaults, and not that there is none.
			empty := newGroup(member.pos)
			empty.keyPos = member.keyPos
			member = empty
		}
		d.decode(join(path, name), member, element.Elem(), f, validate)
		out.SetMapIndex(key, element.Elem())
	}
	dst.Set(out)
}

func isGroupKind(t reflect.Type) bool {
	if t == sectionType {
		return true
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && !isScalarKind(t)
}

// mismatch reports a value of the wrong type.
func (d *decoder) mismatch(path string, v *value, f field, expected string) {
	d.errs.add(v.pos, path, "is %s, but must be %s", v.describe(f.secret), expected)
}
