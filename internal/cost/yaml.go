package cost

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/trailbeat/trailbeat/pipeline/condition"
)

// The forms that proposed rules can be printed in.
const (
	// Drop takes the events out.
	Drop = "drop"
	// Route sends them to a data stream with another namespace.
	Route = "route"
)

// Forms are all of them.
func Forms() []string { return []string{Drop, Route} }

// RouteNamespace is data_stream.namespace of what Route sends elsewhere.
const RouteNamespace = "bulk"

// YAML gives a list of processors, as the configuration takes it, that does to the events of these rules what form says.
func YAML(form string, rules ...condition.Config) string { return yamlOf(form, nil, rules) }

func yamlOf(form string, ids []string, rules []condition.Config) string {
	var b strings.Builder
	b.WriteString("processors:\n")
	for i := range rules {
		if form == Route {
			b.WriteString("  - if:\n")
			writeCondition(&b, "      ", &rules[i])
			fmt.Fprintf(&b, "    then:\n      - add_fields: {target: data_stream, fields: {namespace: %s}}\n", RouteNamespace)
			continue
		}
		b.WriteString("  - drop_event:\n")
		if ids != nil {
			fmt.Fprintf(&b, "      id: %s\n", scalar(ids[i]))
		}
		b.WriteString("      when:\n")
		writeCondition(&b, "        ", &rules[i])
	}
	return b.String()
}

// writeCondition writes the operators that proposed rules consist of.
func writeCondition(b *strings.Builder, indent string, c *condition.Config) {
	switch {
	case c.And != nil:
		fmt.Fprintf(b, "%sand:\n", indent)
		for i := range c.And {
			var one strings.Builder
			writeCondition(&one, indent+"    ", &c.And[i])
			// The first line of a member of a list begins with a dash.
			fmt.Fprintf(b, "%s  - %s", indent, strings.TrimPrefix(one.String(), indent+"    "))
		}
	case c.Not != nil:
		fmt.Fprintf(b, "%snot:\n", indent)
		writeCondition(b, indent+"  ", c.Not)
	case c.HasFields != nil:
		fmt.Fprintf(b, "%shas_fields: [%s]\n", indent, strings.Join(c.HasFields, ", "))
	default:
		for _, field := range slices.Sorted(maps.Keys(c.Equals)) {
			values := make([]string, len(c.Equals[field]))
			for i, v := range c.Equals[field] {
				values[i] = scalar(v)
			}
			text := values[0]
			if len(values) > 1 {
				text = "[" + strings.Join(values, ", ") + "]"
			}
			fmt.Fprintf(b, "%sequals: {%s: %s}\n", indent, field, text)
		}
	}
}

// scalar writes a text so that YAML takes it for that text, and the configuration sees no variable in it.
func scalar(text string) string {
	if text == "true" || text == "false" {
		return text
	}
	return strings.ReplaceAll(strconv.Quote(text), "${", "$${")
}
