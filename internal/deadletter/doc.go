// Package deadletter keeps records that can never be indexed as they are, and sends them again once the cause was mended.
//
// Store is a file of JSON lines (NDJSON): one dead letter a line, readable with any tool. A nil error of Write means that
// the letters survive a crash. The same record is stored once, however often its source delivers it.
//
// Replay is an input.Input over that file, so that a replay runs through the same flow as everything else. It moves the
// file aside, and what is delivered is gone when the replay ends; what fails again is a new letter, and what was not
// delivered is put back. A crash at any moment loses nothing: the next replay finds the file that was moved aside. Letters
// that were delivered before the crash are sent again then, under the same _id.
//
// Several processes may use one file at the same time: a lock file beside it (PATH.lock) guards each change.
//
// Stream and StreamReplay are the same in a data stream of the cluster that documents go to.
package deadletter
