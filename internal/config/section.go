package config

import "strconv"

// Names are the names of the group's members, in the order in which they are written.
func (s *Section) Names() []string { return append([]string(nil), s.value.names...) }

// Sub is the group with that name in s. One that is empty, or not there, has no members. The error is an Errors: it is no
// group.
func (s *Section) Sub(name string) (*Section, error) {
	path := join(s.path, name)
	member := s.value.members[name]
	switch {
	case member == nil:
		return NewSection(path), nil
	case member.kind == null:
		empty := newGroup(member.pos)
		empty.keyPos = member.keyPos
		member = empty
	case member.kind != group:
		errs := &errorList{}
		errs.add(member.pos, path, "is %s, but must be a group of options, one below the other", member.describe(telling(path)))
		return nil, errs.err()
	}
	return &Section{path: path, value: member}, nil
}

// Elements are the groups of the list with that name in s; a single group stands for a list of one, and nothing for an empty
// one. The error is an Errors.
func (s *Section) Elements(name string) ([]*Section, error) {
	path := join(s.path, name)
	member := s.value.members[name]
	if member == nil || member.kind == null {
		return nil, nil
	}
	if member.kind == group {
		return []*Section{{path: path, value: member}}, nil
	}
	errs := &errorList{}
	if member.kind != list {
		errs.add(member.pos, path, "is %s, but must be a list, each element on a line of its own after \"- \"", member.describe(telling(path)))
		return nil, errs.err()
	}
	var out []*Section
	for i, item := range member.items {
		at := join(path, strconv.Itoa(i))
		if item.kind != group {
			errs.add(item.pos, at, "is %s, but must be a group of options", item.describe(telling(path)))
			continue
		}
		out = append(out, &Section{path: at, value: item})
	}
	return out, errs.err()
}
