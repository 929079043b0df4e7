package processor

import (
	"fmt"
	"strings"
	"sync"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/condition"
)

// Warning is something that works and is probably not what was meant.
type Warning struct {
	// Path is that of the Spec, Option the dotted name of the option below it.
	Path, Option string
	// Text says what it is, and what may have been meant.
	Text string
}

// Check looks at lists that run one after the other for fields that documents never have. Fields that a processor makes are
// known to those behind it.
func Check(lists ...[]Spec) []Warning {
	var c checker
	for _, specs := range lists {
		c.list(specs)
	}
	return c.warnings
}

type checker struct {
	made     []string
	warnings []Warning
}

func (c *checker) list(specs []Spec) {
	for i := range specs {
		s := &specs[i]
		if s.Options == nil {
			c.condition(s, "if", s.If)
			c.list(s.Then)
			c.list(s.Else)
			continue
		}
		c.condition(s, "when", s.Options.common().When)
		for _, n := range s.Options.names() {
			if !n.makes {
				c.reads(s, n.option, n.field)
				continue
			}
			if !declared(n.field) {
				c.warn(s, n.option, fmt.Sprintf("%q is not among the fields of the documents: the index template does not declare it%s", n.field, meant(n.field)))
			}
			c.made = append(c.made, n.field)
		}
	}
}

func (c *checker) condition(s *Spec, option string, cond *condition.Config) {
	if cond == nil {
		return
	}
	made, err := condition.New(cond)
	if err != nil {
		return // said by Validate
	}
	for _, field := range made.Fields() {
		c.reads(s, option, field)
	}
}

func (c *checker) reads(s *Spec, option, field string) {
	if declared(field) || field == "type" {
		return
	}
	for _, m := range c.made {
		if within(field, m) || within(m, field) {
			return
		}
	}
	c.warn(s, option, fmt.Sprintf("documents have no field %q%s", field, meant(field)))
}

func (c *checker) warn(s *Spec, option, text string) {
	c.warnings = append(c.warnings, Warning{s.Path, option, text})
}

// declared reports whether a document may have something at the path as fields.yml has it.
func declared(path string) bool {
	if _, ok := ecs.Lookup(path); ok || isGroup(path) {
		return true
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if f, ok := ecs.Lookup(path[:i]); ok {
			return f.Type == "flattened" || f.Type == "object"
		}
	}
	return false
}

// groups are all paths that lead to declared fields.
var groups = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for _, f := range ecs.Fields() {
		for i := range len(f.Name) {
			if f.Name[i] == '.' {
				all[f.Name[:i]] = true
			}
		}
	}
	return all
})

func isGroup(path string) bool {
	_, field := ecs.Lookup(path)
	return !field && groups()[path]
}

// members are the names that CloudTrail has for what stands in fields, and those of Filebeat.
var members = map[string]string{
	"eventname": "event.action", "eventsource": "event.provider", "eventid": "event.id", "eventtime": "@timestamp",
	"awsregion": "cloud.region", "sourceipaddress": "source.ip", "useragent": "user_agent.original", "errorcode": "aws.cloudtrail.error_code",
	"errormessage": "aws.cloudtrail.error_message", "eventtype": "aws.cloudtrail.event_type", "eventcategory": "aws.cloudtrail.event_category",
	"readonly": "aws.cloudtrail.read_only", "managementevent": "aws.cloudtrail.management_event", "accountid": "cloud.account.id",
	"recipientaccountid": "aws.cloudtrail.recipient_account_id", "useridentity": "aws.cloudtrail.user_identity", "username": "user.name",
	"principalid": "user.id", "arn": "aws.cloudtrail.user_identity.arn", "message": "event.original",
	"requestparameters": "aws.cloudtrail.flattened.request_parameters", "responseelements": "aws.cloudtrail.flattened.response_elements",
}

// meant names the field that may have been meant.
func meant(field string) string {
	last := strings.ReplaceAll(strings.ToLower(field[strings.LastIndexByte(field, '.')+1:]), "_", "")
	best, bound := "", max(1, min(3, len(field)/4))+1
	for _, f := range ecs.Fields() {
		if d := distance(strings.ToLower(field), f.Name, bound); d < bound {
			best, bound = f.Name, d
		}
	}
	if best == "" {
		best = members[last]
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance counts the insertions, deletions and replacements that lead from a to b; bound where it is not less.
func distance(a, b string, bound int) int {
	if len(a)-len(b) >= bound || len(b)-len(a) >= bound {
		return bound
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], bound)
}
