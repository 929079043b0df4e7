// Package file is the input that reads CloudTrail files from disk, and from standard input.
//
// # What is read
//
// Paths names files, folders (all levels; only names that end in .json, .ndjson, .jsonl or .log, with or without .gz, or in
// .gz), patterns (`*`, `?`, `[a-z]`, and `**` for any number of folders) and `-` for standard input. Every format that
// package records knows is read; names that end in .ndjson or .jsonl are lines. Pipes and other special files are read once, like
// standard input. Folders behind symbolic links are not entered, so that no ring is walked; linked files are read.
//
// # What is remembered
//
// Each file has one entry in the Store under its absolute path: size and time of change, the number of records that were
// acknowledged without a gap, and a hash of the last of them with its place. A file that is done and has its size and time is skipped
// without being opened. One that has changed is read on behind the last record, provided that this record still stands
// there, and from the start if not. In plain lines reading on means seeking; in other formats the records before are
// unpacked and skipped. A file that was renamed counts as new; its records have the same document ids as before.
//
// Progress moves only to the lowest batch that is not acknowledged, and is on disk before Ack returns. A batch acknowledged with an error
// stops the reading of its files; they are read on from there in the next scan.
//
// # Faults
//
// A truncated or broken file gives the records before the fault, then an error from Read that names file and byte. It is
// not done; it is tried again when it has changed (with Once: in the next run). Other files go on.
//
// # Memory
//
// Batches in flight times batch size, and the names of one folder at a time. Nothing is kept in memory per file.
package file
