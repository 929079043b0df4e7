package ecs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Put sets the value at a dotted path.
//
// For a declared field the value must fit its type:
//   - keyword and the other texts: string; a date also time.Time, an ip also netip.Addr
//   - lists: []string, []any of strings, or one string
//   - boolean: bool, Bool, or the texts true and false; long: any integer, Long, or a float without a fraction
//   - geo_point: GeoPoint, or a map with lat and lon
//   - flattened, object, and lists of objects: RawJSON, or what encoding/json can encode
//
// A group takes an object, whose members are put one by one. Any other path takes what encoding/json can encode, also
// below an object or flattened field (labels.team). nil deletes. A value that does not fit is a *TypeError, a path that
// leads through a field without members (source.ip.x) a *PathError; the document is then as it was, but for the members
// of a group that were put before the one that failed.
func (e *Event) Put(path string, v any) error {
	if v == nil {
		e.Delete(path)
		return nil
	}
	if err := checkPath(path); err != nil {
		return err
	}
	if number := fieldNumber(path); number >= 0 {
		return e.putField(number, v)
	}
	if isGroup(path) {
		return e.putGroup(path, v)
	}
	if at, ok := crossed(path); ok {
		return &PathError{path, fmt.Sprintf("leads through %q, a field of type %s, which has no members", at.Name, at.Type)}
	}
	raw, err := encode(v)
	if err != nil {
		return &PathError{path, "takes a value that JSON can express: " + err.Error()}
	}
	if at := e.extraLeafAbove(path); at != "" {
		return &PathError{path, fmt.Sprintf("leads through %q, whose value is no object; delete it first", at)}
	}
	e.PutRaw(path, raw)
	return nil
}

// PutRaw stores a JSON value at a dotted path whatever the declared type there, for values that came with another type
// than the declared one and must not be lost. The typed members at and below the path are emptied; one that is set
// later wins over the raw value. A field without members that the path leads through is emptied too. An empty raw
// deletes.
//
// raw must be valid JSON and must stay unchanged for as long as the event is used. A path with an empty segment is left
// alone, since no document can have it.
func (e *Event) PutRaw(path string, raw RawJSON) {
	e.Delete(path)
	if len(raw) == 0 || checkPath(path) != nil {
		return
	}
	number := fieldNumber(path)
	if number >= 0 && table[number].hasMembers() {
		*e.member(number).(*RawJSON) = raw
		return
	}
	e.grow(path).fill(path, raw)
}

// grow gives the node at a path, made if need be. Those above it become objects.
func (e *Event) grow(path string) *node {
	if e.extra == nil {
		e.extra = &node{field: -1}
	}
	n, start := e.extra, 0
	for end := range dots(path) {
		n = n.grow(path[start:end], path[:end])
		e.open(n)
		start = end + 1
	}
	return n.grow(path[start:], path)
}

// open makes n ready to have members: what it held as a value becomes members, or gives way.
func (e *Event) open(n *node) {
	raw := n.raw
	n.raw = nil
	if n.field >= 0 {
		if p, ok := e.member(n.field).(*RawJSON); ok && len(*p) > 0 {
			raw = *p
		}
		e.clear(n.field)
	}
	if members, ok := split(raw); ok {
		for _, m := range members {
			n.grow(m.Key, "").raw = m.Value
		}
	}
}

// fill gives n its value. An object in the place of a group is taken apart, so that it mixes with the typed members.
func (n *node) fill(path string, raw RawJSON) {
	members, ok := split(raw)
	if !n.group || !ok {
		n.raw = raw
		return
	}
	for _, m := range members {
		n.grow(m.Key, path+"."+m.Key).fill(path+"."+m.Key, m.Value)
	}
}

// Delete removes the value at a dotted path, a group with all its members, and reports whether there was one.
func (e *Event) Delete(path string) bool {
	found := false
	switch number := fieldNumber(path); {
	case number >= 0:
		found = e.clear(number)
	case isGroup(path):
		for i := range table {
			if strings.HasPrefix(table[i].Name, path) && strings.HasPrefix(table[i].Name[len(path):], ".") {
				found = e.clear(i) || found
			}
		}
	default:
		if _, ok := e.Get(path); ok {
			e.grow(path) // objects on the way become nodes, so that remove finds the member
		}
	}
	return e.extra.remove(path) || found
}

// remove drops the node at a path below n, and those above it that become empty.
func (n *node) remove(path string) bool {
	if n == nil {
		return false
	}
	head, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return n.drop(head)
	}
	k := n.find(head)
	if k == nil || !k.remove(rest) {
		return false
	}
	if k.empty() {
		n.drop(head)
	}
	return true
}

// clear empties a typed member and reports whether it was set.
func (e *Event) clear(number int) bool {
	if !e.has(number) {
		return false
	}
	switch p := e.member(number).(type) {
	case *string:
		*p = ""
	case *[]string:
		*p = emptied(*p)
	case *Bool:
		*p = Unset
	case *Long:
		*p = Long{}
	case *GeoPoint:
		*p = GeoPoint{}
	case *RawJSON:
		*p = nil
	case *[]AWSCloudTrailResources:
		*p = emptied(*p)
	}
	return true
}

func (e *Event) putGroup(path string, v any) error {
	raw, err := encode(v)
	if err != nil {
		return &TypeError{path, "group", err.Error()}
	}
	members, ok := split(raw)
	if !ok {
		return &TypeError{path, "group", fmt.Sprintf("it takes an object, not %T", v)}
	}
	for _, m := range members {
		value, _ := decode(m.Value)
		if err := e.Put(path+"."+m.Key, value); err != nil {
			return err
		}
	}
	return nil
}

// checkPath refuses paths with empty segments.
func checkPath(path string) error {
	if path == "" || path[0] == '.' || path[len(path)-1] == '.' || strings.Contains(path, "..") {
		return &PathError{path, "has an empty segment"}
	}
	return nil
}

// crossed gives the declared field without members that the path leads through.
func crossed(path string) (Field, bool) {
	for end := range dots(path) {
		if n := fieldNumber(path[:end]); n >= 0 {
			return table[n], !table[n].hasMembers()
		}
	}
	return Field{}, false
}

// extraLeafAbove gives the part of the path at which the extra tree, or a raw member, holds a value that is no object.
func (e *Event) extraLeafAbove(path string) string {
	n, start := e.extra, 0
	for end := range dots(path) {
		if n = n.child(path[start:end]); n == nil {
			return ""
		}
		if len(n.raw) > 0 && n.raw[0] != '{' {
			return path[:end]
		}
		start = end + 1
	}
	return ""
}

// split takes a JSON object apart into its members, in their order.
func split(raw RawJSON) ([]Member, bool) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return nil, false
	}
	var members []Member
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, false
		}
		members = append(members, Member{key.(string), RawJSON(value)})
	}
	return members, true
}

// encode gives v as compact JSON without HTML escaping.
func encode(v any) (RawJSON, error) {
	if raw, ok := v.(RawJSON); ok {
		if !json.Valid(raw) {
			return nil, fmt.Errorf("the RawJSON is not valid JSON")
		}
		return raw, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
