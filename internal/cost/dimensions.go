package cost

import (
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
)

// none stands for a value that events do not have.
const none = "(none)"

// tableLimit is how many keys a table has at most. A key of 100 bytes takes about 250.
const tableLimit = 20_000

// dimension is something to count by.
type dimension struct {
	name, title string
	of          func(ev *ecs.Event) key
}

func dimensions() []dimension {
	return []dimension{
		{"category", "category", func(ev *ecs.Event) key { return key{name: orNone(ev.AWS.CloudTrail.EventCategory)} }},
		{"access", "category and access", func(ev *ecs.Event) key {
			return key{of: orNone(ev.AWS.CloudTrail.EventCategory), name: access(ev)}
		}},
		{"service", "service", func(ev *ecs.Event) key { return key{name: orNone(ServiceName(ev.Event.Provider))} }},
		{"action", "action", func(ev *ecs.Event) key {
			return key{of: ServiceName(ev.Event.Provider), name: orNone(ev.Event.Action)}
		}},
		{"principal", "principal", func(ev *ecs.Event) key { return key{name: orNone(principal(ev))} }},
		{"account", "account", func(ev *ecs.Event) key { return key{name: orNone(account(ev))} }},
		{"region", "region", func(ev *ecs.Event) key { return key{name: orNone(ev.Cloud.Region)} }},
	}
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}

// ServiceName is the short name of a service: s3 of s3.amazonaws.com.
func ServiceName(provider string) string { return strings.TrimSuffix(provider, ".amazonaws.com") }

func access(ev *ecs.Event) string {
	switch ev.AWS.CloudTrail.ReadOnly {
	case ecs.True:
		return "read"
	case ecs.False:
		return "write"
	}
	return none
}

// principal is who acted, by what stays the same from session to session: the role, the user, or the service.
func principal(ev *ecs.Event) string {
	id := &ev.AWS.CloudTrail.UserIdentity
	for _, s := range [...]string{id.SessionContext.SessionIssuer.ARN, id.ARN, id.InvokedBy, ev.Service.Name, ev.User.Name, ev.User.ID} {
		if s != "" {
			return s
		}
	}
	if id.Type != "" && ev.Cloud.Account.ID != "" {
		return id.Type + " " + ev.Cloud.Account.ID // somebody of another account, whom CloudTrail does not name
	}
	return id.Type
}

// account is the one whose trail has the record.
func account(ev *ecs.Event) string {
	if s := ev.AWS.CloudTrail.RecipientAccountID; s != "" {
		return s
	}
	return ev.Cloud.Account.ID
}
