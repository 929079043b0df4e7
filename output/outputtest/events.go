package outputtest

import (
	"fmt"

	"github.com/trailbeat/trailbeat/ecs"
)

// NewEvent makes the n-th of an endless row of different events. The same n gives the same event, with the same _id. It
// has no data stream.
func NewEvent(n int) *ecs.Event {
	ev := &ecs.Event{}
	FillEvent(ev, n)
	return ev
}

// FillEvent makes ev, which must be new or Reset, the n-th event.
func FillEvent(ev *ecs.Event, n int) {
	actions := []string{"ConsoleLogin", "GetObject", "AssumeRole", "PutBucketPolicy", "RunInstances"}
	users := []string{"alice", "bob", "carol"}
	ev.Meta.ID = fmt.Sprintf("outputtest-%08d", n)
	ev.Timestamp = fmt.Sprintf("2024-03-%02dT%02d:%02d:%02d.%03dZ", 1+n/86400%28, n/3600%24, n/60%60, n%60, n%1000)
	ev.Event.Action = actions[n%len(actions)]
	ev.Event.Provider = "s3.amazonaws.com"
	ev.Event.ID = fmt.Sprintf("5a3b0000-0000-4000-8000-%012d", n)
	ev.Event.Outcome = "success"
	if n%7 == 0 {
		ev.Event.Outcome = "failure"
		ev.AWS.CloudTrail.ErrorCode = "AccessDenied"
		ev.AWS.CloudTrail.ErrorMessage = "not authorized to perform this"
	}
	ev.User.Name = users[n%len(users)]
	ev.AWS.CloudTrail.UserIdentity.Type = "IAMUser"
	ev.AWS.CloudTrail.UserIdentity.ARN = "arn:aws:iam::111122223333:user/" + ev.User.Name
	ev.AWS.CloudTrail.ReadOnly = ecs.True
	ev.Source.IP = fmt.Sprintf("198.51.100.%d", n%250)
	ev.Source.Address = ev.Source.IP
	ev.Cloud.Account.ID = "111122223333"
	ev.Cloud.Region = "eu-west-1"
	ev.Related.User = append(ev.Related.User, ev.User.Name)
	ev.Tags = append(ev.Tags, "forwarded", "aws-cloudtrail")
}

// NewEvents makes the events from n0 on.
func NewEvents(n0, count int) []*ecs.Event {
	events := make([]*ecs.Event, count)
	for i := range events {
		events[i] = NewEvent(n0 + i)
	}
	return events
}
