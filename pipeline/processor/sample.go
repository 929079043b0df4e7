package processor

import (
	"strconv"

	"github.com/trailbeat/trailbeat/ecs"
)

// Sample keeps one in so many of the events that meet the condition, and takes the others out. Which ones follows from the event
// alone: the same event is kept or taken out whenever and wherever it comes.
type Sample struct {
	Common `config:",inline"`
	// Rate N keeps one in N. No default; at least 1, which keeps all.
	Rate int `config:"rate"`
	// KeyField decides: events with the same value in it are kept together. Those without a value are kept. Default event.id.
	KeyField string `config:"key_field"`
	// RateField gets the rate in the events that are kept, so that sums can be scaled up. Default labels.sample_rate; empty for none.
	RateField string `config:"rate_field"`
}

// DefaultSample returns the defaults.
func DefaultSample() Sample { return Sample{KeyField: "event.id", RateField: "labels.sample_rate"} }

// Validate joins all that is wrong.
func (o *Sample) Validate() error {
	f := o.faults()
	if o.Rate < 1 {
		f.bad("rate", "must be >= 1, is %d; 100 keeps one event in a hundred", o.Rate)
	}
	f.field("key_field", o.KeyField)
	if o.RateField != "" {
		f.field("rate_field", o.RateField)
	}
	return f.err()
}

func (o *Sample) names() []name {
	all := []name{{option: "key_field", field: o.KeyField}}
	if o.RateField != "" {
		all = append(all, name{option: "rate_field", field: o.RateField, makes: true})
	}
	return all
}

func (o *Sample) changes() scope {
	if o.RateField == "" {
		return scope{}
	}
	return scopeOf(o.RateField)
}

func (o *Sample) build(*Env) (runner, error) {
	s := &sample{rate: uint64(o.Rate), key: ecs.RefOf(o.KeyField), keyField: o.KeyField, field: o.RateField, text: strconv.Itoa(o.Rate)}
	return s, nil
}

// sample says which events are kept, and marks them.
type sample struct {
	rate        uint64
	key         ecs.Ref
	keyField    string
	field, text string
}

// keeps reports whether the event is one of those that stay.
func (s *sample) keeps(ev *ecs.Event) bool {
	v := s.key.Of(ev)
	var text string
	switch v.Kind {
	case ecs.TextValue:
		text = v.Text
	case ecs.LongValue:
		text = strconv.FormatInt(v.Long, 10)
	case ecs.BoolValue:
		text = strconv.FormatBool(v.Bool)
	default:
		return true // nothing tells it from others
	}
	return text == "" || mix(text)%s.rate == 0
}

// mix is a hash that must stay what it is: another one would keep other events. It is FNV-1a, and the last steps of MurmurHash3
// behind it, as the low bits of FNV alone are not even.
func mix(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

func (s *sample) run(ev *ecs.Event) error {
	if s.field == "" {
		return nil
	}
	return ev.Put(s.field, s.text)
}
