// Package audit compares, event by event, what lies in the source with what lies in the output: is anything missing, is anything
// there twice, is anything there that the source does not have?
//
// An Audit is three steps. The source is read by an ordinary [shipper.Shipper] of which the output, the dead letters and the
// processors are those that the Audit gives (Output, DeadLetters, Processor): so what a filter takes out, where a document goes and
// which _id it has is decided by the very code that ships. Compare then asks the output for what it holds in the same range of
// @timestamp, and merges the two. What seems to be missing is asked for once more by its _id, whatever its time, before it counts as
// missing: so an event without a time, or one that was stored a moment ago, is not taken for missing. Only makes an input that hands
// out just the missing records, for a repair.
//
// # Keys
//
// Events are compared by 16 bytes: the _id of their document, which is 128 bits of a SHA-256 (package pipeline), or, where it is of
// another form, the first 128 bits of the SHA-256 of it. For a missing event to go unseen, its key would have to be that of another
// event. With n keys the odds of any such pair are n²/2¹²⁹: 1.5e-23 at a hundred million.
//
// # Memory and disk
//
// Keys go to runs on disk, sorted, and are merged from there, so memory does not grow with their number: 40 bytes for each of
// Options.BufferEntries (one million by default), and at most 32 MiB for the runs of one side while they are merged. On disk an event of the source takes
// 36 bytes and a document as much, in files that have no name, where the system allows that: they vanish with the process, however that
// ends.
//
// An Audit is for one goroutine, but for what it gives to the shipper.
package audit
