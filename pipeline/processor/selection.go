package processor

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"sync"

	"github.com/trailbeat/trailbeat/ecs"
)

// selection is a list of names and expressions, apart.
type selection struct {
	names []string
	exprs []*regexp.Regexp
	// declared are the fields of fields.yml that an expression matches.
	declared []string
	// objects are the declared fields whose members are not declared.
	objects map[string]bool
}

func newSelection(fields []string) *selection {
	s := &selection{objects: map[string]bool{}}
	for _, field := range fields {
		if isPattern(field) {
			s.exprs = append(s.exprs, regexp.MustCompile(field[1:len(field)-1]))
		} else {
			s.names = append(s.names, field)
		}
	}
	for _, f := range ecs.Fields() {
		if f.Type == "flattened" || f.Type == "object" {
			s.objects[f.Name] = true
		}
		if !f.InList && !slices.Contains(mandatory, f.Name) && s.matches(f.Name) {
			s.declared = append(s.declared, f.Name)
		}
	}
	return s
}

// matches reports whether an expression matches the path or that of a group around it.
func (s *selection) matches(path string) bool {
	for i := 0; i <= len(path); i++ {
		if i < len(path) && path[i] != '.' {
			continue
		}
		for _, e := range s.exprs {
			if e.MatchString(path[:i]) {
				return true
			}
		}
	}
	return false
}

// pathLists are the lists of paths that each works with.
var pathLists = sync.Pool{New: func() any { return new([]string) }}

// each takes out of the document what keep says no to. A member of an object with members that are not declared is asked
// for by its own path; where the object itself is not kept its members may be, unless leaves is true: then the object is
// only left where its members are.
func (s *selection) each(ev *ecs.Event, keep func(path string) bool, leaves bool) {
	list := pathLists.Get().(*[]string)
	defer func() {
		clear(*list)
		pathLists.Put(list)
	}()
	*list = ev.AppendPaths((*list)[:0], false)
	for _, path := range *list {
		if slices.Contains(mandatory, path) {
			continue
		}
		stays := keep(path)
		if !s.objects[path] || stays != leaves {
			if !stays {
				ev.Delete(path)
			}
			continue
		}
		v, _ := ev.Get(path)
		raw, ok := v.(ecs.RawJSON)
		if !ok {
			continue
		}
		switch left, changed := filter(raw, path, keep, leaves); {
		case !changed:
		case len(left) <= len("{}"):
			ev.Delete(path)
		default:
			ev.PutRaw(path, left)
		}
	}
}

// filter gives the object without the members that are not kept, and says whether any went.
func filter(raw ecs.RawJSON, path string, keep func(string) bool, leaves bool) (ecs.RawJSON, bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return raw, false
	}
	out, changed := []byte{'{'}, false
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return raw, false
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return raw, false
		}
		name := key.(string)
		at, left := path+"."+name, ecs.RawJSON(value)
		if stays := keep(at); value[0] == '{' && stays == leaves {
			var inner bool
			left, inner = filter(left, at, keep, leaves)
			changed = changed || inner
			if len(left) <= len("{}") && (inner || !leaves) {
				changed = true
				continue
			}
		} else if !stays {
			changed = true
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(ecs.AppendString(out, name), ':')
		out = append(out, left...)
	}
	return append(out, '}'), changed
}
