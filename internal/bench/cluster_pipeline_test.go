package bench

import "strings"

// clusterIndex is the same for all kinds of documents: texts are keywords, event.original is only kept.
const clusterIndex = `{
	"settings": {"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1", "mapping.total_fields.limit": 3000},
	"mappings": {
		"dynamic_templates": [
			{"flattened": {"path_match": "aws.cloudtrail.flattened.*", "match_mapping_type": "object", "mapping": {"type": "flat_object"}}},
			{"texts": {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}}}
		],
		"date_detection": false,
		"properties": {
			"@timestamp": {"type": "date"},
			"event": {"properties": {"original": {"type": "keyword", "index": false, "doc_values": false}}},
			"source": {"properties": {"ip": {"type": "ip"}, "geo": {"properties": {"location": {"type": "geo_point"}}}}}
		}
	}
}`

// ingestPipeline maps a record as one would write it for the cluster: the yardstick's 40 fields, and what user_agent and
// geoip add.
var ingestPipeline = strings.NewReplacer("MOVES", moves(), "\n", " ", "\t", "").Replace(`{
	"processors": [
		{"json": {"field": "message", "target_field": "json"}},
		{"rename": {"field": "message", "target_field": "event.original"}},
		{"date": {"field": "json.eventTime", "formats": ["ISO8601"], "target_field": "@timestamp"}},
		{"set": {"field": "event.kind", "value": "event"}},
		{"set": {"field": "cloud.provider", "value": "aws"}},
		{"date": {"if": "ctx.json?.userIdentity?.sessionContext?.attributes?.creationDate != null", "field": "json.userIdentity.sessionContext.attributes.creationDate",
			"formats": ["ISO8601"], "target_field": "aws.cloudtrail.user_identity.session_context.creation_date"}},
		{"script": {"lang": "painless", "source": "
			def r = ctx.json;
			boolean failed = r.errorCode != null || r.errorMessage != null;
			ctx.event.outcome = failed ? 'failure' : 'success';
			if (r.eventSource != null && r.eventSource.endsWith('.amazonaws.com')) {
				ctx.cloud.service = new HashMap();
				ctx.cloud.service.name = r.eventSource.substring(0, r.eventSource.length() - 14);
			}
			if (r.managementEvent != null) { r.managementEvent = r.managementEvent.toString(); }
			def who = r.userIdentity;
			if (who != null) {
				if ((who.type == 'AssumedRole' || who.type == 'FederatedUser') && who.sessionContext?.sessionIssuer?.userName != null) {
					who.userName = who.sessionContext.sessionIssuer.userName;
				}
			}
			def account = who?.accountId != null ? who.accountId : r.recipientAccountId;
			if (account != null) { ctx.cloud.account = new HashMap(); ctx.cloud.account.id = account; }
			def from = r.sourceIPAddress;
			if (from != null) {
				ctx.source = new HashMap();
				ctx.source.address = from;
				if (from.indexOf(':') >= 0 || from ==~ /[0-9.]+/) { ctx.source.ip = from; }
			}
		"}},
		MOVES
		{"user_agent": {"field": "json.userAgent", "target_field": "user_agent", "ignore_missing": true}},
		{"geoip": {"field": "source.ip", "target_field": "source.geo", "ignore_missing": true}},
		{"geoip": {"field": "source.ip", "target_field": "source.as", "database_file": "GeoLite2-ASN.mmdb", "ignore_missing": true, "properties": ["asn", "organization_name"]}},
		{"rename": {"field": "source.as.asn", "target_field": "source.as.number", "ignore_missing": true}},
		{"rename": {"field": "source.as.organization_name", "target_field": "source.as.organization.name", "ignore_missing": true}},
		{"remove": {"field": "json"}}
	]
}`)

// moves are the fields that only get another name.
func moves() string {
	var b strings.Builder
	for _, m := range [][2]string{
		{"eventName", "event.action"}, {"eventSource", "event.provider"}, {"eventID", "event.id"}, {"awsRegion", "cloud.region"},
		{"userIdentity.principalId", "user.id"}, {"userIdentity.userName", "user.name"},
		{"tlsDetails.cipherSuite", "tls.cipher"}, {"tlsDetails.clientProvidedHostHeader", "tls.client.server_name"},
		{"eventVersion", "aws.cloudtrail.event_version"}, {"eventType", "aws.cloudtrail.event_type"}, {"eventCategory", "aws.cloudtrail.event_category"},
		{"requestID", "aws.cloudtrail.request_id"}, {"recipientAccountId", "aws.cloudtrail.recipient_account_id"},
		{"sharedEventID", "aws.cloudtrail.shared_event_id"}, {"vpcEndpointId", "aws.cloudtrail.vpc_endpoint_id"},
		{"errorCode", "aws.cloudtrail.error_code"}, {"errorMessage", "aws.cloudtrail.error_message"},
		{"sessionCredentialFromConsole", "aws.cloudtrail.session_credential_from_console"},
		{"readOnly", "aws.cloudtrail.read_only"}, {"managementEvent", "aws.cloudtrail.management_event"},
		{"userIdentity.type", "aws.cloudtrail.user_identity.type"}, {"userIdentity.arn", "aws.cloudtrail.user_identity.arn"},
		{"userIdentity.accessKeyId", "aws.cloudtrail.user_identity.access_key_id"}, {"userIdentity.invokedBy", "aws.cloudtrail.user_identity.invoked_by"},
		{"userIdentity.sessionContext.attributes.mfaAuthenticated", "aws.cloudtrail.user_identity.session_context.mfa_authenticated"},
		{"userIdentity.sessionContext.sessionIssuer.type", "aws.cloudtrail.user_identity.session_context.session_issuer.type"},
		{"userIdentity.sessionContext.sessionIssuer.principalId", "aws.cloudtrail.user_identity.session_context.session_issuer.principal_id"},
		{"userIdentity.sessionContext.sessionIssuer.arn", "aws.cloudtrail.user_identity.session_context.session_issuer.arn"},
		{"userIdentity.sessionContext.sessionIssuer.accountId", "aws.cloudtrail.user_identity.session_context.session_issuer.account_id"},
	} {
		b.WriteString(`{"rename": {"field": "json.` + m[0] + `", "target_field": "` + m[1] + `", "ignore_missing": true}},`)
	}
	return b.String()
}
