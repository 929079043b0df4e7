// Package eventhistory is the input that reads CloudTrail's event history with LookupEvents: the management events of the last 90 days,
// which every account has, with a trail or without.
//
// It is not a feed for large accounts: AWS answers two calls a second for each account and region, with 50 events each. Data
// events and those of network activity are not in the event history. A trail has them.
//
// Each event is the record as a trail delivers it, with the same eventID. So an account that gets a trail later has each event once.
//
// # What is read, and when
//
// Each region, category and lookup attribute is a stream of its own with two tracks. One follows: every scan_frequency it looks at what came since
// the look before, and lookback further, since CloudTrail shows events minutes after they happened, about 5 on average, and promises
// nothing. The other one fills in the past, from its oldest end, as that is what the event history forgets next. Both have their
// turns, so neither waits for the other. A stretch of time that passed while nothing ran becomes a part of the past.
//
// AWS gives the newest events first. The past is read in windows, each from its new end to its old one, and what of it is left to be read
// is a checkpoint after each batch: a process that is killed reads again what was in flight, not the window.
//
// The events of the lookback are known by their eventID and are not handed out again. Where events are seen to come later than half of
// lookback, it grows to twice the longest delay seen in the last one to two hours, up to lookback_max. What comes later still is not
// found.
//
// # What is remembered
//
// The checkpoint of a stream says which stretches of the past are left, and up to when everything is delivered that came since. It moves when all
// batches before it are acknowledged with nil, and is on disk before Ack returns. When a batch comes back, reading stops until all others are
// back or acknowledged, and goes on at the checkpoint. After a kill the lookback comes again, and is duplicates by the document ids. A
// checkpoint of another account is not used.
//
// # Regions
//
// Event history is kept by region. Without the option regions the account is asked for those that are enabled, when the input starts and once an
// hour. Where that is not allowed, the regions that every account has are read, and the error is told.
//
// # Faults
//
// A window that fails is never skipped. What passes by itself is tried again; then the stream waits for 10 seconds up to 10 minutes, and the
// others go on. When AWS no longer takes a page token, the window goes on at the oldest event that was handed out. This relies on
// the order by time that AWS promises; where events come in another order, a window counts when it was read to its end.
//
// # The quota
//
// All inputs of a process share one limiter for each account and region (Limits): api_sleep is the least pause between two calls;
// each refusal doubles the pause, and good calls shorten it little by little.
//
// # Memory
//
// Batches in flight times batch size, one page of 50 events for each worker, and up to seen_max hashes for each stream.
package eventhistory
