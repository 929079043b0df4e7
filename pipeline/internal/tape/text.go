package tape

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendJava appends what Java's toString gives for node i after pruning: {k=v, k2=v2} for objects in the order of
// Ordered, [a, b] for arrays, the text itself for strings. The member skip of the outermost object is left out (None to
// leave out nothing).
func (t *Tape) AppendJava(dst []byte, i, skip int32) []byte {
	n := &t.nodes[i]
	switch n.kind {
	case Null:
		return append(dst, "null"...)
	case String:
		return t.AppendText(dst, i)
	case Int:
		return appendInteger(dst, t.Raw(i))
	case Float:
		return appendDouble(dst, t.Raw(i))
	case Array:
		dst = append(dst, '[')
		first := true
		for c := i + 1; c < n.next; c = t.nodes[c].next {
			if t.nodes[c].flags&flagPruned != 0 {
				continue
			}
			if !first {
				dst = append(dst, ", "...)
			}
			first = false
			dst = t.AppendJava(dst, c, None)
		}
		return append(dst, ']')
	case Object:
		if n.count <= smallObject {
			return t.appendSmall(dst, i, skip)
		}
		dst = append(dst, '{')
		// The slice of members is a stack: each level works above the one that called it.
		from := len(t.stack)
		t.stack = t.Ordered(t.stack, i)
		to := len(t.stack)
		first := true
		for at := from; at < to; at++ {
			c := t.stack[at]
			if c == skip {
				continue
			}
			if !first {
				dst = append(dst, ", "...)
			}
			first = false
			dst = append(dst, t.Key(c)...)
			dst = append(dst, '=')
			dst = t.AppendJava(dst, c, None)
		}
		t.stack = t.stack[:from]
		return append(dst, '}')
	}
	return append(dst, t.Raw(i)...) // true, false
}

// smallObject is how many members an object may have for its HashMap to have 16 buckets whatever the keys are: no bucket can hold
// nine, and the table grows with the 13th.
const smallObject = 8

// appendSmall is AppendJava for objects of few members, which nearly all are. They are put in order in memory of its own, with
// their buckets beside them, and strings are written here: half of the time that the way of the others takes.
func (t *Tape) appendSmall(dst []byte, i, skip int32) []byte {
	var members, buckets [smallObject]int32
	count := 0
	end := t.nodes[i].next
	for c := i + 1; c < end; {
		n := &t.nodes[c]
		if n.flags&flagPruned == 0 && c != skip {
			bucket := int32(spread(t.known.at(n.key).hash) & 15)
			at := count & (smallObject - 1)
			for at > 0 && buckets[at-1] > bucket {
				members[at], buckets[at] = members[at-1], buckets[at-1]
				at--
			}
			members[at], buckets[at] = c, bucket
			count++
		}
		c = n.next
	}
	dst = append(dst, '{')
	for at, c := range members[:count] {
		if at > 0 {
			dst = append(dst, ", "...)
		}
		n := &t.nodes[c]
		dst = append(dst, t.known.at(n.key).text...)
		dst = append(dst, '=')
		if n.kind == String && n.flags&flagEscaped == 0 {
			dst = append(dst, t.src[n.start:n.end]...)
		} else {
			dst = t.AppendJava(dst, c, None)
		}
	}
	return append(dst, '}')
}

// JSON is node i as compact JSON without what is pruned, where it stands so in the text.
func (t *Tape) JSON(i int32) (raw []byte, ok bool) {
	n := &t.nodes[i]
	if n.kind == String {
		return t.src[n.start-1 : n.end+1], true
	}
	return t.src[n.start:n.end], n.flags&flagDirty == 0
}

// AppendJSON appends node i as compact JSON without what is pruned. The member skip of the outermost object is left out.
func (t *Tape) AppendJSON(dst []byte, i, skip int32) []byte {
	n := &t.nodes[i]
	switch n.kind {
	case String:
		dst = append(dst, '"')
		dst = append(dst, t.Raw(i)...)
		return append(dst, '"')
	case Object, Array:
		if n.flags&flagDirty == 0 && skip == None {
			return append(dst, t.Raw(i)...)
		}
	default:
		return append(dst, t.Raw(i)...)
	}
	closer := byte(']')
	if n.kind == Object {
		dst, closer = append(dst, '{'), '}'
	} else {
		dst = append(dst, '[')
	}
	first := true
	for c := i + 1; c < n.next; c = t.nodes[c].next {
		if t.nodes[c].flags&flagPruned != 0 || c == skip {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if n.kind == Object {
			if e := t.known.at(t.nodes[c].key); e.quoted != "" {
				dst = append(dst, e.quoted...)
			} else {
				dst = t.AppendKey(dst, c)
				dst = append(dst, ':')
			}
		}
		dst = t.AppendJSON(dst, c, None)
	}
	return append(dst, closer)
}

// AppendKey appends the key of member i as a JSON string.
func (t *Tape) AppendKey(dst []byte, i int32) []byte {
	e := t.known.at(t.nodes[i].key)
	if e.quoted != "" {
		return append(dst, e.quoted[:len(e.quoted)-1]...)
	}
	dst = append(dst, '"')
	for _, c := range []byte(e.text) {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, `\u00`...)
			dst = append(dst, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// appendInteger writes an integer as Java prints it, which knows no negative zero.
func appendInteger(dst, raw []byte) []byte {
	if string(raw) == "-0" {
		raw = raw[1:]
	}
	return append(dst, raw...)
}

// appendDouble writes a number as Double.toString does: the shortest digits that lead back to it, with at least one
// behind the point, and with an exponent below 1e-3 and from 1e7 on.
func appendDouble(dst, raw []byte) []byte {
	f, _ := strconv.ParseFloat(view(raw), 64) // out of range gives an infinity, as in Java
	switch {
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == 0:
		if math.Signbit(f) {
			dst = append(dst, '-')
		}
		return append(dst, "0.0"...)
	}
	from := len(dst)
	if a := math.Abs(f); a >= 1e-3 && a < 1e7 {
		dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
		for _, c := range dst[from:] {
			if c == '.' {
				return dst
			}
		}
		return append(dst, ".0"...)
	}
	// Go writes d.ddde+XX or de-XX; Java d.dddEXX or d.0E-XX.
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], f, 'e', -1, 64)
	if text[1] == 'e' || text[2] == 'e' {
		// One digit is enough, but Java looks at two, and takes the nearest. It matters for 4.9E-324 and its neighbours.
		two := strconv.AppendFloat(buf[:0:16], f, 'e', 1, 64)
		if back, err := strconv.ParseFloat(string(two), 64); err == nil && back == f {
			text = two
		} else {
			text = strconv.AppendFloat(buf[:0], f, 'e', -1, 64)
		}
	}
	point := false
	for i, c := range text {
		if c == '.' {
			point = true
		}
		if c != 'e' {
			dst = append(dst, c)
			continue
		}
		if !point {
			dst = append(dst, ".0"...)
		}
		dst = append(dst, 'E')
		exp := text[i+1:]
		if exp[0] == '-' {
			dst = append(dst, '-')
		}
		exp = exp[1:]
		for len(exp) > 1 && exp[0] == '0' {
			exp = exp[1:]
		}
		return append(dst, exp...)
	}
	return dst
}

// UnitsBelow reports whether s has fewer than limit UTF-16 code units, which is how Java measures a string.
func UnitsBelow(s []byte, limit int) bool {
	if len(s) < limit {
		return true // no character takes fewer bytes than units
	}
	if len(s) >= 3*limit {
		return false // nor more than three times as many
	}
	units := 0
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			units++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		i += size
		units++
		if r >= 0x10000 {
			units++
		}
	}
	return units < limit
}
