package app

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/manage"
)

// wrongTypes tells of values whose JSON type is not that of their option. YAML takes false for a text where a text is wanted; JSON says
// what it means.
func wrongTypes(at string, o config.Option, v any) (faults []manage.Fault) {
	if v == nil {
		return nil
	}
	wrong := func(want string) []manage.Fault {
		return []manage.Fault{{Member: at, Message: "is " + jsonKind(v) + ", but must be " + want}}
	}
	_, isText := v.(string)
	isNumber := jsonKind(v) == "a number"
	_, isBool := v.(bool)
	switch o.Kind {
	case config.KindText:
		if !isText {
			return wrong("a text")
		}
	case config.KindBool:
		if !isBool {
			return wrong("true or false")
		}
	case config.KindInteger, config.KindNumber:
		if !isNumber {
			return wrong("a number")
		}
	case config.KindDuration, config.KindBytes:
		if !isText && !isNumber {
			return wrong("a text with a unit, such as 5m or 10MiB")
		}
	case config.KindList:
		list, ok := v.([]any)
		if !ok {
			return wrongTypes(at, *o.Element, v) // one element stands for a list of it
		}
		for i, item := range list {
			faults = append(faults, wrongTypes(at+"."+strconv.Itoa(i), *o.Element, item)...)
		}
	case config.KindGroup:
		group, ok := v.(map[string]any)
		if !ok {
			return wrong("a group of options")
		}
		for _, name := range slices.Sorted(maps.Keys(group)) {
			i := slices.IndexFunc(o.Options, func(one config.Option) bool { return one.Name == name })
			if i < 0 {
				continue // whether it is an option is told elsewhere
			}
			member := name
			if at != "" {
				member = at + "." + name
			}
			faults = append(faults, wrongTypes(member, o.Options[i], group[name])...)
		}
	}
	return faults
}

func jsonKind(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case json.Number, float64:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	}
	return "a group"
}

// inputOptions describes what an element of trailbeat.inputs of a type may have, the options of its variants included.
func (e *manageEngine) inputOptions(kind string) config.Option {
	all := config.Describe(&InputConfig{})
	in := e.components.Inputs[kind]
	all.Options = append(all.Options, config.Describe(in.Config()).Options...)
	for _, v := range in.Variants {
		all.Options = append(all.Options, config.Describe(v.Input.Config()).Options...)
	}
	return all
}
