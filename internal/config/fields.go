package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// field is an option of a struct.
type field struct {
	name          string
	index         []int
	secret, bytes bool
}

var (
	sectionType  = reflect.TypeFor[*Section]()
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// fieldsOf lists the options of a struct type in the order of its fields, and the index of the *Section that takes the
// rest, nil where there is none. Faults of the tags are faults of the program, so it panics.
func fieldsOf(t reflect.Type) (fields []field, rest []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, tagged := sf.Tag.Lookup("config")
		if !tagged || tag == "-" || !sf.IsExported() {
			continue
		}
		options := strings.Split(tag, ",")
		f := field{name: options[0], index: sf.Index}
		inline := false
		for _, option := range options[1:] {
			switch option {
			case "secret":
				f.secret = true
			case "bytes":
				f.bytes = true
			case "inline":
				inline = true
			default:
				panic(fmt.Sprintf("config: %s.%s has the unknown tag option %q", t, sf.Name, option))
			}
		}
		switch {
		case inline && sf.Type == sectionType:
			rest = sf.Index
		case inline:
			inner, innerRest := fieldsOf(sf.Type)
			for _, one := range inner {
				one.index = append(slices.Clone(sf.Index), one.index...)
				fields = append(fields, one)
			}
			if innerRest != nil {
				rest = append(slices.Clone(sf.Index), innerRest...)
			}
		case f.name == "":
			panic(fmt.Sprintf("config: %s.%s has no name in its tag", t, sf.Name))
		default:
			fields = append(fields, f)
		}
	}
	return fields, rest
}

func namesOf(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}
