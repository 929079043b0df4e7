package manage

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

// nested unfolds dotted names, as a configuration may have them: {"ssl.enabled": x} is {"ssl": {"enabled": x}}. Nothing of in is changed.
func nested(in map[string]any) (map[string]any, []Fault) {
	var faults []Fault
	out := unfold("", in, &faults)
	return out, faults
}

func unfold(path string, in map[string]any, faults *[]Fault) map[string]any {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		at, parts := out, strings.Split(name, ".")
		full := join(path, name)
		if slices.Contains(parts, "") || len(parts) > 16 {
			*faults = append(*faults, Fault{full, "is no name of an option: parts of a dotted name must not be empty"})
			continue
		}
		for _, part := range parts[:len(parts)-1] {
			next, ok := at[part].(map[string]any)
			if _, there := at[part]; there && !ok {
				*faults = append(*faults, Fault{full, "cannot be set, as " + part + " before it is no group"})
			}
			if !ok {
				next = map[string]any{}
				at[part] = next
			}
			at = next
		}
		last := parts[len(parts)-1]
		value := unfoldAny(full, in[name], faults)
		old, there := at[last]
		group, isGroup := old.(map[string]any)
		more, isMore := value.(map[string]any)
		switch {
		case !there:
			at[last] = value
		case isGroup && isMore:
			for k, v := range more {
				if _, twice := group[k]; twice {
					*faults = append(*faults, Fault{join(full, k), "is set twice; leave one of them"})
				}
				group[k] = v
			}
		default:
			*faults = append(*faults, Fault{full, "is set twice; leave one of them"})
		}
	}
	return out
}

func unfoldAny(path string, v any, faults *[]Fault) any {
	switch v := v.(type) {
	case map[string]any:
		return unfold(path, v, faults)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = unfoldAny(join(path, strconv.Itoa(i)), v[i], faults)
		}
		return out
	case json.Number:
		return json.Number(WholeNumber(v.String()))
	}
	return v
}

// WholeNumber writes a number that JSON may write with a fraction of nothing, such as 5.0 or 5e1, without it. Others stay as they are.
func WholeNumber(text string) string {
	if !strings.ContainsAny(text, ".eE") {
		return text
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return text
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// eachText lets fn change all texts below v. at is the dotted name with the numbers of elements, option that without them. A text for
// which fn returns false is taken out.
func eachText(v any, at, option string, fn func(at, option, text string) (string, bool)) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			if changed := eachText(member, join(at, name), join(option, name), fn); changed != nil || member == nil {
				out[name] = changed
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for i, item := range v {
			out = append(out, eachText(item, join(at, strconv.Itoa(i)), option, fn))
		}
		return out
	case string:
		if text, keep := fn(at, option, v); keep {
			return text
		}
		return nil
	}
	return v
}

// set puts a text at a dotted name, where a list has numbers.
func set(v any, path []string, text string) any {
	if len(path) == 0 {
		return text
	}
	switch v := v.(type) {
	case []any:
		if i, err := strconv.Atoi(path[0]); err == nil && i >= 0 && i < len(v) {
			v[i] = set(v[i], path[1:], text)
		}
		return v
	case map[string]any:
		v[path[0]] = set(v[path[0]], path[1:], text)
		return v
	case nil:
		return set(map[string]any{}, path, text)
	}
	return v
}

var reference = lazyregexp.New(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// telling are parts of names that stand for secrets where no type of input says so, as in processors.
var telling = []string{"password", "passphrase", "secret", "api_key", "authorization"}

// secretOption reports whether what stands there must not be shown.
func (m *Manager) secretOption(kind, option string) bool {
	last := option[strings.LastIndex(option, ".")+1:]
	return m.engine.IsSecret(kind, option) || slices.ContainsFunc(telling, func(part string) bool { return strings.Contains(last, part) })
}

// split takes the secrets out of options: found has those in clear, by their dotted names, named those that are named.
func (m *Manager) split(kind string, options map[string]any, before *Source) (rest map[string]any, found map[string]string, named map[string]Secret, faults []Fault) {
	found, named = map[string]string{}, map[string]Secret{}
	rest = eachText(options, "", "", func(at, option, text string) (string, bool) {
		if !m.secretOption(kind, option) || text == "" {
			return text, true
		}
		match := reference().FindStringSubmatch(text)
		switch {
		case text == Masked && before != nil && before.Secrets[at] != Secret{}:
			named[at] = before.Secrets[at]
		case text == Masked:
			faults = append(faults, Fault{at, fmt.Sprintf("is %s, which stands for the secret that was there, and there is none; send the secret", Masked)})
		case match != nil && !slices.Contains(m.cfg.References, match[1]):
			faults = append(faults, Fault{at, fmt.Sprintf("names the variable %s, which is not listed in management.references of the configuration", match[1])})
		case match != nil:
			named[at] = Secret{Reference: match[1]}
		case strings.Contains(text, "${"):
			faults = append(faults, Fault{at, "holds ${ within a text; a secret is either one variable, ${NAME}, or a text without any"})
		default:
			found[at] = text
		}
		return "", false
	}).(map[string]any)
	return rest, found, named, faults
}

// masked gives options as they may be shown.
func masked(options map[string]any, secrets map[string]Secret) map[string]any {
	var out any = clone(options)
	for at, s := range secrets {
		text := Masked
		if s.Reference != "" {
			text = "${" + s.Reference + "}"
		}
		out = set(out, strings.Split(at, "."), text)
	}
	return out.(map[string]any)
}

func clone(options map[string]any) map[string]any {
	return eachText(options, "", "", func(_, _, text string) (string, bool) { return text, true }).(map[string]any)
}

// input makes a source ready to run. extra has secrets that are not in the vault yet.
func (m *Manager) input(s *Source, extra map[string]string) (Input, error) {
	var options any = clone(s.Options)
	for at, secret := range s.Secrets {
		text, ok := m.vault.get(secret.Kept)
		if secret.Reference != "" {
			text, ok = m.lookup(secret.Reference)
			if !ok || text == "" {
				return Input{}, &InvalidError{[]Fault{{at, fmt.Sprintf("names the variable %s, which is neither in the keystore nor in the environment", secret.Reference)}}}
			}
		}
		if !ok {
			return Input{}, &InvalidError{[]Fault{{at, "is not in the keystore of the sources any more; send the source anew"}}}
		}
		options = set(options, strings.Split(at, "."), text)
	}
	for at, text := range extra {
		options = set(options, strings.Split(at, "."), text)
	}
	return Input{ID: s.ID, Name: s.Name, Options: options.(map[string]any), Enrichments: s.Enrichments, Routing: s.Routing}, nil
}
