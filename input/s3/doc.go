// Package s3 is the input that reads the CloudTrail files of a bucket by listing it.
//
// # CloudTrail's layout
//
// Below a folder AWSLogs/, wherever it is in the bucket, CloudTrail writes
// [ORGANISATION/]ACCOUNT/KIND/REGION/YYYY/MM/DD/FILE. The input finds organisations, accounts, kinds and regions by
// listing folders: accounts with every pass, the rest every 15 minutes and for each new account at once. Each region has
// a cursor of its own. Keys there are in the order of time, so a pass lists from the cursor on, over all days in one go:
// one call for a folder in which nothing is new, whatever the age of the bucket. One folder with much to read does not
// hold up the others: folders take turns by pages of a listing, and a pass ends after bucket_list_interval and the next
// one goes on from there.
//
// # Files that come late
//
// Keys do not show up in their order, by minutes, and more where something is wrong on AWS's side or where a bucket is a
// replica. So the cursor of a folder stays behind the server's clock by Config.Lookback (a day). The files behind it
// that are done are remembered by 8 bytes each. Every pass lists the last hour before the newest file, and one pass in
// an hour lists all that is behind the cursor. A file that shows up later than its name says by the lookback at most is
// read, and read once; one that comes later is not found. A day costs little (a region with a file every minute: 15 KiB
// of state, and two calls for the look at all of it), and covers an outage of some hours; raise it for replicated buckets that lag.
// Folders whose names do not tell the time (digests: the name of the trail comes first) are handled by whole days.
//
// # Other layouts
//
// Where there is no AWSLogs/, keys are in no known order. Each pass then lists everything below the prefix, 1000 keys a
// call, and reads what is new by the time of its last change: what was changed before the last complete pass, less the
// lookback, is not looked at again, and the rest is remembered by 8 bytes each. This finds every object that becomes
// visible within the lookback after its last change (for a multipart upload S3 counts from its beginning), an
// overwritten one too. Where keys are written in their order, lexicographical_ordering lists behind the last of them
// only; a key that comes later than lexicographical_lookback_keys others behind it is not found.
//
// # What is promised
//
// An object is done when all of its records are acknowledged, and that is stored before anything is copied or deleted,
// and before the Ack returns. No cursor passes an object that is neither done nor remembered as failed, so a crash loses
// nothing. What was in flight then is read again from its start, under the same document ids.
//
// An object that cannot be fetched is tried again with the next pass, then with growing pauses up to an hour, for ever.
// One whose content is broken gives the records before the fault; it is read three times, and then again when its ETag
// changes. Read tells of each. Up to 1000 are remembered; beyond that nothing new is read before some are mended, and of
// those that rest the oldest is forgotten with an error in the log. With Once all of them are tried, whatever their
// pauses.
//
// State is scoped by the input's id and by the bucket. Two inputs on one bucket know nothing of each other, and each
// reads all of it; two processes with one id are kept apart by the registry's lock, unless they do not share it.
//
// # Several processes
//
// With Config.Lease processes with the same id share the folders of a bucket: each cursor, with the failures and chores of its folder, is in
// an object that only the holder of its lease can write (package lease). It is written within seconds of an acknowledgement, and
// before anything is deleted; what was not written when a process dies is read again by the next one. A flat bucket is one folder.
//
// # Memory
//
// The remembered objects, 16 to 50 bytes each; one page of a listing for each worker; and the batches in flight.
package s3
