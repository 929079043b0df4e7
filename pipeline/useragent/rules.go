package useragent

import (
	"regexp"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ua-parser/uap-go/uaparser"
)

// rule is one regexp with what becomes of its match. Safe for concurrent use.
type rule struct {
	expr    string
	name    *string    // replacement of group 1, nil: group 1 itself
	version [4]*string // replacements of groups 2 to 5, likewise
	need    []uint16   // clauses of the prefilter that must all hold before the regexp is worth running
	re      atomic.Pointer[regexp.Regexp]
	choices func() *choices // nil for a rule that is short
}

// longRule is the length from which an expression is looked into for alternatives that cannot match.
const longRule = 200

// ruleSet is the three lists and the prefilter over all of them. It does not change once it is loaded, except that regexps get compiled.
type ruleSet struct {
	agent, os, device []*rule
	filter            *prefilter
}

// loadRules reads the embedded lists: about five milliseconds, as long as the generated clauses are those of the lists.
func loadRules() (*ruleSet, error) {
	lists, err := readDefinitions(uaparser.DefinitionYaml)
	if err != nil {
		return nil, err
	}
	known := knownClauses(uaparser.DefinitionYaml, lists.count())
	if known == nil {
		if known, err = findClauses(lists); err != nil {
			return nil, err
		}
	}
	set := &ruleSet{filter: newPrefilter(known.clauses, known.states)}
	rules := make([]rule, lists.count())
	next := 0
	add := func(list *[]*rule, d *definition, name *string, version [4]*string) {
		r := &rules[next]
		r.expr, r.name, r.version, r.need = d.expr(), name, version, known.needs[next]
		if len(r.expr) > longRule {
			r.choices = sync.OnceValue(func() *choices { return newChoices(r.expr) })
		}
		*list = append(*list, r)
		next++
	}
	for i := range lists.Agent {
		d := &lists.Agent[i]
		add(&set.agent, d, d.Family, [4]*string{d.V1, d.V2, d.V3, d.V4})
	}
	for i := range lists.OS {
		d := &lists.OS[i]
		add(&set.os, d, d.OS, [4]*string{d.OSV1, d.OSV2, d.OSV3, d.OSV4})
	}
	for i := range lists.Device {
		d := &lists.Device[i]
		add(&set.device, d, d.Device, [4]*string{})
	}
	return set, nil
}

// regexp returns the compiled expression. Two callers may compile it at once; either result serves.
func (r *rule) regexp() *regexp.Regexp {
	if re := r.re.Load(); re != nil {
		return re
	}
	re := regexp.MustCompile(r.expr) // a test compiles them all
	r.re.Store(re)
	return re
}

// match is what a rule makes of an agent.
type match struct {
	name    string
	version [4]string
}

// agent is a text that rules are run on.
type agent struct {
	ua     string  // as it came
	masked string  // of the same length, what the expressions see
	lower  string  // masked in lower case (ASCII), once a rule asked for it,
	pairs  pairSet // and the pairs of bytes in that
}

// find runs the rule's expression.
func (r *rule) find(a *agent) []int {
	if r.choices != nil {
		if c := r.choices(); c != nil {
			if a.lower == "" {
				a.lower = lowerASCII(a.masked)
				a.pairs.fill(a.lower)
			}
			re := c.regexp(a, r.regexp)
			if re == nil {
				return nil
			}
			return re.FindStringSubmatchIndex(a.masked)
		}
	}
	return r.regexp().FindStringSubmatchIndex(a.masked)
}

// apply runs the rule on an agent and takes the parts of the answer from it.
func (r *rule) apply(a *agent, m *match) bool {
	loc := r.find(a)
	return loc != nil && r.take(a.ua, loc, m)
}

// take makes the answer out of where the groups matched.
func (r *rule) take(ua string, loc []int, m *match) bool {
	group := func(i int) (string, bool) {
		if 2*i+1 >= len(loc) || loc[2*i] < 0 {
			return "", false
		}
		return ua[loc[2*i]:loc[2*i+1]], true
	}
	first, ok := group(1)
	switch {
	case r.name == nil && !ok:
		return false // no name: the search goes on
	case r.name == nil:
		m.name = first
	case ok:
		m.name = strings.Replace(*r.name, "$1", first, 1)
	default:
		m.name = *r.name
	}
	for i, replacement := range r.version {
		if replacement != nil {
			m.version[i] = *replacement
		} else {
			m.version[i], _ = group(i + 2)
		}
	}
	return true
}

// find returns the index of the first rule of list that matches, -1 if none does.
func find(list []*rule, hits *hitSet, a *agent, m *match) int {
	for i, r := range list {
		if hits.all(r.need) && r.apply(a, m) {
			return i
		}
	}
	return -1
}

// parse gives the exact answer. Its strings may be parts of ua.
func (s *ruleSet) parse(ua string) Info {
	info := Info{Name: other, DeviceName: other}
	a := agent{ua: ua, masked: mask(ua)}
	var hits hitSet
	s.filter.scan(a.masked, &hits)
	var m match
	if find(s.agent, &hits, &a, &m) >= 0 {
		info.Name, info.Version = m.name, joinVersion(m.version)
	}
	m = match{}
	if find(s.os, &hits, &a, &m) >= 0 {
		info.setOS(m.name, joinVersion(m.version))
	}
	m = match{}
	if find(s.device, &hits, &a, &m) >= 0 {
		info.DeviceName = m.name
	}
	return info
}

// mask replaces, byte for byte, the few characters that Go's regexps treat otherwise than Java's: a carriage return ends a line for Java, a
// vertical tab is white space for it, and the Kelvin sign and the long s are no "k" and "s" for it when case is ignored.
func mask(ua string) string {
	if !strings.ContainsAny(ua, "\r\v\u212a\u017f") {
		return ua
	}
	return strings.NewReplacer("\r", "\n", "\v", "\t", "\u212a", "\u2100", "\u017f", "\u0180").Replace(ua)
}
