package ecs_test

import (
	"errors"
	"fmt"

	"github.com/trailbeat/trailbeat/ecs"
)

func Example() {
	var ev ecs.Event
	ev.Timestamp = "2024-01-31T10:20:30.000Z"
	ev.Event.Action = "DeleteTrail"
	ev.Event.Category = append(ev.Event.Category, "configuration")
	ev.User.Name = "alice"
	ev.AWS.CloudTrail.ReadOnly = ecs.False
	ev.AWS.CloudTrail.Flattened.RequestParameters = ecs.RawJSON(`{"name":"main"}`)

	fmt.Println(string(ev.AppendJSON(nil)))
	// Output:
	// {"@timestamp":"2024-01-31T10:20:30.000Z","aws":{"cloudtrail":{"flattened":{"request_parameters":{"name":"main"}},"read_only":false}},"event":{"action":"DeleteTrail","category":["configuration"]},"user":{"name":"alice"}}
}

func ExampleEvent_Put() {
	var ev ecs.Event
	fmt.Println(ev.Put("labels.team", "blue"))
	fmt.Println(ev.Put("source.ip", "192.0.2.1"))

	var wrong *ecs.TypeError
	err := ev.Put("source.ip", 42)
	fmt.Println(errors.As(err, &wrong), err)

	fmt.Println(string(ev.AppendJSON(nil)))
	// Output:
	// <nil>
	// <nil>
	// true field "source.ip" is of type ip: it takes a string, not int
	// {"source":{"ip":"192.0.2.1"},"labels":{"team":"blue"}}
}

func ExampleEvent_Get() {
	var ev ecs.Event
	ev.Related.User = []string{"alice", "bob"}
	ev.AWS.CloudTrail.Flattened.RequestParameters = ecs.RawJSON(`{"userName":"bob"}`)

	users, _ := ev.Get("related.user")
	name, _ := ev.Get("aws.cloudtrail.flattened.request_parameters.userName")
	_, ok := ev.Get("source.ip")
	fmt.Println(users, name, ok)
	// Output: [alice bob] bob false
}

func ExampleLookup() {
	f, ok := ecs.Lookup("aws.cloudtrail.request_parameters")
	fmt.Println(ok, f.Type, f.IgnoreAbove, f.MultiFields)
	_, ok = ecs.Lookup("source.prot")
	fmt.Println(ok)
	// Output:
	// true keyword 8191 [{text text}]
	// false
}

func ExampleCheckDocument() {
	fmt.Println(ecs.CheckDocument([]byte(`{"source":{"ip":"192.0.2.1"},"tags":["a"]}`)))
	fmt.Println(ecs.CheckDocument([]byte(`{"source":{"ip":42},"tag":"a"}`)))
	// Output:
	// <nil>
	// source.ip: is of type ip: cannot be the number 42
	// tag: is not declared in fields.yml
}
