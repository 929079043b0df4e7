package processor

import (
	"fmt"
	"unicode/utf8"

	"github.com/trailbeat/trailbeat/ecs"
)

// TagTruncated is the tag of documents in which a text was cut.
const TagTruncated = "truncated"

// TruncateFields cuts texts that are too long.
type TruncateFields struct {
	Common `config:",inline"`
	// Fields are the texts and lists of texts.
	Fields []string `config:"fields"`
	// MaxBytes is the most that stays, in bytes; no character is cut in two. One of MaxBytes and MaxCharacters is needed.
	MaxBytes int `config:"max_bytes,bytes"`
	// MaxCharacters is the most that stays, in Unicode code points.
	MaxCharacters int `config:"max_characters"`
	// FailOnError leaves all fields as they were where one cannot be cut; false goes on with the next. Default true.
	FailOnError bool `config:"fail_on_error"`
	// IgnoreMissing goes on where a field is not there. Default false.
	IgnoreMissing bool `config:"ignore_missing"`
}

// DefaultTruncateFields are the defaults.
func DefaultTruncateFields() TruncateFields { return TruncateFields{FailOnError: true} }

// Validate joins all that is wrong.
func (o *TruncateFields) Validate() error {
	f := o.faults()
	f.textFields("fields", o.Fields, "be cut")
	switch {
	case o.MaxBytes < 0:
		f.bad("max_bytes", "must be > 0, is %d", o.MaxBytes)
	case o.MaxCharacters < 0:
		f.bad("max_characters", "must be > 0, is %d", o.MaxCharacters)
	case o.MaxBytes > 0 && o.MaxCharacters > 0:
		f.bad("max_characters", "is set beside max_bytes; leave one of them")
	case o.MaxBytes == 0 && o.MaxCharacters == 0:
		f.bad("max_bytes", "is missing, and max_characters is too; say how much stays")
	}
	return f.err()
}

// textFields checks names of fields that must be able to hold any text.
func (f *faults) textFields(option string, fields []string, what string) {
	f.fieldList(option, fields)
	for i, field := range fields {
		declared, ok := ecs.Lookup(field)
		if !ok {
			if isGroup(field) {
				f.bad(fmt.Sprintf("%s.%d", option, i), "is a group and cannot %s; name its fields", what)
			}
			continue
		}
		switch declared.Type {
		case "keyword", "text", "match_only_text", "wildcard":
		case "constant_keyword":
			f.bad(fmt.Sprintf("%s.%d", option, i), "has the same value in all documents of a data stream and cannot %s", what)
		default:
			f.bad(fmt.Sprintf("%s.%d", option, i), "is of type %s and cannot %s: the index would refuse the document; use drop_fields", declared.Type, what)
		}
	}
}

func (o *TruncateFields) names() []name  { return listed("fields", o.Fields) }
func (o *TruncateFields) changes() scope { return scopeOf(append([]string{"tags"}, o.Fields...)...) }

func (o *TruncateFields) build(*Env) (runner, error) {
	t := &truncate{bytes: o.MaxBytes, characters: o.MaxCharacters, ignoreMissing: o.IgnoreMissing, fail: o.FailOnError}
	for _, field := range o.Fields {
		t.refs = append(t.refs, ecs.RefOf(field))
	}
	return t, nil
}

type truncate struct {
	refs                []ecs.Ref
	bytes, characters   int
	ignoreMissing, fail bool
}

func (t *truncate) run(ev *ecs.Event) error {
	if t.fail {
		// First look whether all can be cut, so that nothing has to be taken back.
		for _, r := range t.refs {
			switch v := r.Of(ev); v.Kind {
			case ecs.TextValue, ecs.ListValue:
			case ecs.Absent:
				if !t.ignoreMissing {
					return fmt.Errorf("cutting %s: there is no such field in the document", r.Path())
				}
			default:
				return fmt.Errorf("cutting %s: it is no text", r.Path())
			}
		}
	}
	cut := false
	for _, r := range t.refs {
		done, err := t.cutField(ev, r)
		if err != nil && t.fail {
			return err
		}
		cut = cut || done
	}
	if cut {
		ev.Tags = appendNew(ev.Tags, []string{TagTruncated})
	}
	return nil
}

func (t *truncate) cutField(ev *ecs.Event, r ecs.Ref) (bool, error) {
	switch v := r.Of(ev); v.Kind {
	case ecs.TextValue:
		if text := t.cut(v.Text); len(text) < len(v.Text) {
			return true, ev.Put(r.Path(), text)
		}
	case ecs.ListValue:
		var list []string
		for i, s := range v.List {
			text := t.cut(s)
			if len(text) == len(s) {
				continue
			}
			if list == nil {
				list = append(list, v.List...)
			}
			list[i] = text
		}
		if list != nil {
			return true, ev.Put(r.Path(), list)
		}
	}
	return false, nil
}

func (t *truncate) cut(s string) string {
	if t.characters > 0 {
		if len(s) <= t.characters {
			return s
		}
		n := 0
		for i := range s {
			if n == t.characters {
				return s[:i]
			}
			n++
		}
		return s
	}
	if len(s) <= t.bytes {
		return s
	}
	end := t.bytes
	for end > 0 && end > t.bytes-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
