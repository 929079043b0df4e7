// Package elasticsearch is the output for Elasticsearch and OpenSearch: bulk requests of action create into data streams.
//
// What it promises: every document of a Write gets a verdict of its own, and a document counts as delivered only when the
// server said so for exactly that document. An answer that cannot be matched with its request (cut off, a login page, too
// few items) proves nothing, and the documents of that request are sent again. Since the action is create and the _id is
// that of the event, sending again is harmless: what was there already is a duplicate.
//
// What it does not do: Write makes one attempt. Waiting and trying again is the task of a decorator around the output;
// Failure.RetryAfter and RequestError.RetryAfter tell it what the server asked for.
//
// Verdicts, by what the server said:
//
//	document 2xx                              stored
//	document 409 (version conflict)           duplicate, counts as delivered
//	document 429, 408, 5xx, blocked index     transient
//	document 401, security_exception, no such index, not a data stream, unknown pipeline    the run stops (FatalError)
//	document, any other 4xx                   permanent, with the server's type and reason
//	request 413                               split in halves; a lone document is permanent
//	request 400                               split likewise, to find the document that spoils it; see bulk.go
//	request 401, 403                          the run stops (FatalError)
//	request 404, 429, 5xx, no connection      transient, for all documents of the request
//
// A bulk request to a name that no data stream and no template stands for makes a plain index and reports success. So
// Elasticsearch is asked to refuse that (require_data_stream), and where a server cannot (OpenSearch, Elasticsearch before
// 8.13), the output looks before the first write to each name and reads from each answer which index took the document.
//
// The action create sees only the index that a data stream writes to now. What is kept from being stored again after a
// rollover, why that is exact, and what it costs, stands in rollover.go and in docs/elasticsearch.md.
//
// With the option raw the record is sent as it came, for a pipeline of the cluster to map. Scroll, Remove and SetupLetters
// are what dead letters in a data stream need.
//
// The flavour of the server is found out by itself. An Output is safe for concurrent use. Its cost is one pass over each
// document: the body is appended into a reused buffer, and the answer is read without building a tree of it.
package elasticsearch
