// Package file writes documents to files, one JSON document a line (NDJSON), plain or as gzip.
//
// The files lie in one directory and are named FILENAME-YYYYMMDD-NNNN.ndjson, with .gz behind it for gzip: the day (UTC)
// that the file was begun and a number. In the order of their names they are in the order of writing. A new file begins
// when the size limit is reached, and with every start unless rotate_on_startup is off.
//
// # Durability
//
// A Write is flushed to the disk before it returns, so a nil error means that the documents survive the loss of power.
// With gzip each Write is a gzip member of its own; members one behind the other are a valid gzip file. Larger batches
// make smaller files.
//
// When a Write fails (the disk is full, say), the file is cut back to where it began: what is in the files are whole
// batches, and the batch can be sent again. When the program or the machine dies within a Write, the next start cuts the
// newest file back to its last whole line or member, and says so in the log. The batch of that Write was not acknowledged
// and comes again. With plain files those of its lines that were whole are then there twice.
//
// # Duplicates
//
// This output does not know what it wrote before. An event that is sent again is written again, and nothing is ever
// counted as a duplicate. With metadata each line has its _id, by which a reader can tell.
//
// One process writes to a directory and filename at a time; a lock file makes sure of that.
package file
