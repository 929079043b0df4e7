package tape

import "unsafe"

// String is the text of node i where that is a string without escapes: nearly every value that is asked for. It points into the
// text that was parsed. One look at the node answers all, where Kind, Escaped and Raw take three.
func (t *Tape) String(i int32) (s string, ok bool) {
	n := &t.nodes[i]
	if n.kind != String || n.flags&flagEscaped != 0 {
		return "", false
	}
	text := t.src[n.start:n.end]
	return unsafe.String(unsafe.SliceData(text), len(text)), true
}

// End is where the nodes of container i, and what they contain, end.
func (t *Tape) End(i int32) int32 { return t.nodes[i].next }

// Look gives what a walk over the members of an object asks of each, with one look at the node: its key's number and whether it
// has one (see Number), its kind, whether it is pruned, and the node behind it, which is a member as long as it is below End.
func (t *Tape) Look(i int32) (number int, known bool, kind Kind, pruned bool, next int32) {
	n := &t.nodes[i]
	return int(n.key), n.key < maxKnown, n.kind, n.flags&flagPruned != 0, n.next
}
