// Package aws is what all AWS inputs share: one block of options, the clients made of it, errors that say how they are
// mended, and the names of things (ARNs, queue URLs).
//
// A Session belongs to one configured input. It has its own credentials, connections and retries, so that one input with
// bad credentials does not stop another. It is safe for concurrent use.
//
// # Credentials
//
// The first of these that is configured is where credentials come from: static keys, a profile, a web identity, and else the
// SDK's own chain (environment, shared files, containers, instance metadata). On top of it role_arn is assumed, then the
// roles of role_chain in their order. All of them are fetched anew before they expire.
//
// # Endpoints
//
// The option endpoint, then the variables AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL_SQS and so on, then AWS_ENDPOINT_URL, then
// that of AWS for the region.
package aws
