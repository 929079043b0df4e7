package migrate

import (
	"fmt"
	"slices"
	"strings"
)

// filterFields are the fields of the document by the member of the record that a filter names.
var filterFields = map[string]string{
	"eventname": "event.action", "eventsource": "event.provider", "eventid": "event.id", "awsregion": "cloud.region", "region": "cloud.region",
	"sourceipaddress": "source.ip", "useragent": "user_agent.original", "errorcode": "aws.cloudtrail.error_code",
	"errormessage": "aws.cloudtrail.error_message", "eventtype": "aws.cloudtrail.event_type", "eventcategory": "aws.cloudtrail.event_category",
	"readonly": "aws.cloudtrail.read_only", "managementevent": "aws.cloudtrail.management_event", "recipientaccountid": "aws.cloudtrail.recipient_account_id",
	"username": "user.name", "useridentityusername": "user.name", "useridentitytype": "aws.cloudtrail.user_identity.type",
	"useridentityarn": "aws.cloudtrail.user_identity.arn", "useridentityaccountid": "cloud.account.id", "accountid": "cloud.account.id",
	"useridentityprincipalid": "user.id", "requestid": "aws.cloudtrail.request_id",
}

// filterOperators are the conditions by the operator of a filter.
var filterOperators = map[string]string{
	"equals": "equals", "equal": "equals", "is": "equals", "notequals": "not equals", "notequal": "not equals", "isnot": "not equals",
	"contains": "contains", "notcontains": "not contains", "doesnotcontain": "not contains", "matches": "regexp", "regex": "regexp", "regexp": "regexp",
	"notmatches": "not regexp",
}

// filter is one rule of an event filter.
type filter struct{ action, field, operator, value string }

// filters writes the processors that event filters stand for. Their rules are asked in order, and the first that is met decides: a
// rule that drops does so unless one before it accepts.
func (c *parameterList) filters(p parameter) {
	rules, bad := readFilters(p)
	for _, text := range bad {
		c.refused(p.at, p.label, "%s; write a processor drop_event", text)
	}
	var accepted, lines []string
	broken := len(bad) > 0 // a rule that may accept is missing, so that a later one would drop too much
	for i, r := range rules {
		cond, problem := r.condition()
		drops := slices.Contains([]string{"drop", "discard", "deny"}, strings.ToLower(r.action))
		if problem == "" && drops && broken {
			problem = "a rule before it is not taken over, and without that it would drop too much"
		}
		if problem != "" {
			broken = broken || !drops
			c.refused(p.at, p.label, "rule %d: %s", i+1, problem)
			continue
		}
		switch strings.ToLower(r.action) {
		case "accept", "keep", "allow":
			accepted = append(accepted, "not: {"+cond+"}")
		case "drop", "discard", "deny":
			all := "{" + strings.Join(append([]string{cond}, accepted...), "}, {") + "}"
			if len(accepted) == 0 {
				lines = append(lines, "  - drop_event.when: {"+cond+"}")
			} else {
				lines = append(lines, "  - drop_event.when.and: ["+all+"]")
			}
		default:
			broken = true
			c.refused(p.at, p.label, "rule %d: the action %q is not known; there are drop and accept", i+1, r.action)
		}
	}
	if lines != nil {
		c.w.raw("processors:")
		for _, line := range lines {
			c.w.raw(line)
		}
	}
}

// condition writes the condition of a rule as a member of a group.
func (r filter) condition() (text, problem string) {
	if r.field == "" || r.field == "*" || strings.EqualFold(r.field, "any") {
		return "has_fields: [event.provider]", ""
	}
	field := filterFields[normal(r.field)]
	if field == "" {
		return "", fmt.Sprintf("there is no field here for %q", r.field)
	}
	operator := filterOperators[normal(r.operator)]
	if operator == "" {
		return "", fmt.Sprintf("the operator %q has no counterpart", r.operator)
	}
	inner, negated := strings.CutPrefix(operator, "not ")
	text = inner + ": {" + field + ": " + scalar(r.value) + "}"
	if negated {
		text = "not: {" + text + "}"
	}
	return text, ""
}

// readFilters takes a list of objects (JSON), or text: rules with a semicolon between them, each "ACTION FIELD OPERATOR VALUE" or
// "ACTION any".
func readFilters(p parameter) (rules []filter, bad []string) {
	if list, ok := p.any.([]any); ok {
		for i, item := range list {
			object, ok := item.(map[string]any)
			if !ok {
				bad = append(bad, fmt.Sprintf("rule %d is no object with field, operator, value and action", i+1))
				continue
			}
			r := filter{}
			for name, v := range object {
				switch normal(name) {
				case "action":
					r.action = jsonText(v)
				case "field", "key":
					r.field = jsonText(v)
				case "operator", "operation":
					r.operator = jsonText(v)
				case "value":
					r.value = jsonText(v)
				default:
					bad = append(bad, fmt.Sprintf("rule %d has a member %q that is not known", i+1, name))
				}
			}
			rules = append(rules, r)
		}
		slices.Sort(bad)
		return rules, bad
	}
	for i, text := range strings.Split(p.value, ";") {
		words := strings.Fields(text)
		switch {
		case len(words) == 0:
		case len(words) == 2:
			rules = append(rules, filter{action: words[0], field: words[1]})
		case len(words) >= 4:
			rules = append(rules, filter{words[0], words[1], words[2], strings.Join(words[3:], " ")})
		default:
			bad = append(bad, fmt.Sprintf("rule %d, %q, is not of the form ACTION FIELD OPERATOR VALUE", i+1, strings.TrimSpace(text)))
		}
	}
	return rules, bad
}
