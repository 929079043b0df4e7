// Package sqlite stores documents in an SQLite database: the output for a machine without a search engine.
//
// The file is an ordinary SQLite database that any tool reads, also while Trailbeat writes:
//
//	sqlite3 trailbeat.db "select time, user, action, error_code from events where outcome = 'failure' order by time desc limit 20"
//
// The view events has one row for each document, with typed columns for what people ask for most and the whole document
// in the column document, for json_extract. Behind it stand three tables: documents (the JSON, keyed by data stream and
// _id, so that a duplicate is one), event_columns (the typed columns, narrow, so that a query over a million events
// reads some hundred bytes for each instead of whole documents) and data_streams (the names). A query that does not
// ask for the document never touches it. time, action, user and error_code are indexed. The tables may change
// with a later version; the columns of the view stay.
//
// # Durability and concurrency
//
// A Write is one transaction in the write-ahead log with synchronous=FULL (and a full flush on macOS), so a nil error
// means that the documents survive the loss of power. Concurrent Writes share a transaction, and so one flush of the
// disk. One connection writes; readers, of this process or of others, neither block it nor wait for it. A second process
// may write to the same file: the two take turns, waiting at most busy_timeout.
//
// # Errors
//
// A full disk, a locked database and a failing device are passing errors about the whole batch: nothing of it was
// stored, and it can be sent again. A database that is damaged, read-only, not a database or of a newer version is a
// [output.FatalError]. A document above 512 MiB is a permanent failure of its own.
//
// # Cost
//
// A Write, encoding and typed columns included, reaches between 0.73 and 1.1 of what a bare prepared insert of the same bytes
// into one keyed table does for the same processor time (BenchmarkWrite measures both in turns). The connection that
// writes calls SQLite past its driver, which makes the difference: see lib.go. It slows as the file grows, as every _id falls on
// another page of its index: large batches help. The file takes about a third more than the documents, and the log
// beside it up to 128 MiB.
package sqlite
