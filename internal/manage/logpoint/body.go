package logpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trailbeat/trailbeat/internal/manage"
)

// reader takes a JSON body apart and notes what is wrong with it, each fault with the dotted name of the member.
type reader struct {
	faults   []manage.Fault
	warnings []string
}

func (r *reader) bad(member, format string, args ...any) {
	r.faults = append(r.faults, manage.Fault{Member: member, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) warn(format string, args ...any) {
	r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
}

// parse reads one JSON object and nothing behind it.
func (r *reader) parse(body []byte) map[string]any {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		at := ""
		if syntax := new(json.SyntaxError); errors.As(err, &syntax) {
			at = fmt.Sprintf(" at byte %d", syntax.Offset)
		}
		r.bad("", "the body is no JSON%s: %s", at, strings.TrimPrefix(err.Error(), "json: "))
		return nil
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		r.bad("", "the body is no JSON: there is something behind the first value")
		return nil
	}
	o, ok := v.(map[string]any)
	if !ok {
		r.bad("", "the body is %s, but must be an object: {\"data\": {...}}", kind(v))
	}
	return o
}

func kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return fmt.Sprintf("%T", v)
	}
}

// object is a member that is one; nil with a fault where it is missing or something else.
func (r *reader) object(in map[string]any, path, name string) map[string]any {
	v, there := in[name]
	full := path + name
	if !there {
		r.bad(full, "is missing")
		return nil
	}
	o, ok := v.(map[string]any)
	if !ok {
		r.bad(full, "is %s, but must be an object", kind(v))
		return nil
	}
	return o
}

const maxText = 1024

// text is a member that is one. required: it must be there, and not be empty.
func (r *reader) text(in map[string]any, path, name string, required bool) string {
	v, there := in[name]
	full := path + name
	s, isText := v.(string)
	switch {
	case !there || v == nil && required:
		if required {
			r.bad(full, "is missing")
		}
		return ""
	case !isText:
		r.bad(full, "is %s, but must be a text", kind(v))
		return ""
	case required && s == "":
		r.bad(full, "must not be empty")
		return ""
	case required && strings.TrimLeftFunc(s, unicode.IsSpace) != s:
		r.bad(full, "must not begin with a space")
		return ""
	}
	return r.clean(full, s, maxText)
}

// clean refuses texts that no setting has.
func (r *reader) clean(full, s string, most int) string {
	switch {
	case utf8.RuneCountInString(s) > most:
		r.bad(full, "has %d characters, but may have %d at most", utf8.RuneCountInString(s), most)
		return ""
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		r.bad(full, "must not hold control characters")
		return ""
	}
	return s
}

// whole is a member that is a whole number, also one in quotes; ok is false where it is not there, or is none.
func (r *reader) whole(in map[string]any, path, name string, least, most int) (n int, ok bool) {
	v, there := in[name]
	full := path + name
	if !there {
		return 0, false
	}
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = strings.TrimSpace(v)
	}
	n, err := strconv.Atoi(manage.WholeNumber(text))
	if err != nil || n < least || n > most {
		r.bad(full, "must be a whole number from %d to %d", least, most)
		return 0, false
	}
	return n, true
}

// unknown warns of members that have no effect.
func (r *reader) unknown(in map[string]any, path string, known ...string) {
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if !slices.Contains(known, name) {
			if len(name) > 64 || strings.ContainsFunc(name, unicode.IsControl) {
				name = strconv.Quote(name[:min(len(name), 64)])
			}
			r.warn("%s%s is not known here and has no effect", path, name)
		}
	}
}
