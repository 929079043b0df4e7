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
	// Thin keeps one in so many of them: the processor sample.
	Thin = "sample"
)

// Forms are all of them.
func Forms() []string { return []string{Drop, Thin, Route} }

// RouteNamespace is data_stream.namespace of what Route sends elsewhere.
const RouteNamespace = "bulk"

// yaml gives what the configuration takes, so that it does to the events of these rules what form says.
func yaml(form string, rate int, rules ...*rule) string {
	var b strings.Builder
	if form == Route {
		b.WriteString("routing:\n  rules:\n")
	} else {
		b.WriteString("processors:\n")
	}
	for _, r := range rules {
		switch form {
		case Route:
			fmt.Fprintf(&b, "    - name: %s\n      namespace: %s\n      when:\n", scalar(r.id), RouteNamespace)
		case Thin:
			fmt.Fprintf(&b, "  - sample:\n      id: %s\n      rate: %d\n      when:\n", scalar(r.id), rate)
		default:
			fmt.Fprintf(&b, "  - drop_event:\n      id: %s\n      when:\n", scalar(r.id))
		}
		writeCondition(&b, "        ", &r.when)
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
