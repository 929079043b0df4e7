// Package records cuts a stream into raw CloudTrail records, without parsing what stands in them.
//
// A Reader takes an io.Reader (plain or gzip, told apart by the first bytes; a gzip stream may have several members) and
// appends records to a Block: the bytes of each record as they stood in the source, the offset at which it starts in the
// unpacked data, and its index. Decompression writes straight into the block, so a record is copied only where it crosses
// from one block to the next, and a block that is used again allocates nothing.
//
// # Memory
//
// A Reader holds one record (Options.MaxRecordBytes at most) and a read buffer, whatever the size of the file. A longer
// record is an error that names its offset.
//
// # Layouts
//
// What the content is gets decided while reading, with nothing in memory but the record at hand:
//
//   - `{"Records":[...]}` is a container: its elements are the records. Other members, before or after, are skipped; those
//     before it count towards the limit of one record, because without "Records" the object would be one record. Containers
//     that follow each other, on one line or many, are all expanded. `"Records":null` is an empty container.
//   - `[...]` at the root is a container too.
//   - Any other object is one record: a single event, pretty-printed or not, or a digest file. `{}` is one record.
//   - Lines (NDJSON): each line is a record, whatever stands in it: not JSON, empty, or a container, which is then not
//     expanded. CR LF counts as one line end. The line end at the end of the file starts no further record; a last line
//     without one is a record.
//
// FormatLines says that the content is lines. FormatAuto finds lines by the first one: when it is a complete object
// without "Records" and another line with content follows, or when it starts with neither `{` nor `[`. Leading white
// space is skipped then; with FormatLines a blank first line is a record. A byte order mark is skipped in both.
//
// # Errors
//
// Everything complete before a fault is delivered first, then Fill and Next return an *Error, again and again. The
// grammar between the tokens of a container is checked, so that a record border is never mistaken; what stands inside a
// string is not, that is for the mapping. A complete container followed by something that is no JSON is an error too.
//
// A Reader is for one goroutine. Blocks do not know their Reader and may be released from any goroutine.
package records
