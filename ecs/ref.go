package ecs

// Ref is a dotted path that was looked up once, for those who read the same field of many events: conditions, processors.
// Reading a declared field through it allocates nothing. Make it with RefOf. It may be used by several goroutines.
type Ref struct {
	path   string
	number int
}

// RefOf looks a path up. Any path is possible; one that is no declared field is read as Get does, and costs as much.
func RefOf(path string) Ref {
	n := fieldNumber(path)
	if n >= 0 && table[n].InList {
		n = -1
	}
	return Ref{path: path, number: n}
}

// Path is what RefOf was given.
func (r Ref) Path() string { return r.path }

// ValueKind says which member of a Value counts.
type ValueKind uint8

// The kinds of values. Absent, the zero kind, means that the document has none.
const (
	Absent ValueKind = iota
	TextValue
	ListValue
	LongValue
	BoolValue
	// OtherValue is anything else: numbers with a fraction, objects, places.
	OtherValue
)

// Value is the value of a field of one event, valid until the event changes.
type Value struct {
	Kind ValueKind
	Text string
	List []string
	Long int64
	Bool bool
	// Any is what Get gives, for OtherValue.
	Any any
}

// Of gives the value that e has at the path.
func (r Ref) Of(e *Event) Value {
	if r.number >= 0 {
		switch p := e.member(r.number).(type) {
		case *string:
			if *p != "" {
				return Value{Kind: TextValue, Text: *p}
			}
		case *[]string:
			if len(*p) > 0 {
				return Value{Kind: ListValue, List: *p}
			}
		case *Bool:
			if *p != Unset {
				return Value{Kind: BoolValue, Bool: *p == True}
			}
		case *Long:
			if p.Set {
				return Value{Kind: LongValue, Long: p.Value}
			}
		default:
			return valueOf(e.Get(r.path))
		}
		if e.extra == nil {
			return Value{} // no value of another type can stand in its place
		}
	}
	return valueOf(e.Get(r.path))
}

func valueOf(v any, ok bool) Value {
	if !ok {
		return Value{}
	}
	switch v := v.(type) {
	case nil:
		return Value{}
	case string:
		return Value{Kind: TextValue, Text: v}
	case []string:
		return Value{Kind: ListValue, List: v}
	case int64:
		return Value{Kind: LongValue, Long: v}
	case bool:
		return Value{Kind: BoolValue, Bool: v}
	case []any:
		list := make([]string, 0, len(v))
		for _, item := range v {
			s, isText := item.(string)
			if !isText {
				return Value{Kind: OtherValue, Any: v}
			}
			list = append(list, s)
		}
		return Value{Kind: ListValue, List: list}
	default:
		return Value{Kind: OtherValue, Any: v}
	}
}

// Has reports whether the document has a value at the path.
func (r Ref) Has(e *Event) bool {
	if r.number >= 0 && (e.has(r.number) || e.extra == nil) {
		return e.has(r.number)
	}
	_, ok := e.Get(r.path)
	return ok
}

// AppendPaths appends the dotted path of every value that the document has: the declared fields in the order of fields.yml,
// then what was put beside them. With inside it goes into flattened and object fields as well, and gives the paths of their
// members instead, which means decoding them.
func (e *Event) AppendPaths(dst []string, inside bool) []string {
	for i := range table {
		if table[i].InList || !e.has(i) {
			continue
		}
		if raw, ok := e.member(i).(*RawJSON); ok && inside {
			before := len(dst)
			if dst = appendRawPaths(dst, table[i].Name, *raw); len(dst) > before {
				continue
			}
		}
		dst = append(dst, table[i].Name)
	}
	if e.extra == nil {
		return dst
	}
	return e.extra.appendPaths(dst, "", e)
}

func (n *node) appendPaths(dst []string, path string, e *Event) []string {
	for _, k := range n.kids {
		at := k.key
		if path != "" {
			at = path + "." + k.key
		}
		if len(k.raw) > 0 && (k.field < 0 || !e.has(k.field)) {
			dst = appendRawPathsOr(dst, at, k.raw)
		}
		dst = k.appendPaths(dst, at, e)
	}
	return dst
}

// appendRawPathsOr appends the paths of the members, or the path itself where there are none.
func appendRawPathsOr(dst []string, path string, raw RawJSON) []string {
	before := len(dst)
	if dst = appendRawPaths(dst, path, raw); len(dst) == before {
		dst = append(dst, path)
	}
	return dst
}

func appendRawPaths(dst []string, path string, raw RawJSON) []string {
	members, _ := split(raw)
	for _, m := range members {
		dst = appendRawPathsOr(dst, path+"."+m.Key, m.Value)
	}
	return dst
}
