// Package pipeline turns raw CloudTrail records into ECS documents, as Elastic's CloudTrail integration (package aws 8.9.0)
// does in the cluster, but in your process.
//
//	p, err := pipeline.New(pipeline.Config{})
//	...
//	var ev ecs.Event
//	err = p.Process(record, &ev)
//	fmt.Println(ev.User.Name, ev.Event.Action, ev.Source.IP)
//	doc := ev.AppendJSON(nil)
//
// It composes the mapping (package cloudtrail), user agents (package useragent) and geo data (package geoip), and is the
// one place where their order is written. It knows nothing of where records come from and where documents go.
//
// # What a record becomes
//
// By default the document is the integration's, bit for bit, with what is odd about it. A record that cannot be mapped is
// not lost: it becomes a document of event.kind pipeline_error that says why, with all that could be mapped before.
//
// # Cost
//
// Some microseconds a record, and no allocation once buffers have grown. A Pipeline is safe for concurrent use; an
// [ecs.Event] belongs to one goroutine and is meant to be reused:
//
//	for _, record := range records {
//		ev.Reset()
//		if err := p.Process(record, &ev); err != nil { ... }
//		body = ev.AppendJSON(body)
//	}
package pipeline
