// Package logpoint translates log sources in the form of Logpoint's S3Fetcher, as its Director takes them, into sources of Trailbeat.
//
//	Source.interval           bucket_list_interval, in minutes
//	Source.timezone           of a Connector.filter_date that has none
//	Connector.endpoint_url    that of AWS itself: none; another: endpoint, path_style and non_aws_bucket_name
//	Connector.bucket_name     bucket_arn
//	Connector.region_name     region
//	Connector.filter_date     start_timestamp
//	Connector.access_key      access_key_id
//	Connector.secret_key      secret_access_key
//	Connector.enable_proxy    proxy_url, with ip, port and protocol
//	RoutingPolicy             rules of routing: a repo is the output of its name, or the data stream of that namespace
//	repos.retention           retention of the data stream
//	NormalizationPolicy       the ECS mapping
//	EnrichmentPolicy          names of management.enrichments
//
// Logpoint stores the raw message beside what it makes of it, so preserve_original_event is on, and a criterion that discards the raw
// message takes event.original away.
package logpoint
