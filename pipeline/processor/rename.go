package processor

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/trailbeat/trailbeat/ecs"
)

// FromTo says where a field goes.
type FromTo struct {
	// From is the field, To its new name. Both are needed, and To must not be there already.
	From string `config:"from"`
	To   string `config:"to"`
}

// Rename gives fields other names.
type Rename struct {
	Common `config:",inline"`
	// Fields to rename, one after the other.
	Fields []FromTo `config:"fields"`
	// IgnoreMissing goes on where a field is not there. Default false.
	IgnoreMissing bool `config:"ignore_missing"`
	// FailOnError takes everything back where one of the fields fails; false goes on with the next, and says nothing.
	// Default true.
	FailOnError bool `config:"fail_on_error"`
}

// DefaultRename are the defaults.
func DefaultRename() Rename { return Rename{FailOnError: true} }

// CopyFields copies fields. Its options are those of Rename.
type CopyFields struct {
	Common `config:",inline"`
	// Fields to copy, one after the other.
	Fields []FromTo `config:"fields"`
	// IgnoreMissing goes on where a field is not there. Default false.
	IgnoreMissing bool `config:"ignore_missing"`
	// FailOnError takes everything back where one of the fields fails; false goes on with the next, and says nothing.
	// Default true.
	FailOnError bool `config:"fail_on_error"`
}

// DefaultCopyFields are the defaults.
func DefaultCopyFields() CopyFields { return CopyFields{FailOnError: true} }

// Validate joins all that is wrong.
func (o *Rename) Validate() error {
	f := o.faults()
	f.moves(o.Fields)
	for i, m := range o.Fields {
		if m.From == "@timestamp" {
			f.bad(fmt.Sprintf("fields.%d.from", i), "is @timestamp, which every document needs; use copy_fields")
		}
	}
	return f.err()
}

// Validate joins all that is wrong.
func (o *CopyFields) Validate() error {
	f := o.faults()
	f.moves(o.Fields)
	return f.err()
}

func (f *faults) moves(moves []FromTo) {
	if len(moves) == 0 {
		f.bad("fields", "is missing; list pairs such as \"{from: user.name, to: labels.who}\"")
	}
	for i, m := range moves {
		at := fmt.Sprintf("fields.%d", i)
		good := f.field(at+".from", m.From)
		if f.field(at+".to", m.To) && good && m.From == m.To {
			f.bad(at+".to", "is the field itself")
		}
	}
}

func (o *Rename) names() []name     { return moved(o.Fields) }
func (o *CopyFields) names() []name { return moved(o.Fields) }

func moved(moves []FromTo) []name {
	var names []name
	for i, m := range moves {
		at := fmt.Sprintf("fields.%d", i)
		names = append(names, name{option: at + ".from", field: m.From}, name{option: at + ".to", field: m.To, makes: true})
	}
	return names
}

func (o *Rename) changes() scope {
	var s scope
	for _, m := range o.Fields {
		s.paths = append(s.paths, m.From, m.To)
	}
	return s
}

func (o *CopyFields) changes() scope {
	var s scope
	for _, m := range o.Fields {
		s.paths = append(s.paths, m.To)
	}
	return s
}

func (o *Rename) build(*Env) (runner, error) {
	return &mover{o.Fields, o.IgnoreMissing, o.FailOnError, true}, nil
}

func (o *CopyFields) build(*Env) (runner, error) {
	return &mover{o.Fields, o.IgnoreMissing, o.FailOnError, false}, nil
}

type mover struct {
	moves               []FromTo
	ignoreMissing, fail bool
	rename              bool
}

func (r *mover) run(ev *ecs.Event) error {
	for i, m := range r.moves {
		err := r.move(ev, m)
		if err == nil || !r.fail {
			continue
		}
		verb := "copying"
		if r.rename {
			verb = "renaming"
		}
		err = fmt.Errorf("%s %s to %s: %w", verb, m.From, m.To, err)
		for i--; i >= 0; i-- {
			err = errors.Join(err, r.undo(ev, r.moves[i]))
		}
		return err
	}
	return nil
}

func (r *mover) move(ev *ecs.Event, m FromTo) error {
	v, ok := ev.Get(m.From)
	if !ok {
		if r.ignoreMissing {
			return nil
		}
		return errors.New("there is no such field in the document")
	}
	if _, there := ev.Get(m.To); there {
		return errors.New("the new name is taken; drop that field first, or rename it")
	}
	if err := ev.Put(m.To, v); err != nil {
		ev.Delete(m.To) // a group may have come half of the way
		return err
	}
	if r.rename {
		ev.Delete(m.From)
	}
	return nil
}

// undo takes back what move did, if it did.
func (r *mover) undo(ev *ecs.Event, m FromTo) error {
	v, there := ev.Get(m.To)
	if !there {
		return nil // the field was missing, and that was fine
	}
	if !r.rename {
		ev.Delete(m.To)
		return nil
	}
	if err := ev.Put(m.From, v); err != nil {
		// The value came with another type than that of its field, and goes back so.
		raw, encodeErr := json.Marshal(v)
		if encodeErr != nil {
			return errors.Join(err, encodeErr)
		}
		ev.PutRaw(m.From, raw)
	}
	ev.Delete(m.To)
	return nil
}
