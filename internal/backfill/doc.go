// Package backfill reads the past of a trail: all files that CloudTrail delivered between two moments, over the accounts and regions of
// an organisation's tree.
//
// A Job plans first: it lists what is there, once, and keeps a count of objects and bytes for each folder and day. Then either an Input hands out the
// records, to the same flow as those of a live input and with the same document ids; or Send tells a queue of the objects, so that
// any number of shippers share them.
//
// # What is promised
//
// A day of a folder is done when everything in it is durable (or, with a queue, sent). Within a day a mark follows behind the last object
// before which all are done. Both are stored, so that a run that was killed goes on there; what was in flight comes again, under the
// same ids. Objects that cannot be read are remembered and tried first by the next run, and until then the job is not complete.
//
// # State
//
// Its own, in a store of its own: a live input is neither asked nor disturbed. It grows with folders and days (a few bytes for each day
// of a folder), not with objects.
//
// # Memory
//
// The plan, one page of a listing for each folder that is open, and the batches in flight.
package backfill
