package ecs

import "slices"

// node is one level of the extra tree: what the typed members cannot hold, in the order in which it was put there.
// Documents without such values have no tree, and the generated encoder asks for a nil pointer only.
type node struct {
	key   string
	field int     // number of the declared field at this path, or -1
	group bool    // the path is a group with a struct of its own: its encoder writes this node's members
	raw   RawJSON // the value of a leaf
	kids  []*node
}

// child gives the node below n with that key. It is small, so that the nil check is inlined into the encoder.
func (n *node) child(key string) *node {
	if n == nil {
		return nil
	}
	return n.find(key)
}

func (n *node) find(key string) *node {
	for _, k := range n.kids {
		if k.key == key {
			return k
		}
	}
	return nil
}

// grow gives the node below n with that key, made if need be. path is the dotted path of the new node.
func (n *node) grow(key, path string) *node {
	if k := n.find(key); k != nil {
		return k
	}
	k := &node{key: key, field: fieldNumber(path), group: isGroup(path)}
	n.kids = append(n.kids, k)
	return k
}

// drop removes the node below n with that key.
func (n *node) drop(key string) bool {
	before := len(n.kids)
	n.kids = slices.DeleteFunc(n.kids, func(k *node) bool { return k.key == key })
	return len(n.kids) < before
}

func (n *node) empty() bool { return len(n.raw) == 0 && len(n.kids) == 0 }

// appendMembers appends the members that no typed code writes, with a comma behind each.
func (n *node) appendMembers(dst []byte, e *Event) []byte {
	for _, k := range n.kids {
		if k.group || (k.field >= 0 && e.has(k.field)) {
			continue // the group's own encoder writes it, or the typed member wins
		}
		start := len(dst)
		dst = AppendString(dst, k.key)
		dst = append(dst, ':')
		value := len(dst)
		dst = k.appendValue(dst, e)
		if len(dst) == value {
			dst = dst[:start]
			continue
		}
		dst = append(dst, ',')
	}
	return dst
}

// appendValue appends the value of a node that is no declared group, or nothing where it is empty.
func (n *node) appendValue(dst []byte, e *Event) []byte {
	if len(n.raw) > 0 {
		return append(dst, n.raw...)
	}
	start := len(dst)
	dst = append(dst, '{')
	dst = n.appendMembers(dst, e)
	if len(dst) == start+1 {
		return dst[:start]
	}
	dst[len(dst)-1] = '}'
	return dst
}

// endGroup closes a group that starts at start, with its members from body on: the last comma becomes the brace. A group
// without members is taken back.
func (e *Event) endGroup(dst []byte, start, body int, x *node) []byte {
	if x != nil {
		dst = x.appendMembers(dst, e)
		if len(dst) == body && len(x.raw) > 0 { // another kind of value stands in the group's place
			return appendMember(dst[:start], x.key, x.raw)
		}
	}
	if len(dst) == body {
		return dst[:start]
	}
	dst[len(dst)-1] = '}'
	return append(dst, ',')
}

// endDocument closes the document.
func (e *Event) endDocument(dst []byte, body int, x *node) []byte {
	if x != nil {
		dst = x.appendMembers(dst, e)
	}
	if len(dst) == body {
		return append(dst, '}')
	}
	dst[len(dst)-1] = '}'
	return dst
}

// has says whether the typed member of a field is set.
func (e *Event) has(field int) bool {
	switch p := e.member(field).(type) {
	case *string:
		return *p != ""
	case *[]string:
		return len(*p) > 0
	case *Bool:
		return *p != Unset
	case *Long:
		return p.Set
	case *GeoPoint:
		return p.Set
	case *RawJSON:
		return len(*p) > 0
	case *[]AWSCloudTrailResources:
		return len(*p) > 0
	}
	return false
}
