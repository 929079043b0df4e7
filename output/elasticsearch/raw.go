package elasticsearch

import (
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// rawDocument makes of a mapped event what an Elastic Agent sends for the same record: the record in message, where and
// when it was read, and nothing of the mapping, which is the task of the cluster's pipeline. false: the record is not
// known.
//
// What the mapping has changed of the agent's own fields comes to the same once the pipeline of the integration has run:
// it sets cloud.region of the record, and adds the same tag where it fails.
func rawDocument(to, ev *ecs.Event) bool {
	to.Reset()
	switch {
	case len(ev.Meta.Raw) > 0:
		// The sender's record lives as long as the batch, and so does this document.
		to.Message = to.Arena().Copy(ev.Meta.Raw)
	case ev.Event.Original != "":
		to.Message = ev.Event.Original
	default:
		return false
	}
	// The mapping has moved the time of reading to event.created, unless it failed before.
	to.Timestamp = ev.Timestamp
	if ev.Event.Created != "" {
		to.Timestamp = ev.Event.Created
	}
	to.Tags = append(to.Tags[:0], ev.Tags...)
	to.Agent, to.DataStream, to.Input, to.Log = ev.Agent, ev.DataStream, ev.Input, ev.Log
	to.Event.Module, to.Event.Dataset = ev.Event.Module, ev.Event.Dataset
	to.AWS.S3, to.AWS.CloudWatch = ev.AWS.S3, ev.AWS.CloudWatch
	if ev.AWS.S3.Bucket.Name != "" || ev.AWS.CloudWatch.LogGroup != "" {
		to.Cloud.Provider, to.Cloud.Region = ev.Cloud.Provider, ev.Cloud.Region
	}
	return true
}

// noRawRecord is the failure of an event that came without its record.
func noRawRecord(event int) output.Failure {
	return output.Failure{Index: event, Permanent: true, Type: "no_raw_record",
		Reason: "raw is on, but the event came without its record (Meta.Raw, event.original)"}
}

// integrationPipeline begins the name of the pipeline that Elastic's integration installs. Its version follows.
const integrationPipeline = "logs-aws.cloudtrail-"

// checkRaw says what is in the way of the cluster's own mapping.
func (o *Output) checkRaw(found target, name string) error {
	if !o.conf.Raw || o.conf.Pipeline != "" {
		return nil
	}
	if found.ours || strings.HasPrefix(found.template, managedBy+"-") {
		return fatalf("raw is on, but %q belongs to index template %q of Trailbeat, which has no pipeline: delete that template and roll the data stream over, "+
			"choose another data_stream.namespace, or name the pipeline in output.elasticsearch.pipeline (of Elastic's integration: %sVERSION)", name, found.template, integrationPipeline)
	}
	return nil
}
