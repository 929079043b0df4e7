package logpoint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

// maxCriteria bounds the criteria of a source.
const maxCriteria = 20

// maxField bounds the name of a field. YAML takes no name of more than 1024 bytes, and no document has one of this length.
const maxField = 256

// What a criterion does with a record.
const (
	store      = "store"
	discardRaw = "discard_raw"
	discard    = "discard"
)

var field = lazyregexp.New(`^[A-Za-z_@][A-Za-z0-9_@-]*(\.[A-Za-z0-9_@-]+){0,9}$`)

var repoName = lazyregexp.New(`^[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}$`)

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
	repo    string
}

// policy is where the records of a source go to.
type policy struct {
	opt      Options
	name     string // of the source
	rules    []rule
	catchAll string
	// days are the retention of repos.
	days map[string]int
}

// routing reads the policy. It gives the group routing of the source, nil where its documents go where all go, and may add to the
// options.
func (r *reader) routing(in map[string]any, name string, opt Options, options map[string]any) map[string]any {
	p := &policy{opt: opt, name: name, days: map[string]int{}}
	r.policy(p, in)
	return p.build(options)
}

func (r *reader) policy(p *policy, in map[string]any) {
	const at = "data.config.RoutingPolicy."
	r.unknown(in, at, "routing_criterion", "routing_criteria", "catch_all", "policy_name", "repos")
	if in["policy_name"] != nil {
		r.text(in, at, "policy_name", false)
	}
	r.repos(p, in["repos"])
	p.catchAll = r.repo(p, at+"catch_all", r.text(in, at, "catch_all", true))
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
	for i, v := range list {
		at := fmt.Sprintf("%s%s.%d", at, name, i)
		one, ok := v.(map[string]any)
		if !ok {
			r.bad(at, "is %s, but must be an object of key, value, operation and repo", kind(v))
			continue
		}
		p.rules = append(p.rules, r.criterion(p, one, at+"."))
	}
}

func (r *reader) criterion(p *policy, in map[string]any, at string) rule {
	r.unknown(in, at, "type", "key", "value", "operation", "drop", "repo", "repository")
	c := rule{key: r.text(in, at, "key", true), does: store, repo: p.catchAll}
	if c.key != "" && (!field().MatchString(c.key) || len(c.key) > maxField) {
		r.bad(at+"key", "is %q, but must be the name of a field, such as event.action, of at most %d bytes", c.key, maxField)
	}
	value, there := in["value"]
	switch v := value.(type) {
	case nil:
		if there {
			r.bad(at+"value", "is null; leave it out where any value will do")
		}
	case string:
		c.value = r.clean(at+"value", v, maxText)
	case bool, fmt.Stringer: // a number is one
		c.value = fmt.Sprint(v)
	default:
		r.bad(at+"value", "is %s, but must be a text, a number, true or false", kind(v))
	}
	switch t := r.text(in, at, "type", false); strings.ToLower(strings.NewReplacer("_", "", " ", "").Replace(t)) {
	case "":
		c.present = !there || value == ""
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
			c.repo = r.repo(p, at+name, repo)
		}
	}
	return c
}

// own are Logpoint's repos that are always there.
var own = []string{"_logpoint", "default"}

// namespace is that of the data stream that stands for a repo.
func namespace(repo string) string {
	return strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(repo))
}

// repo checks the name of one, and gives it.
func (r *reader) repo(p *policy, at, name string) string {
	if name == "" || slices.Contains(own, name) || slices.Contains(p.opt.Outputs, name) {
		return name
	}
	clean := namespace(name)
	if !repoName().MatchString(name) {
		r.bad(at, "is %q, but the name of a repo becomes part of the name of a data stream: at most 100 letters, digits, _, -, spaces and dots, a letter, digit or _ first", name)
		return ""
	}
	if clean != name {
		r.warn("%s: the repo %q is the data stream of the namespace %s", at, name, clean)
	}
	return name
}

// repos reads where repos lie and how long they keep what.
func (r *reader) repos(p *policy, v any) {
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
		name := r.repo(p, at+"repo_name", r.text(one, at, "repo_name", true))
		r.text(one, at, "path", true)
		days, ok := r.whole(one, at, "retention", 1, 36500)
		if one["retention"] == nil {
			r.bad(at+"retention", "is missing; it is the number of days that documents are kept")
		}
		switch before, twice := p.days[name]; {
		case !ok || name == "":
		case twice && before != days:
			r.bad(at+"retention", "is %d days, but %d for the same repo before", days, before)
		default:
			p.days[name] = days
		}
		if one["remote_logpoint"] != nil {
			r.warn("%sremote_logpoint has no effect: copies are the business of the output", at)
		}
	}
}

// target gives where a repo is, in the words of the group routing.
func (p *policy) target(repo string) map[string]any {
	to := map[string]any{}
	switch {
	case repo == "" || slices.Contains(own, repo):
		to["output"] = "default"
	case slices.Contains(p.opt.Outputs, repo):
		to["output"] = repo
	default:
		to["namespace"] = namespace(repo)
	}
	if days := p.days[repo]; days > 0 {
		to["retention"] = fmt.Sprintf("%dd", days)
	}
	return to
}

// build makes the group routing of the policy, and the processors that take the raw message away where a rule says so.
func (p *policy) build(options map[string]any) map[string]any {
	var rules, processors, before []any
	for i, c := range p.rules {
		to := p.target(c.repo)
		if c.does == discard {
			to = map[string]any{"output": "discard"}
		}
		to["name"], to["when"] = fmt.Sprintf("%s: %d", p.name, i), c.condition()
		rules = append(rules, to)
		if c.does == discardRaw {
			when := c.condition()
			if len(before) > 0 {
				when = map[string]any{"and": []any{when, map[string]any{"not": map[string]any{"or": slices.Clone(before)}}}}
			}
			processors = append(processors, map[string]any{"drop_fields": map[string]any{
				"id": fmt.Sprintf("%s: %d", p.name, i), "fields": []any{"event.original"}, "ignore_missing": true, "when": when,
			}})
		}
		before = append(before, c.condition())
	}
	if len(processors) > 0 {
		options["processors"] = processors
	}
	catchAll := p.target(p.catchAll)
	isOwn := catchAll["output"] == "default" && catchAll["retention"] == nil
	if isOwn && len(rules) == 0 {
		return nil
	}
	routing := map[string]any{}
	if len(rules) > 0 {
		routing["rules"] = rules
	}
	if !isOwn {
		routing["catch_all"] = catchAll
	}
	return routing
}

func (c rule) condition() map[string]any {
	if c.present {
		return map[string]any{"has_fields": []any{c.key}}
	}
	return map[string]any{"equals": map[string]any{c.key: c.value}}
}
