package shipper

import (
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
)

// Agent identifies this installation in every document.
type Agent struct {
	// ID stays the same over restarts, EphemeralID is new with every start. Name is that of the machine, unless the
	// configuration says otherwise.
	ID, EphemeralID, Name, Version string
}

// agentType is agent.type of every document.
const agentType = "trailbeat"

// DataStream names the data stream that documents go to: type-dataset-namespace.
type DataStream struct {
	Type, Dataset, Namespace string
}

// timestampFormat is that of @timestamp before the mapping: nanoseconds, always nine digits.
const timestampFormat = "2006-01-02T15:04:05.000000000Z"

// millisFormat is that of the times of CloudWatch Logs, which counts milliseconds.
const millisFormat = "2006-01-02T15:04:05.000Z"

// ingestedFormat is that of event.ingested, which Fleet writes to the second.
const ingestedFormat = "2006-01-02T15:04:05Z"

// fill makes the input document of one record: what an input of Elastic Agent hands to the ingest pipeline, less the
// message. Nothing is copied but the headers of strings and the tags.
func fill(ev *ecs.Event, agent *Agent, src *Source, rec *input.Record, readTime string) {
	ev.Timestamp = readTime
	ev.Tags = append(ev.Tags[:0], src.Tags...)

	ev.Agent.ID = agent.ID
	ev.Agent.EphemeralID = agent.EphemeralID
	ev.Agent.Name = agent.Name
	ev.Agent.Version = agent.Version
	ev.Agent.Type = agentType

	ev.DataStream.Type = src.DataStream.Type
	ev.DataStream.Dataset = src.DataStream.Dataset
	ev.DataStream.Namespace = src.DataStream.Namespace
	ev.Event.Module = "aws"
	ev.Event.Dataset = src.DataStream.Dataset

	ev.Input.Type = src.Type
	if o := rec.Origin; o == nil || o.LogGroup == "" && o.Path+o.Key != "" { // a log event, or one that was looked up, stands in no file
		ev.Log.Offset = ecs.Long{Value: rec.Offset, Set: true}
	}

	o := rec.Origin
	if o == nil {
		return
	}
	if o.InputType != "" {
		ev.Input.Type = o.InputType
	}
	ev.Log.File.Path = o.Path
	if o.Region != "" || o.Bucket != "" || o.LogGroup != "" {
		ev.Cloud.Provider = "aws"
		ev.Cloud.Region = o.Region
	}
	ev.AWS.S3.Bucket.Name = o.Bucket
	ev.AWS.S3.Bucket.ARN = o.BucketARN
	ev.AWS.S3.Object.Key = o.Key
	ev.AWS.S3.Metadata = ecs.RawJSON(o.Metadata)
	if o.LogGroup != "" {
		ev.AWS.CloudWatch.LogGroup = o.LogGroup
		ev.AWS.CloudWatch.LogStream = o.LogStream
		if !rec.Created.IsZero() {
			arena := ev.Arena()
			ev.AWS.CloudWatch.IngestionTime = arena.Keep(rec.Created.UTC().AppendFormat(arena.Buffer(), millisFormat))
		}
	}
}

// indexNames joins the parts of a data stream's name, and remembers the last one, since neighbours nearly always share it.
type indexNames struct {
	last DataStream
	name string
}

// of returns the name that the document itself states, as filters may have sent it elsewhere. Empty where a part is missing:
// then the output decides.
func (n *indexNames) of(ev *ecs.Event) string {
	ds := DataStream{Type: ev.DataStream.Type, Dataset: ev.DataStream.Dataset, Namespace: ev.DataStream.Namespace}
	if ds.Type == "" || ds.Dataset == "" || ds.Namespace == "" {
		return ""
	}
	if ds != n.last {
		// The event's strings may point into memory that is used again after this batch.
		n.last = DataStream{strings.Clone(ds.Type), strings.Clone(ds.Dataset), strings.Clone(ds.Namespace)}
		n.name = ds.Type + "-" + ds.Dataset + "-" + ds.Namespace
	}
	return n.name
}

// seconds formats the current time to the second, once for each second.
type seconds struct {
	unix int64
	text string
}

func (s *seconds) now() string {
	if now := time.Now(); now.Unix() != s.unix {
		s.unix, s.text = now.Unix(), now.UTC().Format(ingestedFormat)
	}
	return s.text
}
