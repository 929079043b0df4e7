package config

import "reflect"

// Names lists the options of a config struct, or of a pointer to one, as dotted names in the order of its fields. Groups themselves,
// what is below lists and maps, and options of a type of component are not among them.
func Names(v any) []string {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return optionsBelow(t, "")
}

func optionsBelow(t reflect.Type, prefix string) []string {
	var names []string
	fields, _ := fieldsOf(t)
	for _, f := range fields {
		inner := t.FieldByIndex(f.index).Type
		if inner.Kind() == reflect.Pointer && inner != sectionType {
			inner = inner.Elem()
		}
		switch {
		case inner == sectionType:
		case inner.Kind() == reflect.Struct && !reflect.PointerTo(inner).Implements(textType):
			names = append(names, optionsBelow(inner, prefix+f.name+".")...)
		default:
			names = append(names, prefix+f.name)
		}
	}
	return names
}
