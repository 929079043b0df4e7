package useragent

import (
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/ua-parser/uap-go/uaparser"
	"go.yaml.in/yaml/v3"
)

// definition is one element of a list of uap-core. A pointer tells an absent replacement from an empty one.
type definition struct {
	Regex  string  `yaml:"regex"`
	Flag   string  `yaml:"regex_flag"`
	Family *string `yaml:"family_replacement"`
	V1     *string `yaml:"v1_replacement"`
	V2     *string `yaml:"v2_replacement"`
	V3     *string `yaml:"v3_replacement"`
	V4     *string `yaml:"v4_replacement"`
	OS     *string `yaml:"os_replacement"`
	OSV1   *string `yaml:"os_v1_replacement"`
	OSV2   *string `yaml:"os_v2_replacement"`
	OSV3   *string `yaml:"os_v3_replacement"`
	OSV4   *string `yaml:"os_v4_replacement"`
	Device *string `yaml:"device_replacement"`
}

// rule is one regexp with what becomes of its match. Safe for concurrent use.
type rule struct {
	expr    string
	name    *string    // replacement of group 1, nil: group 1 itself
	version [4]*string // replacements of groups 2 to 5, likewise
	need    []uint16   // clauses of the prefilter that must all hold before the regexp is worth running
	re      atomic.Pointer[regexp.Regexp]
}

// ruleSet is the three lists and the prefilter over all of them. It does not change once it is loaded, except that regexps get compiled.
type ruleSet struct {
	agent, os, device []*rule
	filter            *prefilter
}

// loadRules reads the embedded lists. It costs some tens of milliseconds.
func loadRules() (*ruleSet, error) {
	var lists struct {
		Agent  []definition `yaml:"user_agent_parsers"`
		OS     []definition `yaml:"os_parsers"`
		Device []definition `yaml:"device_parsers"`
	}
	if err := yaml.Unmarshal(uaparser.DefinitionYaml, &lists); err != nil {
		return nil, fmt.Errorf("reading the embedded user agent rules: %w", err)
	}
	set := &ruleSet{}
	build := newPrefilterBuilder()
	add := func(list *[]*rule, d definition, name *string, version [4]*string) error {
		r := &rule{expr: d.Regex, name: name, version: version}
		if d.Flag == "i" { // the only flag in use, and the only one that Elasticsearch knows
			r.expr = "(?i)" + d.Regex
		}
		var err error
		if r.need, err = build.add(r.expr); err != nil {
			return fmt.Errorf("reading user agent rule %q: %w", d.Regex, err)
		}
		*list = append(*list, r)
		return nil
	}
	for _, d := range lists.Agent {
		if err := add(&set.agent, d, d.Family, [4]*string{d.V1, d.V2, d.V3, d.V4}); err != nil {
			return nil, err
		}
	}
	for _, d := range lists.OS {
		if err := add(&set.os, d, d.OS, [4]*string{d.OSV1, d.OSV2, d.OSV3, d.OSV4}); err != nil {
			return nil, err
		}
	}
	for _, d := range lists.Device {
		if err := add(&set.device, d, d.Device, [4]*string{}); err != nil {
			return nil, err
		}
	}
	set.filter = build.build()
	return set, nil
}

// regexp returns the compiled expression. Two callers may compile it at once; either result serves.
func (r *rule) regexp() *regexp.Regexp {
	if re := r.re.Load(); re != nil {
		return re
	}
	re := regexp.MustCompile(r.expr) // the expression was parsed when it was loaded
	r.re.Store(re)
	return re
}

// match is what a rule makes of an agent.
type match struct {
	name    string
	version [4]string
}

// apply runs the rule on masked and takes the parts from ua, which has the same length.
func (r *rule) apply(ua, masked string, m *match) bool {
	loc := r.regexp().FindStringSubmatchIndex(masked)
	if loc == nil {
		return false
	}
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
func find(list []*rule, hits *hitSet, ua, masked string, m *match) int {
	for i, r := range list {
		if hits.all(r.need) && r.apply(ua, masked, m) {
			return i
		}
	}
	return -1
}

// parse gives the exact answer. Its strings may be parts of ua.
func (s *ruleSet) parse(ua string) Info {
	info := Info{Name: other, DeviceName: other}
	masked := mask(ua)
	var hits hitSet
	s.filter.scan(masked, &hits)
	var m match
	if find(s.agent, &hits, ua, masked, &m) >= 0 {
		info.Name, info.Version = m.name, joinVersion(m.version)
	}
	m = match{}
	if find(s.os, &hits, ua, masked, &m) >= 0 {
		info.setOS(m.name, joinVersion(m.version))
	}
	m = match{}
	if find(s.device, &hits, ua, masked, &m) >= 0 {
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
