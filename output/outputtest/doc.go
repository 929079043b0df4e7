// Package outputtest holds what every output is tested with, and the outputs that the tests of the flow run against.
//
// [Run] is the contract suite: an output that passes it keeps the promises of [output.Output]. An output's own tests
// hand it a [Harness] and add only what is particular to that output.
//
// [Memory] is an output that keeps documents in memory. [Chaos] puts faults before any output: refused batches,
// answers that get lost after the documents were stored, verdicts on single documents. [CheckDelivered] is the invariant
// of at-least-once delivery: every document is stored or dead-lettered, none is lost, none is there twice.
//
// The package is for tests only. Everything in it is safe for concurrent use unless it says otherwise.
package outputtest
