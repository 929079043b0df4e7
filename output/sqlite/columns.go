package sqlite

import (
	"database/sql/driver"
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
)

// bindColumns sets the arguments of insertColumns, in the order of the table. The strings are those of the event: they
// are good only until its Write has returned.
func bindColumns(args []driver.NamedValue, seq, stream int64, ev *ecs.Event) {
	args[0].Value = seq
	args[1].Value = stream
	trail, identity := &ev.AWS.CloudTrail, &ev.AWS.CloudTrail.UserIdentity
	address := ev.Source.Address
	if address == ev.Source.IP {
		address = ""
	}
	for i, s := range [...]string{
		ev.Timestamp, ev.Event.Action, ev.Event.Provider, strings.Join(ev.Event.Category, ","), ev.Event.Outcome,
		actor(ev), ev.User.Name, ev.User.ID, identity.Type, identity.ARN,
		ev.Source.IP, address, ev.Source.Geo.CountryISOCode, ev.Source.Geo.CityName,
		ev.Cloud.Account.ID, ev.Cloud.Region, trail.RecipientAccountID,
		trail.ErrorCode, trail.ErrorMessage, ev.UserAgent.Original,
	} {
		args[2+i].Value = orNull(s)
	}
	args[22].Value = boolOrNull(trail.ReadOnly)
	args[23].Value = orNull(ev.Event.ID)
}

// actor names who acted where that was no user: the AWS service, else whatever tells callers apart.
func actor(ev *ecs.Event) string {
	if ev.User.Name != "" {
		return ""
	}
	identity := &ev.AWS.CloudTrail.UserIdentity
	for _, s := range [...]string{ev.Service.Name, ev.User.ID, identity.ARN, identity.InvokedBy, identity.Type} {
		if s != "" {
			return s
		}
	}
	return ""
}

func orNull(s string) driver.Value {
	if s == "" {
		return nil
	}
	return s
}

func boolOrNull(b ecs.Bool) driver.Value {
	switch b {
	case ecs.True:
		return int64(1)
	case ecs.False:
		return int64(0)
	default:
		return nil
	}
}
