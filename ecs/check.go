package ecs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// CheckDocument says whether a document keeps to fields.yml: every leaf is a declared field and has a value of the
// declared type, a list where and only where the field is one. The error names all that do not. It is meant for tests and
// is slow.
//
// As in the search engine, the texts true and false are booleans, too, and a geo_point is an object with lat and lon.
func CheckDocument(doc []byte) error {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var root map[string]any
	if err := dec.Decode(&root); err != nil {
		return fmt.Errorf("decoding the document: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("decoding the document: there is text behind it")
	}
	var c checker
	c.object("", root)
	return errors.Join(c.problems...)
}

type checker struct{ problems []error }

func (c *checker) report(path, format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
}

// object checks the members of the document (path is empty) or of a group.
func (c *checker) object(path string, members map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(members)) {
		at := strings.TrimPrefix(path+"."+key, ".")
		value := members[key]
		if f, ok := Lookup(at); ok && !strings.Contains(key, ".") {
			c.field(&f, value)
			continue
		}
		if strings.Contains(key, ".") {
			c.report(at, "the name has a dot in it; members are nested")
			continue
		}
		group, isObject := value.(map[string]any)
		switch {
		case !isGroup(at):
			c.report(at, "is not declared in fields.yml")
		case !isObject:
			c.report(at, "is a group and must be an object, not %s", describe(value))
		case len(group) == 0:
			c.report(at, "is empty")
		default:
			c.object(at, group)
		}
	}
}

func (c *checker) field(f *Field, value any) {
	if !f.Array {
		c.value(f, value)
		return
	}
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		c.report(f.Name, "must be a list with elements, not %s", describe(value))
		return
	}
	for _, v := range list {
		if f.Type == "group" {
			c.element(f, v)
		} else {
			c.value(f, v)
		}
	}
}

func (c *checker) element(f *Field, value any) {
	members, ok := value.(map[string]any)
	if !ok {
		c.report(f.Name, "must be a list of objects, and an element is %s", describe(value))
		return
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		at := f.Name + "." + key
		if member, ok := Lookup(at); ok {
			c.value(&member, members[key])
		} else if !f.Dynamic {
			c.report(at, "is not declared in fields.yml")
		}
	}
}

// value checks one value, not a list.
func (c *checker) value(f *Field, v any) {
	var ok bool
	problem := ""
	switch f.Type {
	case "boolean":
		_, ok = v.(bool)
		ok = ok || v == "true" || v == "false"
	case "long":
		var n json.Number
		if n, ok = v.(json.Number); ok {
			_, err := n.Int64()
			ok = err == nil
		}
	case "geo_point":
		var p map[string]any
		if p, ok = v.(map[string]any); ok {
			lat, isLat := p["lat"].(json.Number)
			lon, isLon := p["lon"].(json.Number)
			ok = isLat && isLon && len(p) == 2
			if ok {
				_, problem = pointOf(map[string]json.Number{"lat": lat, "lon": lon})
			}
		}
	case "flattened", "object":
		_, ok = v.(map[string]any)
	default:
		var s string
		if s, ok = v.(string); ok {
			problem = textProblem(f.Type, s)
			if s == "" {
				problem = "is empty"
			}
			if f.Value != "" && s != f.Value {
				problem = fmt.Sprintf("can only be %q, not %q", f.Value, s)
			}
		}
	}
	if !ok {
		problem = "cannot be " + describe(v)
	}
	if problem != "" {
		c.report(f.Name, "is of type %s: %s", f.Type, problem)
	}
}

func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		if len(v) == 0 {
			return "an empty list"
		}
		return "a list"
	case string:
		return fmt.Sprintf("the string %q", v)
	case json.Number:
		return "the number " + v.String()
	}
	return fmt.Sprint(v)
}
