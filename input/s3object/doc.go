// Package s3object reads one S3 object as batches of raw records, for the inputs that hear of objects or list them.
//
// A Reader belongs to one input; Open begins an object and gives an Object, whose Next hands out its batches. The acks of the
// batches meet in a counter, and when the last has come and reading is over, the function given to Open is called, once.
//
// # What it bears
//
// The object is read as a stream. A connection that breaks or stalls is opened again where it stopped, with the ETag of the
// first answer as a condition, so that two versions of an object are never mixed. What is gzip is told by its first bytes,
// whatever the headers say. A bucket in another region is found.
//
// # Faults
//
// What is complete before a fault is delivered first. A *ContentError says that the object itself is broken (a truncated gzip,
// broken JSON): reading it again will not help. Everything else is an *aws.Error and may pass.
//
// # Memory
//
// A batch owns its memory until its Ack. Beside that an object costs a read buffer and one record, whatever its size.
package s3object
