package pipeline_test

import (
	"fmt"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline"
)

func Example() {
	p, err := pipeline.New(pipeline.Config{Tags: []string{"forwarded"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()

	record := []byte(`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/dana","userName":"dana"},` +
		`"eventTime":"2026-11-20T07:30:00Z","eventSource":"iam.amazonaws.com","eventName":"DeleteUser","awsRegion":"us-east-1",` +
		`"sourceIPAddress":"203.0.113.7","requestParameters":{"userName":"eve"},"eventID":"5c0e"}`)

	var ev ecs.Event
	ev.Timestamp = "2026-11-20T07:35:00Z" // when it was read
	if err := p.Process(record, &ev); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ev.Timestamp, ev.User.Name, ev.Event.Action, ev.Event.Category, ev.User.Target.Name)
	fmt.Println(ev.Meta.ID)
	// Output:
	// 2026-11-20T07:30:00.000Z dana DeleteUser [iam] eve
	// 5ea6c8a91c94bafb534e7354437636da
}

// A field is changed, and one that fields.yml does not know is added, before the document is written.
func ExamplePipeline_Process() {
	p, err := pipeline.New(pipeline.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()

	var ev ecs.Event
	ev.Timestamp = "2026-11-20T07:35:00Z"
	if err := p.Process([]byte(`{"eventTime":"2026-11-20T07:30:00Z","eventName":"ListBuckets","eventSource":"s3.amazonaws.com"}`), &ev); err != nil {
		fmt.Println(err)
		return
	}
	ev.Event.Provider = "storage"
	ev.Tags = []string{"reviewed"}
	if err := ev.Put("labels.team", "blue"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(ev.AppendJSON(nil)))
	// Output:
	// {"@timestamp":"2026-11-20T07:30:00.000Z","cloud":{"provider":"aws","service":{"name":"s3"}},"ecs":{"version":"8.11.0"},"event":{"action":"ListBuckets","category":["file"],"created":"2026-11-20T07:35:00Z","kind":"event","outcome":"success","provider":"storage","type":["info"]},"tags":["reviewed"],"labels":{"team":"blue"}}
}
