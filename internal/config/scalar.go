package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

func isScalarKind(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return reflect.PointerTo(t).Implements(textType)
}

// scalar fills dst, which holds the default: a good example of what would be right.
func (d *decoder) scalar(path string, v *value, dst reflect.Value, f field) {
	expected := expectation(dst, f)
	if v.kind != scalar {
		d.mismatch(path, v, f, expected)
		return
	}
	text := v.text
	if dst.CanAddr() {
		if u, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok {
			if err := u.UnmarshalText([]byte(text)); err != nil {
				if f.secret {
					d.errs.add(v.pos, path, "has a value that cannot be used")
					return
				}
				d.errs.add(v.pos, path, "is %s: %s", v.describe(false), err)
			}
			return
		}
	}
	ok := true
	switch k := dst.Kind(); {
	case dst.Type() == durationType:
		ok = setDuration(dst, text)
	case k == reflect.String:
		dst.SetString(text)
	case k == reflect.Bool:
		switch text {
		case "true", "True", "TRUE":
			dst.SetBool(true)
		case "false", "False", "FALSE":
			dst.SetBool(false)
		default:
			ok = false
		}
	case dst.CanInt():
		n, err := parseInt(text, f.bytes)
		if ok = err == nil && !dst.OverflowInt(n); ok {
			dst.SetInt(n)
		}
	case dst.CanUint():
		n, err := parseInt(text, f.bytes)
		if ok = err == nil && n >= 0 && !dst.OverflowUint(uint64(n)); ok {
			dst.SetUint(uint64(n))
		}
	case dst.CanFloat():
		x, err := strconv.ParseFloat(text, 64)
		if ok = err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) && !dst.OverflowFloat(x); ok {
			dst.SetFloat(x)
		}
	}
	if !ok {
		d.mismatch(path, v, f, expected)
	}
}

// expectation says what a scalar must be, with the default as the example where there is one.
func expectation(dst reflect.Value, f field) string {
	example := func(fallback string) string {
		if dst.IsZero() || f.secret {
			return fallback
		}
		return scalarText(dst, f)
	}
	switch {
	case dst.Type() == durationType:
		return "a duration, for example " + example("30s")
	case reflect.PointerTo(dst.Type()).Implements(textType):
		return "a single value"
	case dst.Kind() == reflect.String:
		if text := example(""); text != "" {
			return fmt.Sprintf("text, for example %q", text)
		}
		return "text"
	case dst.Kind() == reflect.Bool:
		return "true or false"
	case f.bytes:
		return "a size in bytes, for example " + example("10MiB")
	case dst.CanUint():
		return "a whole number from 0, for example " + example("1")
	case dst.CanInt():
		return "a whole number, for example " + example("1")
	default:
		return "a number, for example " + example("0.5")
	}
}

// setDuration takes "30s" and, as Beats does, a plain number of seconds.
func setDuration(dst reflect.Value, text string) bool {
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		dst.SetInt(seconds * int64(time.Second))
		return true
	}
	duration, err := time.ParseDuration(text)
	if err == nil {
		dst.SetInt(int64(duration))
	}
	return err == nil
}

var (
	sizeText  = lazyregexp.New(`^([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)$`)
	sizeUnits = map[string]float64{
		"": 1, "b": 1,
		"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	}
)

// ParseBytes reads a number of bytes as options with the tag ",bytes" take it: 1048576, 1MiB, 500MB.
func ParseBytes(text string) (int64, error) {
	n, err := parseInt(text, true)
	if err != nil {
		return 0, fmt.Errorf("must be a number of bytes, such as 500MB or 1GiB, is %q", text)
	}
	return n, nil
}

func parseInt(text string, bytes bool) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil || !bytes {
		return n, err
	}
	m := sizeText().FindStringSubmatch(text)
	if m == nil {
		return 0, err
	}
	unit, known := sizeUnits[strings.ToLower(m[2])]
	x, parseErr := strconv.ParseFloat(m[1], 64)
	if !known || parseErr != nil || x*unit >= math.MaxInt64 {
		return 0, err
	}
	return int64(x * unit), nil
}

// describe says what a value is, for an error. Nothing of a secret is told, nor what a variable holds.
func (v *value) describe(secret bool) string {
	const longest = 60
	switch v.kind {
	case list:
		return "a list"
	case group:
		return "a group of options"
	case null:
		return "empty"
	}
	if secret {
		return "a value of another type"
	}
	text := v.source()
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "..."
	}
	switch {
	case v.raw != "":
		return fmt.Sprintf("the value of %q", text)
	case v.tag == "!!int" || v.tag == "!!float":
		return "the number " + text
	case v.tag == "!!bool":
		return text
	default:
		return fmt.Sprintf("the text %q", text)
	}
}

// split makes a list of a single value. What a variable holds is split at commas, as an environment has no lists.
func (v *value) split() []*value {
	if v.raw == "" {
		return []*value{v}
	}
	var items []*value
	for text := range strings.SplitSeq(v.text, ",") {
		if text = strings.TrimSpace(text); text != "" {
			item := *v
			item.text = text
			items = append(items, &item)
		}
	}
	return items
}

// flat gives a group whose members are no groups: their names are joined with dots.
func (v *value) flat() *value {
	out := newGroup(v.pos)
	var walk func(prefix string, v *value)
	walk = func(prefix string, v *value) {
		for _, name := range v.names {
			member := v.members[name]
			if member.kind == group && len(member.names) > 0 {
				walk(join(prefix, name), member)
				continue
			}
			out.put(join(prefix, name), member)
		}
	}
	walk("", v)
	return out
}

// plain gives a value as Go programs know it: map[string]any, []any, string, int64, float64, bool or nil.
func (v *value) plain() any {
	switch v.kind {
	case list:
		out := make([]any, len(v.items))
		for i, item := range v.items {
			out[i] = item.plain()
		}
		return out
	case group:
		out := make(map[string]any, len(v.names))
		for _, name := range v.names {
			out[name] = v.members[name].plain()
		}
		return out
	case null:
		return nil
	}
	switch v.tag {
	case "!!int":
		if n, err := strconv.ParseInt(v.text, 10, 64); err == nil {
			return n
		}
	case "!!float":
		if x, err := strconv.ParseFloat(v.text, 64); err == nil {
			return x
		}
	case "!!bool":
		return strings.EqualFold(v.text, "true")
	}
	return v.text
}
