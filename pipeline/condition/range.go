package condition

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
)

// bound is one side of a range.
type bound struct {
	op string
	x  float64
	at time.Time
}

func (o *bound) holds(c int) bool {
	switch o.op {
	case "gt":
		return c > 0
	case "gte":
		return c >= 0
	case "lt":
		return c < 0
	}
	return c <= 0
}

// span is a field with its bounds.
type span struct {
	ref    ecs.Ref
	date   bool
	bounds []bound
}

func (s *span) match(ev *ecs.Event) bool {
	v := s.ref.Of(ev)
	switch v.Kind {
	case ecs.LongValue:
		return s.number(float64(v.Long))
	case ecs.TextValue:
		return s.text(v.Text)
	case ecs.ListValue:
		for _, text := range v.List {
			if s.text(text) {
				return true
			}
		}
	case ecs.OtherValue:
		if x, ok := v.Any.(float64); ok {
			return s.number(x)
		}
	}
	return false
}

func (s *span) text(text string) bool {
	if s.date {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return false
		}
		for i := range s.bounds {
			if !s.bounds[i].holds(at.Compare(s.bounds[i].at)) {
				return false
			}
		}
		return true
	}
	x, err := strconv.ParseFloat(text, 64)
	return err == nil && s.number(x)
}

func (s *span) number(x float64) bool {
	if s.date || math.IsNaN(x) {
		return false
	}
	for i := range s.bounds {
		c := 0
		if x < s.bounds[i].x {
			c = -1
		} else if x > s.bounds[i].x {
			c = 1
		}
		if !s.bounds[i].holds(c) {
			return false
		}
	}
	return true
}

func (b *builder) ranges(path string, bounds map[string]string) node {
	if len(bounds) == 0 {
		b.bad(path, "names no field; write for example \"source.as.number.gte: 64512\" below it")
		return nil
	}
	spans := map[string]*span{}
	var nodes []node
	for _, name := range sortedKeys(bounds) {
		at, text := join(path, name), bounds[name]
		dot := strings.LastIndexByte(name, '.')
		op := name[dot+1:]
		if dot < 0 || op != "gt" && op != "gte" && op != "lt" && op != "lte" {
			b.bad(at, "does not say how to compare; put .gt, .gte, .lt or .lte behind the name of the field")
			continue
		}
		field := name[:dot]
		if !b.goodName(at, field) {
			continue
		}
		s := spans[field]
		if s == nil {
			f, _ := ecs.Lookup(field)
			s = &span{ref: b.ref(field), date: f.Type == "date"}
			spans[field] = s
			nodes = append(nodes, s)
			switch f.Type {
			case "boolean", "ip", "flattened", "object", "group", "geo_point":
				b.bad(at, "is of type %s, which is no number%s", f.Type, map[bool]string{true: "; use network for ranges of addresses"}[f.Type == "ip"])
			}
		}
		o := bound{op: op}
		var err error
		if s.date {
			if o.at, err = parseTime(text); err != nil {
				b.bad(at, "is compared with times, and %q is none; write it like 2026-01-31T10:20:30Z", text)
			}
		} else if o.x, err = strconv.ParseFloat(text, 64); err != nil || math.IsNaN(o.x) {
			b.bad(at, "is compared with numbers, and %q is none", text)
		}
		s.bounds = append(s.bounds, o)
	}
	if len(nodes) == 1 {
		return nodes[0]
	}
	return all(nodes)
}

// parseTime takes a time, or a day for its beginning in UTC.
func parseTime(text string) (time.Time, error) {
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return at, nil
	}
	return time.Parse(time.RFC3339Nano, text)
}
