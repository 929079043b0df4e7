package elasticsearch

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		name string
		item item
		want verdict
	}{
		{"created", item{status: 201}, stored},
		{"ok", item{status: 200}, stored},
		{"put into the failure store", item{status: 201, failureStore: true}, permanent},
		{"there already", item{status: 409, errType: "version_conflict_engine_exception"}, duplicate},
		{"another conflict", item{status: 409, errType: "resource_conflict"}, transient},
		{"queue full", item{status: 429, errType: "es_rejected_execution_exception"}, transient},
		{"queue full, OpenSearch", item{status: 429, errType: "rejected_execution_exception"}, transient},
		{"disk full", item{status: 429, errType: "cluster_block_exception"}, transient},
		{"circuit breaker", item{status: 429, errType: "circuit_breaking_exception"}, transient},
		{"no shard", item{status: 503, errType: "unavailable_shards_exception"}, transient},
		{"server error", item{status: 500, errType: "null_pointer_exception"}, transient},
		{"request timeout", item{status: 408}, transient},
		{"write block", item{status: 403, errType: "cluster_block_exception"}, transient},
		{"closed index", item{status: 400, errType: "index_closed_exception"}, transient},
		{"no room for a shard", item{status: 400, errType: "validation_exception",
			reason: "Validation Failed: 1: this action would add [2] shards, but this cluster currently has [1000]/[1000] maximum normal shards open;"}, transient},
		{"no rights", item{status: 403, errType: "security_exception"}, fatal},
		{"not logged in", item{status: 401}, fatal},
		{"no index", item{status: 404, errType: "index_not_found_exception"}, fatal},
		{"not a data stream", item{status: 404, errType: "resource_not_found_exception"}, fatal},
		{"no pipeline", item{status: 400, errType: "illegal_argument_exception", reason: "pipeline with id [x] does not exist"}, fatal},
		{"mapping", item{status: 400, errType: "document_parsing_exception"}, permanent},
		{"strict mapping", item{status: 400, errType: "strict_dynamic_mapping_exception"}, permanent},
		{"too many fields", item{status: 400, errType: "illegal_argument_exception", reason: "Limit of total fields [1000] has been exceeded"}, permanent},
		{"document too large", item{status: 413}, permanent},
	} {
		t.Run(test.name, func(t *testing.T) { assert.Equal(t, test.want, test.item.judge()) })
	}
}
