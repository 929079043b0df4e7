// Package cloudtrail maps one CloudTrail record to the document that Elastic's CloudTrail integration (package aws 8.9.0)
// makes of it: identity, categories, entities, the string forms of the parameters as Java prints them, digest and insight
// records, and the documents of kind pipeline_error for what cannot be mapped.
//
// It is the core of package pipeline, which most programs use instead: pipeline adds the parsing of user agents, geo data
// and filters. A Mapper is not safe for concurrent use; it is meant to be reused, and allocates nothing in steady state.
package cloudtrail
