package main

import (
	"github.com/trailbeat/trailbeat/internal/app"
)

// The options of Filebeat that have no effect here, each with the reason. A configuration that was written for Filebeat runs
// with a warning for each of them. What would change which records are read, or what is stored of them, is refused instead.

// foreignTop stand at the top of a configuration.
func foreignTop() []app.Foreign {
	return []app.Foreign{
		{Option: "queue", Why: "nothing is queued: a batch is acknowledged to its source when it is durable in the output"},
		{Option: "setup.ilm", Why: "documents go to a data stream, whose lifecycle is in its template: setup.template.lifecycle"},
		{Option: "setup.kibana", Why: "no dashboards are installed; those of Elastic's AWS integration fit the documents"},
		{Option: "setup.dashboards", Why: "no dashboards are installed; those of Elastic's AWS integration fit the documents"},
		{Option: "filebeat.config.modules", Why: "modules are not loaded from other files; give the file of the module aws with -c too"},
		{Option: "filebeat.config.inputs", Why: "inputs are not loaded from other files while running; give the files with -c",
			Refuse: refuseEnabled("inputs in other files are not loaded; put them into trailbeat.inputs, or give the files with -c")},
		{Option: "filebeat.modules", Why: "the list is empty",
			Refuse: refuseSet(`must be a list of modules, of which the fileset cloudtrail of aws is read: "- module: aws" with cloudtrail and its var.* below it`)},
		{Option: "filebeat.autodiscover", Why: "it is empty", Refuse: refuseSet("inputs are not found by themselves; list them in trailbeat.inputs")},
		{Option: "filebeat.registry", Why: "checkpoints are in one file below path.data, and each is on disk at once"},
		{Option: "filebeat.overwrite_pipelines", Why: "the mapping is done here, so no pipelines are installed"},
		{Option: "http.named_pipe", Why: "there are no named pipes; http.host takes an address, or a socket as unix:///path"},
		{Option: "http.pprof.block_profile_rate", Why: "the profile of blocking is off"},
		{Option: "http.pprof.mutex_profile_rate", Why: "the profile of mutexes is off"},
		{Option: "http.pprof.mem_profile_rate", Why: "the rate of the memory profile is that of Go"},
		{Option: "monitoring", Why: "metrics are not sent to a cluster; http.enabled serves them at /stats and /metrics"},
		{Option: "instrumentation", Why: "there is no tracing"},
		{Option: "features", Why: "there are no feature switches"},
		{Option: "migration", Why: "there is nothing to migrate"},
		{Option: "max_procs", Why: "set the environment variable GOMAXPROCS"},
		{Option: "logging.files.path", Why: "the log is in path.logs"},
		{Option: "logging.files.name", Why: "the log is trailbeat.log in path.logs"},
		{Option: "logging.files.permissions", Why: "only the user of the process may read the log"},
		{Option: "logging.files.interval", Why: "a log file is put aside by its size: logging.files.rotateeverybytes"},
		{Option: "logging.files.rotateonstartup", Why: "a start goes on with the log file that is there"},
		{Option: "logging.files.redirect_stderr", Why: "a crash is told on stderr, which the service manager keeps"},
		{Option: "logging.selectors", Why: "the log is not divided; set logging.level"},
		{Option: "logging.metrics", Why: "metrics are not logged; the accounting is printed at the end and on SIGUSR1"},
		{Option: "logging.event_data", Why: "no event is ever logged; what cannot be indexed goes to dead_letter.path"},
		{Option: "logging.to_stderr", Why: "that is the default; logging.to_files changes it"},
		{Option: "logging.to_syslog", Why: "the log goes to stderr, which service managers take to syslog"},
	}
}

// foreignInput are those of every input.
func foreignInput() []app.Foreign {
	return []app.Foreign{
		{Option: "pipeline", Why: "the mapping is done here; for a pipeline of yours there is output.elasticsearch.pipeline"},
		{Option: "index", Why: "documents go to the data stream logs-DATASET-NAMESPACE; set data_stream.dataset and data_stream.namespace"},
		{Option: "keep_null", Why: "what is absent is never written, as in Elastic's integration"},
		{Option: "publisher_pipeline", Why: "fields about this machine are never added"},
	}
}

// foreignSSL are those of the group ssl, of inputs and outputs.
func foreignSSL() []app.Foreign {
	return []app.Foreign{
		{Option: "ssl.cipher_suites", Why: "the suites are those of Go, which has no weak ones among them"},
		{Option: "ssl.curve_types", Why: "the curves are those of Go, which has no weak ones among them"},
		{Option: "ssl.renegotiation", Why: "no connection is renegotiated, as by default in Filebeat",
			Refuse: refuseOther("never", "no connection is renegotiated; remove it, and let the server ask for the certificate at once")},
	}
}

const (
	whyText = "it is for lines of text; CloudTrail's files are recognised by their content"
	whyCut  = "records are never cut; max_record_bytes bounds them"
)

// foreignObjects are those of inputs that read objects: how they are read is known.
func foreignObjects() []app.Foreign {
	reader := []app.Foreign{
		{Option: "expand_event_list_from_field", Why: "the list Records is found by itself", Refuse: refuseOther("Records",
			"only Records is possible, as CloudTrail's files are recognised by their content; remove it")},
		{Option: "content_type", Why: "objects are recognised by their content, whatever their header says"},
		{Option: "encoding", Why: "JSON is always UTF-8"},
		{Option: "buffer_size", Why: whyText},
		{Option: "max_bytes", Why: whyCut},
		{Option: "line_terminator", Why: whyText},
		{Option: "parsers", Why: whyText},
		{Option: "multiline", Why: whyText},
		{Option: "decoding", Why: "CloudTrail writes JSON; there are no CSV or Parquet files of it",
			Refuse: refuseEnabled("CloudTrail's files are JSON, and other formats are not read; remove it")},
	}
	list := append(foreignInput(), foreignSSL()...)
	list = append(list, reader...)
	for _, f := range reader {
		f.Option = "file_selectors.*." + f.Option
		list = append(list, f)
	}
	return append(list, app.Foreign{Option: "provider", Why: "the endpoint says which store it is"})
}

// foreignQueue are those of aws-s3 with queue_url.
func foreignQueue() []app.Foreign {
	const polling = "it is for buckets that are listed; objects come from the queue here"
	const noBackup = "objects are copied only where the bucket is listed (bucket_arn); remove it, or let S3 replicate the bucket"
	return append(foreignObjects(),
		app.Foreign{Option: "sqs.notification_parsing_script", Why: "all shapes of notifications (S3, SNS, EventBridge, CloudTrail) are read without a script"},
		app.Foreign{Option: "bucket_list_interval", Why: polling},
		app.Foreign{Option: "bucket_list_prefix", Why: polling},
		app.Foreign{Option: "start_timestamp", Why: polling},
		app.Foreign{Option: "ignore_older", Why: polling},
		app.Foreign{Option: "lexicographical_ordering", Why: polling},
		app.Foreign{Option: "lexicographical_lookback_keys", Why: polling},
		app.Foreign{Option: "backup_to_bucket_arn", Why: "it is empty", Refuse: refuseSet(noBackup)},
		app.Foreign{Option: "non_aws_backup_to_bucket_name", Why: "it is empty", Refuse: refuseSet(noBackup)},
		app.Foreign{Option: "backup_to_bucket_prefix", Why: "nothing is copied"},
		app.Foreign{Option: "delete_after_backup", Why: "nothing is copied, so nothing is deleted"},
	)
}

// foreignBucket are those of aws-s3 with a bucket.
func foreignBucket() []app.Foreign {
	const queue = "it is for queue_url; the bucket is listed here"
	return append(foreignObjects(),
		app.Foreign{Option: "sqs", Why: queue},
		app.Foreign{Option: "visibility_timeout", Why: queue},
		app.Foreign{Option: "max_number_of_messages", Why: queue},
	)
}

// foreignElasticsearch are those of output.elasticsearch.
func foreignElasticsearch() []app.Foreign {
	return append(foreignSSL(), []app.Foreign{
		{Option: "preset", Why: "there is one set of defaults; set bulk_max_size, worker and compression_level one by one"},
		{Option: "max_retries", Why: "what may succeed later is tried again for ever, as in Filebeat"},
		{Option: "escape_html", Why: "JSON is written without it, which is the same text"},
		{Option: "queue", Why: "nothing is queued: a batch is acknowledged to its source when it is durable in the output"},
		{Option: "non_indexable_policy", Why: "what cannot be indexed goes to dead_letter.path, and is sent again by \"trailbeat replay\""},
		{Option: "indices", Why: "the list is empty", Refuse: refuseSet("all documents go to one data stream; set data_stream.dataset and data_stream.namespace, or index")},
		{Option: "pipelines", Why: "the list is empty", Refuse: refuseSet("one pipeline can be named for all documents: pipeline")},
		{Option: "kerberos", Why: "it is not enabled", Refuse: refuseEnabled("there is no Kerberos; use username and password, api_key or a client certificate")},
	}...)
}

// refuseSet refuses everything but an empty value.
func refuseSet(instead string) func(any) string {
	return func(value any) string {
		switch v := value.(type) {
		case nil:
			return ""
		case string:
			if v == "" {
				return ""
			}
		case []any:
			if len(v) == 0 {
				return ""
			}
		case map[string]any:
			if len(v) == 0 {
				return ""
			}
		}
		return instead
	}
}

// refuseOther refuses everything but an empty value and this one.
func refuseOther(only, instead string) func(any) string {
	return func(value any) string {
		if value == nil || value == "" || value == only {
			return ""
		}
		return instead
	}
}

// refuseEnabled refuses a group unless all that it holds is empty or says "enabled: false".
func refuseEnabled(instead string) func(any) string {
	return func(value any) string {
		if disabled(value) {
			return ""
		}
		return instead
	}
}

func disabled(value any) bool {
	group, ok := value.(map[string]any)
	if !ok {
		return value == nil
	}
	if enabled, set := group["enabled"]; set {
		return enabled == false
	}
	for _, inner := range group {
		if !disabled(inner) {
			return false
		}
	}
	return true
}

// foreignProcessors are the processors of Beats that are not here, with what to do instead.
func foreignProcessors() []app.Foreign {
	const decoded = "the mapping reads the records itself"
	refused := func(why string) func(any) string { return func(any) string { return why } }
	list := []app.Foreign{
		{Option: "add_docker_metadata", Why: "documents say nothing about containers of the machine that ships them"},
		{Option: "add_kubernetes_metadata", Why: "documents say nothing about pods of the machine that ships them"},
		{Option: "add_process_metadata", Why: "CloudTrail records name no process"},
		{Option: "add_id", Why: "the _id follows from the event, so that what is delivered twice is stored once"},
		{Option: "decode_json_fields", Why: decoded},
		{Option: "decode_json", Why: decoded},
		{Option: "timestamp", Why: "@timestamp is the eventTime of the record"},
		{Option: "now", Why: "event.ingested says when a document was made"},
	}
	const elsewhere = "; remove it, or do the same in an ingest pipeline of yours: output.elasticsearch.pipeline"
	for _, name := range []string{
		"add_formatted_index", "add_locale", "add_nomad_metadata", "add_cloudfoundry_metadata", "add_network_direction", "add_observer_metadata",
		"append", "cache", "community_id", "convert", "decode_base64_field", "decode_cef", "decode_csv_fields", "decode_duration",
		"decode_xml", "decode_xml_wineventlog", "decompress_gzip_field", "detect_mime_type", "dissect", "dns", "extract_array", "extract_field",
		"include_events", "lowercase", "move_fields", "parse_aws_vpc_flow_log", "rate_limit", "registered_domain", "replace", "script", "syslog",
		"translate_ldap_attribute", "translate_sid", "uppercase", "urldecode",
	} {
		list = append(list, app.Foreign{Option: name, Refuse: refused("this processor of Beats is not here" + elsewhere)})
	}
	return list
}
