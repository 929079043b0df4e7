package config

import (
	"encoding"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
)

// Kind is what an option takes.
type Kind int

// The kinds of options.
const (
	KindText     Kind = iota // any text
	KindBool                 // true or false
	KindInteger              // a whole number
	KindNumber               // any number
	KindDuration             // "30s", or a plain number of seconds
	KindBytes                // "10MiB", or a plain number of bytes
	KindGroup                // options below it
	KindList                 // a list of Element
	KindMap                  // free names, each with an Element
	KindAny                  // whatever YAML can write
)

// Option describes an option of a struct with config tags.
type Option struct {
	// Name is the last part of its dotted name; empty for a struct itself and for the element of a list or map.
	Name string
	// Field is where its comment stands: "input/sqs.Config.QueueURL", the folder of the package below the module first. Empty for
	// an element.
	Field string
	Kind  Kind
	// Default is the value where nothing is set, as it would be written. Empty for groups, and for elements.
	Default string
	// Secret says that its value is never printed.
	Secret bool
	// Options of a group, in the order of the struct.
	Options []Option
	// Rest says that a group takes names that are not among its options.
	Rest bool
	// Element of a list or map.
	Element *Option
	// Recursive says that the group is one that stands around it; its options are not listed again.
	Recursive bool
	// Type is the Go type of a group: "input/sqs.Config".
	Type string
}

// Describe lists the options of a struct, into which v points, with the values that it holds as defaults.
func Describe(v any) Option { return describe(reflect.ValueOf(v).Elem(), field{}, nil) }

func describe(v reflect.Value, f field, around []reflect.Type) Option {
	t := v.Type()
	o := Option{Name: f.name, Secret: f.secret}
	if t == sectionType {
		o.Kind, o.Rest = KindGroup, true
		return o
	}
	if t.Kind() == reflect.Pointer {
		if v.IsNil() {
			v = reflect.New(t.Elem())
			setDefaults(v)
		}
		return describe(v.Elem(), f, around)
	}
	if isScalarKind(t) {
		o.Kind = scalarKind(t, f)
		o.Default = defaultText(v, f, o.Kind)
		return o
	}
	switch t.Kind() {
	case reflect.Struct:
		o.Kind, o.Type = KindGroup, typeName(t)
		if slices.Contains(around, t) {
			o.Recursive = true
			return o
		}
		fields, rest := fieldsOf(t)
		o.Rest = rest != nil
		for _, f := range fields {
			member := describe(v.FieldByIndex(f.index), f, append(slices.Clone(around), t))
			member.Field = ownerOf(t, f.index)
			o.Options = append(o.Options, member)
		}
	case reflect.Slice, reflect.Map:
		o.Kind = KindList
		if t.Kind() == reflect.Map {
			o.Kind = KindMap
		}
		empty := reflect.New(t.Elem())
		setDefaults(empty)
		element := describe(empty.Elem(), field{secret: f.secret, bytes: f.bytes}, around)
		element.Default = ""
		o.Element, o.Default = &element, collectionText(v, f)
	case reflect.Interface:
		o.Kind = KindAny
	default:
		panic("config: no option can be a " + t.String())
	}
	return o
}

func scalarKind(t reflect.Type, f field) Kind {
	switch k := t.Kind(); {
	case t == durationType:
		return KindDuration
	case reflect.PointerTo(t).Implements(textType), k == reflect.String:
		return KindText
	case k == reflect.Bool:
		return KindBool
	case k == reflect.Float32, k == reflect.Float64:
		return KindNumber
	case f.bytes:
		return KindBytes
	}
	return KindInteger
}

func defaultText(v reflect.Value, f field, kind Kind) string {
	if f.secret {
		return `""`
	}
	text := scalarText(v, f)
	if _, marshals := v.Interface().(encoding.TextMarshaler); kind == KindText || marshals {
		return quoted(text)
	}
	return text
}

// quoted writes text as YAML would, on one line.
func quoted(text string) string {
	if text == "" || strings.ContainsAny(text, ":#'\"{}[]&*!|>%@`,\\\n ") || strings.HasPrefix(text, "-") || text == "true" || text == "false" {
		return fmt.Sprintf("%q", text)
	}
	return text
}

func collectionText(v reflect.Value, f field) string {
	if v.Kind() == reflect.Map {
		return "{}"
	}
	if !isScalarKind(v.Type().Elem()) {
		return "[]"
	}
	items := make([]string, v.Len())
	for i := range items {
		items[i] = defaultText(v.Index(i), f, scalarKind(v.Type().Elem(), f))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// ownerOf names the field that an index leads to, by the struct that it is declared in.
func ownerOf(t reflect.Type, index []int) string {
	owner := t
	for _, i := range index[:len(index)-1] {
		owner = owner.Field(i).Type
	}
	return typeName(owner) + "." + owner.Field(index[len(index)-1]).Name
}

// typeName is the folder of a type's package below the module, and its name.
func typeName(t reflect.Type) string {
	parts := strings.SplitN(t.PkgPath(), "/", 4)
	return path.Clean(parts[len(parts)-1]) + "." + t.Name()
}
