package ecs

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Get gives the value at a dotted path, and false where the document has none.
//
// A declared field gives string, []string, bool, int64, GeoPoint or RawJSON by its type; a group and a list of objects
// give their JSON as RawJSON; a member of a list of objects gives the []string of its values. What was put at other
// paths, and the members of flattened and object fields, give what encoding/json would decode them to, with whole
// numbers as int64. The result is valid until the event changes.
func (e *Event) Get(path string) (any, bool) {
	number := fieldNumber(path)
	if number >= 0 {
		if table[number].InList {
			return e.getInList(path)
		}
		if v, ok := e.value(number); ok {
			return v, true
		}
	}
	if isGroup(path) {
		return e.getGroup(path)
	}
	if v, ok := e.getExtra(path); ok {
		return v, true
	}
	return e.getInside(path)
}

// getExtra looks into the extra tree.
func (e *Event) getExtra(path string) (any, bool) {
	n := e.extra
	for deeper := true; deeper; {
		var key string
		key, path, deeper = strings.Cut(path, ".")
		if n = n.child(key); n == nil {
			return nil, false
		}
		if deeper && len(n.raw) > 0 {
			return inside(n.raw, path)
		}
	}
	return decode(n.appendValue(nil, e))
}

// value gives the typed member of a field.
func (e *Event) value(number int) (any, bool) {
	if !e.has(number) {
		return nil, false
	}
	switch p := e.member(number).(type) {
	case *string:
		return *p, true
	case *[]string:
		return *p, true
	case *Bool:
		return *p == True, true
	case *Long:
		return p.Value, true
	case *GeoPoint:
		return *p, true
	case *RawJSON:
		return *p, true
	case *[]AWSCloudTrailResources:
		return resourcesJSON(*p), true
	}
	return nil, false
}

func resourcesJSON(list []AWSCloudTrailResources) RawJSON {
	dst := []byte{'['}
	for i := range list {
		dst = list[i].appendJSON(dst)
	}
	dst[len(dst)-1] = ']'
	return dst
}

func (e *Event) getInList(path string) (any, bool) {
	var values []string
	for i := range e.AWS.CloudTrail.Resources {
		r := &e.AWS.CloudTrail.Resources[i]
		var v string
		switch path[strings.LastIndexByte(path, '.')+1:] {
		case "account_id":
			v = r.AccountID
		case "arn":
			v = r.ARN
		case "type":
			v = r.Type
		}
		if v != "" {
			values = append(values, v)
		}
	}
	return values, len(values) > 0
}

func (e *Event) getGroup(path string) (any, bool) {
	dst := e.appendGroupAt(nil, path, e.extra.at(path))
	if len(dst) == 0 {
		return nil, false
	}
	_, value, _ := bytes.Cut(dst[:len(dst)-1], []byte(":")) // without the key and the comma; keys of groups hold no colon
	return RawJSON(value), true
}

// getInside looks into the flattened or object field that the path leads through.
func (e *Event) getInside(path string) (any, bool) {
	for end := range dots(path) {
		number := fieldNumber(path[:end])
		if number < 0 || !table[number].hasMembers() {
			continue
		}
		raw, ok := e.value(number)
		if !ok {
			return nil, false
		}
		return inside(raw.(RawJSON), path[end+1:])
	}
	return nil, false
}

// inside gives the value at a path within a JSON object.
func inside(raw RawJSON, path string) (any, bool) {
	value, ok := decode(raw)
	for key := range strings.SplitSeq(path, ".") {
		object, _ := value.(map[string]any)
		if value, ok = object[key]; !ok {
			return nil, false
		}
	}
	return value, ok
}

// decode gives the Go value of a JSON text.
func decode(raw RawJSON) (any, bool) {
	if len(raw) == 0 {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return raw, true // it was given as JSON and is not: let the caller see it
	}
	return plainNumbers(v), true
}

// plainNumbers turns json.Number into int64, or float64 where it is no whole number of that size.
func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		for k := range v {
			v[k] = plainNumbers(v[k])
		}
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	}
	return v
}

// at gives the node at a dotted path below n, or nil.
func (n *node) at(path string) *node {
	for key := range strings.SplitSeq(path, ".") {
		if n = n.child(key); n == nil {
			return nil
		}
	}
	return n
}

// dots gives the position of every dot in path.
func dots(path string) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range len(path) {
			if path[i] == '.' && !yield(i) {
				return
			}
		}
	}
}
