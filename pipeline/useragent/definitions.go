package useragent

import (
	"fmt"
	"strings"

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

// expr is the expression with its flag.
func (d *definition) expr() string {
	if d.Flag == "i" { // the only flag in use, and the only one that Elasticsearch knows
		return "(?i)" + d.Regex
	}
	return d.Regex
}

// member gives the place of a replacement; nil for one that nobody needs here.
func (d *definition) member(name string) **string {
	switch name {
	case "family_replacement":
		return &d.Family
	case "v1_replacement":
		return &d.V1
	case "v2_replacement":
		return &d.V2
	case "v3_replacement":
		return &d.V3
	case "v4_replacement":
		return &d.V4
	case "os_replacement":
		return &d.OS
	case "os_v1_replacement":
		return &d.OSV1
	case "os_v2_replacement":
		return &d.OSV2
	case "os_v3_replacement":
		return &d.OSV3
	case "os_v4_replacement":
		return &d.OSV4
	case "device_replacement":
		return &d.Device
	}
	return nil
}

// lists are the three lists of uap-core.
type lists struct {
	Agent  []definition `yaml:"user_agent_parsers"`
	OS     []definition `yaml:"os_parsers"`
	Device []definition `yaml:"device_parsers"`
}

func (l *lists) count() int { return len(l.Agent) + len(l.OS) + len(l.Device) }

// readDefinitions reads the lists. They are YAML of a very plain kind, which is read here in a millisecond; a reader of all of YAML
// takes fifteen, at the start of each run. It does read them where a line is not as plain.
func readDefinitions(text []byte) (*lists, error) {
	if l, ok := plainDefinitions(text); ok {
		return l, nil
	}
	l := &lists{}
	if err := yaml.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("reading the embedded user agent rules: %w", err)
	}
	return l, nil
}

// plainDefinitions reads lists whose lines are "name:", "  - regex: 'text'" or "    name: 'text'". False: some line is not.
func plainDefinitions(text []byte) (*lists, bool) {
	l := &lists{}
	var list *[]definition
	for line := range strings.Lines(string(text)) {
		s := strings.TrimRight(line, "\n")
		if key, ok := strings.CutSuffix(s, ":"); ok {
			switch key {
			case "user_agent_parsers":
				list = &l.Agent
			case "os_parsers":
				list = &l.OS
			case "device_parsers":
				list = &l.Device
			default:
				return nil, false
			}
			continue
		}
		name, value, ok := strings.Cut(s, ": '")
		value, closed := strings.CutSuffix(value, "'")
		if !ok || !closed || list == nil || strings.Contains(value, "'") {
			return nil, false
		}
		if name == "  - regex" {
			*list = append(*list, definition{Regex: value})
			continue
		}
		name, ok = strings.CutPrefix(name, "    ")
		if !ok || len(*list) == 0 || strings.Contains(name, " ") {
			return nil, false
		}
		d := &(*list)[len(*list)-1]
		if name == "regex_flag" {
			d.Flag = value
		} else if to := d.member(name); to != nil {
			*to = &value
		}
	}
	return l, l.count() > 0
}
