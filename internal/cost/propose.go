package cost

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/condition"
	"github.com/trailbeat/trailbeat/pipeline/processor"
)

// The fields of the proposed rules. All of them are members of the record, so that a rule is decided before the mapping.
const (
	fieldAction    = "event.action"
	fieldProvider  = "event.provider"
	fieldCategory  = "aws.cloudtrail.event_category"
	fieldReadOnly  = "aws.cloudtrail.read_only"
	fieldErrorCode = "aws.cloudtrail.error_code"
	fieldType      = "aws.cloudtrail.user_identity.type"
	fieldARN       = "aws.cloudtrail.user_identity.arn"
	fieldInvokedBy = "aws.cloudtrail.user_identity.invoked_by"
	fieldIssuer    = "aws.cloudtrail.user_identity.session_context.session_issuer.arn"
)

// Categories of events, as CloudTrail names them.
const (
	management = "Management"
	data       = "Data"
	network    = "NetworkActivity"
)

// family is a kind of rule. There is one rule for each key that events have.
type family struct {
	// limit is how many rules it may have.
	limit int
	// of gives the key of an event; false: no rule of the family can take it.
	of func(ev *ecs.Event) (string, bool)
	// rule gives the rule of a key. Its condition must hold for no event of another key.
	rule func(key string) rule
}

// rule is a proposal before it was tried.
type rule struct {
	id, title, loses string
	when             condition.Config
}

func equals(field string, values ...string) condition.Config {
	return condition.Config{Equals: condition.Fields{field: values}}
}

func has(field string) condition.Config { return condition.Config{HasFields: []string{field}} }

// quietly makes a condition that leaves failures alone: who was refused something is worth more than the place that it takes.
func quietly(list ...condition.Config) condition.Config {
	failed := has(fieldErrorCode)
	return condition.Config{And: append(list, condition.Config{Not: &failed})}
}

var cryptoActions = []string{"Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"}

func families() []family {
	return []family{
		{8, func(ev *ecs.Event) (string, bool) {
			return "", ev.Event.Provider == "kms.amazonaws.com" && ev.AWS.CloudTrail.UserIdentity.InvokedBy != ""
		}, func(string) rule {
			return rule{"kms-by-services", "keys used by AWS services on somebody's behalf",
				"which object or volume was decrypted for whom, where the service's own events do not say it",
				quietly(equals(fieldProvider, "kms.amazonaws.com"), equals(fieldAction, cryptoActions...), has(fieldInvokedBy))}
		}},
		{8, func(ev *ecs.Event) (string, bool) { return "", ev.Event.Provider == "kms.amazonaws.com" }, func(string) rule {
			return rule{"kms-use", "all use of keys (Decrypt, GenerateDataKey)",
				"who decrypted what: keep it, or route it to a cheap place, where keys protect secrets that matter",
				quietly(equals(fieldProvider, "kms.amazonaws.com"), equals(fieldAction, cryptoActions...))}
		}},
		{8, func(ev *ecs.Event) (string, bool) {
			return "", ev.Event.Action == "AssumeRole" && ev.AWS.CloudTrail.UserIdentity.Type == "AWSService"
		}, func(string) rule {
			return rule{"assume-role-by-services", "roles assumed by AWS services",
				"the link from a service to the session that it began; what the session does stays",
				quietly(equals(fieldProvider, "sts.amazonaws.com"), equals(fieldAction, "AssumeRole"), equals(fieldType, "AWSService"))}
		}},
		{200, func(ev *ecs.Event) (string, bool) {
			return ev.Event.Provider, ev.AWS.CloudTrail.EventCategory == data && ev.AWS.CloudTrail.ReadOnly == ecs.True && ev.Event.Provider != ""
		}, func(provider string) rule {
			name := ServiceName(provider)
			return rule{"data-read-" + slug(name), "data of " + name + " read",
				"who read which object: without it nobody can tell what a thief took. Route it rather than drop it",
				quietly(equals(fieldCategory, data), equals(fieldProvider, provider), equals(fieldReadOnly, "true"))}
		}},
		{8, func(ev *ecs.Event) (string, bool) {
			return "", ev.Event.Provider == "lambda.amazonaws.com" && ev.AWS.CloudTrail.EventCategory == data
		}, func(string) rule {
			return rule{"lambda-invoke", "calls of functions", "which call of a function came from whom; the function's own log stays",
				quietly(equals(fieldCategory, data), equals(fieldProvider, "lambda.amazonaws.com"), equals(fieldAction, "Invoke"))}
		}},
		{8, func(ev *ecs.Event) (string, bool) { return "", ev.AWS.CloudTrail.EventCategory == network }, func(string) rule {
			return rule{"network-allowed", "calls through VPC endpoints that were allowed", "which network a call took; those that were denied stay",
				quietly(equals(fieldCategory, network))}
		}},
		{8, func(ev *ecs.Event) (string, bool) {
			return "", isRead(ev) && ev.AWS.CloudTrail.UserIdentity.InvokedBy != ""
		}, func(string) rule {
			return rule{"read-by-services", "management calls of AWS services that only read", "what services of AWS looked at by themselves or on somebody's behalf",
				quietly(equals(fieldCategory, management), equals(fieldReadOnly, "true"), has(fieldInvokedBy))}
		}},
		{5000, func(ev *ecs.Event) (string, bool) {
			arn := ev.AWS.CloudTrail.UserIdentity.SessionContext.SessionIssuer.ARN
			return arn, arn != "" && isRead(ev)
		}, func(arn string) rule {
			name := arn[strings.LastIndexByte(arn, '/')+1:]
			return rule{"read-by-role-" + slug(name), "management calls of the role " + name + " that only read",
				"what somebody who has taken this role looks around for. Fit for scanners and inventories that are known",
				quietly(equals(fieldCategory, management), equals(fieldReadOnly, "true"), equals(fieldIssuer, arn))}
		}},
		{500, func(ev *ecs.Event) (string, bool) {
			id := &ev.AWS.CloudTrail.UserIdentity
			return id.ARN, id.Type == "IAMUser" && id.ARN != "" && isRead(ev)
		}, func(arn string) rule {
			name := arn[strings.LastIndexByte(arn, '/')+1:]
			return rule{"read-by-user-" + slug(name), "management calls of the user " + name + " that only read",
				"what somebody who has this user's key looks around for. Fit for scanners and inventories that are known",
				quietly(equals(fieldCategory, management), equals(fieldReadOnly, "true"), equals(fieldType, "IAMUser"), equals(fieldARN, arn))}
		}},
	}
}

func isRead(ev *ecs.Event) bool {
	return ev.AWS.CloudTrail.EventCategory == management && ev.AWS.CloudTrail.ReadOnly == ecs.True
}

// slug makes a name that an id can have.
func slug(text string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' || r == '.') {
			return r
		}
		return '-'
	}, text), "-.")
}

// candidate is a rule that is being tried.
type candidate struct {
	rule
	number int
	chain  *processor.Chain
	alone  Amount
}

// trial tries the rules of all families.
type trial struct {
	form     string
	rate     int
	families []family
	made     []map[string]*candidate // by family
	all      []*candidate
	ids      map[string]bool
	// sets counts events by the rules that took them, as the numbers of the rules, two bytes each.
	sets map[string]*Amount
	set  []byte // scratch
	// noRule is how many events came too late for a rule, noSet for how many nobody knows which rules meet.
	noRule, noSet int64
}

// maxSets bounds trial.sets.
const maxSets = 50_000

func newTrial(form string, rate int) *trial {
	t := &trial{form: form, rate: rate, families: families(), sets: map[string]*Amount{}, ids: map[string]bool{}}
	t.made = make([]map[string]*candidate, len(t.families))
	for i := range t.made {
		t.made[i] = map[string]*candidate{}
	}
	return t
}

func (t *trial) add(ev *ecs.Event, a Amount) {
	t.set = t.set[:0]
	for i := range t.families {
		k, fits := t.families[i].of(ev)
		if !fits {
			continue
		}
		c := t.made[i][k]
		if c == nil {
			if len(t.made[i]) >= t.families[i].limit {
				t.noRule++
				continue
			}
			k = strings.Clone(k)
			c = t.make(t.families[i].rule(k))
			t.made[i][k] = c
		}
		if c.chain.Run(ev) != nil { // the rule takes it; nothing of these chains changes an event
			c.alone.add(a)
			t.set = append(t.set, byte(c.number>>8), byte(c.number))
		}
	}
	if len(t.set) == 0 {
		return
	}
	sum := t.sets[string(t.set)]
	if sum == nil {
		if len(t.sets) >= maxSets {
			t.noSet++
			return
		}
		sum = new(Amount)
		t.sets[string(t.set)] = sum
	}
	sum.add(a)
}

func (t *trial) make(r rule) *candidate {
	common := processor.Common{ID: r.id, When: &r.when}
	var options processor.Options = &processor.DropEvent{Common: common}
	if t.form == Thin {
		some := processor.DefaultSample()
		some.Common, some.Rate, some.RateField = common, t.rate, ""
		options = &some
	}
	list, err := processor.Build([]processor.Spec{{Options: options}}, processor.Env{})
	if err != nil {
		panic("a proposed rule is wrong: " + err.Error()) // the rules are written above, and tested
	}
	for id, n := r.id, 2; t.ids[r.id]; n++ {
		r.id = fmt.Sprintf("%s-%d", id, n)
	}
	t.ids[r.id] = true
	c := &candidate{rule: r, number: len(t.all), chain: processor.Join(list)}
	t.all = append(t.all, c)
	return c
}
