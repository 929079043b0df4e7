package logpoint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxCriteria bounds the criteria of a source.
const maxCriteria = 20

// What a criterion does with a record.
const (
	store      = "store"
	discardRaw = "discard_raw"
	discard    = "discard"
)

var field = regexp.MustCompile(`^[A-Za-z_@][A-Za-z0-9_@-]*(\.[A-Za-z0-9_@-]+)*$`)

// operations are the ways in which what to do is written.
var operations = map[string]string{
	"store": store, "store_raw": store, "store raw message": store, "store raw": store,
	"discard_raw": discardRaw, "discard raw message": discardRaw, "discard raw": discardRaw,
	"discard": discard, "discard entire event": discard, "discard_event": discard, "drop": discard,
}

// rule is one criterion: of several the first that is met decides.
type rule struct {
	key, value string
	// present is met by any value.
	present bool
	does    string
	// namespace of the data stream.
	namespace string
}

// routing reads the policy into the options of the source.
func (r *reader) routing(in map[string]any, namespace string, options map[string]any) {
	const at = "data.config.RoutingPolicy."
	r.unknown(in, at, "routing_criterion", "routing_criteria", "catch_all", "policy_name", "repos")
	r.repos(in["repos"])
	catchAll := namespace
	if repo := r.text(in, at, "catch_all", true); repo != "" {
		catchAll = r.repo(at+"catch_all", repo, namespace)
	}
	name := "routing_criterion"
	if _, there := in[name]; !there && in["routing_criteria"] != nil {
		name = "routing_criteria"
	}
	list, ok := in[name].([]any)
	if !ok && in[name] != nil {
		r.bad(at+name, "is %s, but must be a list", kind(in[name]))
		return
	}
	if len(list) > maxCriteria {
		r.bad(at+name, "has %d criteria, but may have %d at most", len(list), maxCriteria)
		return
	}
	var rules []rule
	for i, v := range list {
		at := fmt.Sprintf("%s%s.%d", at, name, i)
		one, ok := v.(map[string]any)
		if !ok {
			r.bad(at, "is %s, but must be an object of key, value, operation and repo", kind(v))
			continue
		}
		rules = append(rules, r.criterion(one, at+".", catchAll, namespace))
	}
	if processors := build(rules, catchAll, namespace); len(processors) > 0 {
		options["processors"] = processors
	}
}

func (r *reader) criterion(in map[string]any, at, catchAll, namespace string) rule {
	r.unknown(in, at, "type", "key", "value", "operation", "drop", "repo", "repository")
	c := rule{key: r.text(in, at, "key", true), does: store, namespace: catchAll}
	if c.key != "" && !field.MatchString(c.key) {
		r.bad(at+"key", "is %q, but must be the name of a field, such as event.action", c.key)
	}
	value, there := in["value"]
	switch v := value.(type) {
	case nil:
	case string:
		c.value = r.clean(at+"value", v, maxText)
	case bool, fmt.Stringer: // a number is one
		c.value = fmt.Sprint(v)
	default:
		r.bad(at+"value", "is %s, but must be a text, a number, true or false", kind(v))
	}
	switch t := r.text(in, at, "type", false); strings.ToLower(strings.NewReplacer("_", "", " ", "").Replace(t)) {
	case "":
		c.present = !there || value == nil || value == ""
	case "keypresent":
		c.present = true
	case "keypresentvaluematches", "valuematches":
		if c.value == "" {
			r.bad(at+"value", "is missing")
		}
	default:
		r.bad(at+"type", "is %q, but must be KeyPresent or KeyPresentValueMatches", t)
	}
	for _, name := range []string{"operation", "drop"} {
		text := r.text(in, at, name, false)
		if text == "" || strings.EqualFold(text, "equals") {
			continue
		}
		does, ok := operations[strings.ToLower(text)]
		if !ok {
			r.bad(at+name, "is %q, but must be store, discard_raw or discard", text)
			continue
		}
		c.does = does
	}
	for _, name := range []string{"repo", "repository"} {
		if repo := r.text(in, at, name, false); repo != "" {
			c.namespace = r.repo(at+name, repo, namespace)
		}
	}
	return c
}

// own are Logpoint's repos that are always there.
var own = []string{"_logpoint", "default"}

// repo gives the namespace of the data stream that stands for a repo.
func (r *reader) repo(at, name, namespace string) string {
	if slices.Contains(own, name) {
		return namespace
	}
	clean := strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(name))
	if strings.ContainsAny(clean, "\\/*?\"<>|,#:") || len(clean) > 100 {
		r.bad(at, "is %q, but the name of a repo becomes part of the name of a data stream: at most 100 bytes without \\ / * ? \" < > | , # and :", name)
		return namespace
	}
	if clean != name {
		r.warn("%s: the repo %q is the data stream of the namespace %s", at, name, clean)
	}
	return clean
}

// repos reads where repos lie and how long they keep what.
func (r *reader) repos(v any) {
	const at = "data.config.RoutingPolicy.repos"
	list, ok := v.([]any)
	if !ok && v != nil {
		r.bad(at, "is %s, but must be a list", kind(v))
	}
	for i, v := range list {
		at := fmt.Sprintf("%s.%d.", at, i)
		one, ok := v.(map[string]any)
		if !ok {
			r.bad(strings.TrimSuffix(at, "."), "is %s, but must be an object of repo_name, path and retention", kind(v))
			continue
		}
		r.unknown(one, at, "repo_name", "path", "retention", "remote_logpoint")
		name := r.text(one, at, "repo_name", true)
		r.text(one, at, "path", true)
		days, ok := r.whole(one, at, "retention", 1, 36500)
		if _, there := one["retention"]; !there {
			r.bad(at+"retention", "is missing; it is the number of days that documents are kept")
		}
		if ok && name != "" {
			r.warn("%sretention: %d days of the repo %s are not set at the output; set setup.template.lifecycle.data_retention", at, days, name)
		}
		if one["remote_logpoint"] != nil {
			r.warn("%sremote_logpoint has no effect: copies are the business of the output", at)
		}
	}
}

// build makes processors of rules: each is asked where none before it was met.
func build(rules []rule, catchAll, namespace string) []any {
	var otherwise []any
	if catchAll != namespace {
		otherwise = send(catchAll)
	}
	for _, c := range slices.Backward(rules) {
		choice := map[string]any{"if": c.condition(), "then": c.processors()}
		if len(otherwise) > 0 {
			choice["else"] = otherwise
		}
		otherwise = []any{choice}
	}
	return otherwise
}

func send(namespace string) []any {
	return []any{map[string]any{"add_fields": map[string]any{"target": "data_stream", "fields": map[string]any{"namespace": namespace}}}}
}

func (c rule) condition() map[string]any {
	if c.present {
		return map[string]any{"has_fields": []any{c.key}}
	}
	return map[string]any{"equals": map[string]any{c.key: c.value}}
}

func (c rule) processors() []any {
	switch c.does {
	case discard:
		return []any{map[string]any{"drop_event": map[string]any{}}}
	case discardRaw:
		return append(send(c.namespace), map[string]any{"drop_fields": map[string]any{"fields": []any{"event.original"}, "ignore_missing": true}})
	}
	return send(c.namespace)
}
