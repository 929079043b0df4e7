// Package shipper is the flow: it reads batches of raw records from inputs, maps them, writes the documents to an output,
// stores what can never be indexed as dead letters, and only then acknowledges the batch to its input.
//
//	Read -> one of N workers: map, Write, verdict per document, dead letters, Ack
//
// It knows the contracts (input.Input, output.Output, Processor, DeadLetters) and no component. Nothing is queued between
// an input and the output: each input has at most one batch that waits for a worker, and while all workers are busy (or
// wait for an output that is down) nobody calls Read. What a crash takes away was never acknowledged.
//
// Retry, circuit breaking and rate limiting are decorators of output.Output (Decorate). Without them a document that was
// refused for now is handed back to its source.
//
// Accounting counts every record once: received = indexed + duplicate + filtered + dead_lettered + in_flight + returned, at
// every moment.
//
// Cost: the events of a worker are reused, so in the steady state the flow itself allocates a handful of times per batch
// and never per record.
package shipper
