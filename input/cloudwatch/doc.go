// Package cloudwatch is the input that reads the log groups that CloudTrail writes to, with FilterLogEvents.
//
// Each log event holds one record. A record that is cut off or no JSON object is handed out with its Fault, so that it ends in
// the dead letters with the reason.
//
// # What is read, and when
//
// Each log group has its own passes. A pass reads everything between what is settled and the moment it began (less latency). It
// goes window by window: a window ends where AWS says that there is no more, or earlier where it has grown large, and other
// log groups have their turn between two windows. Months of backlog so need no more memory than a minute.
//
// The time of a log event is that of the API call, and the event is visible minutes later: CloudTrail delivers within about 5
// minutes on average and promises nothing, so the overlap is three times that by default. FilterLogEvents selects by the
// time of the event only. So what a pass settles ends overlap before the pass began; what lies behind that is read again by the next pass.
// Events that were handed out are known by a hash of their event id and fall out. With latency reading stays behind by so
// much, which delays everything; overlap delays nothing.
//
// The ingestion time cannot be asked for, and the lastIngestionTime of log streams is up to an hour behind, so neither can replace the
// overlap. But each event tells how long it took: where events come later than half of overlap, the overlap grows to
// twice the longest time seen in the last one to two hours, up to overlap_max. Events that come later still are not found;
// for them there is S3.
//
// A pass costs as many calls as the overlap has pages (10,000 events or 1 MiB). A busy log group makes its own passes longer,
// so that the cost stays within the quota.
//
// # What is remembered
//
// The checkpoint of a log group is the time up to which it is settled and delivered. It moves when all batches of a window and of those before
// it are acknowledged with nil, and is on disk before Ack returns. When a batch comes back, reading stops until the others have come back
// or are acknowledged, and goes on at the checkpoint.
//
// A log group with a checkpoint goes on there, whatever start_position says. That is about log groups without one: Beats reads everything
// again after each restart with beginning, and leaves a gap with end. Removing the checkpoint begins anew. The names of log streams are a
// part of its key, as nothing was read of those that are added.
//
// Close leaves the hashes of the newest events of the overlap in the registry, so after an orderly stop nothing comes again. After a kill
// the windows under way and the overlap come again, and are duplicates by their document ids. The same is true of two shippers
// that read one log group: they do the work twice, and no harm.
//
// # Faults
//
// A window that fails is never skipped. What passes by itself is tried again, then the log group waits for 10 seconds up
// to 10 minutes and goes on behind the last event that was handed out. Read tells of it once; the other log groups go on. When AWS
// no longer takes a page token, the window begins again behind the last event too. This relies on the order by time
// that AWS promises. Where events come in another order, the window is read to its end in one go, or again from its start.
//
// # The quota
//
// AWS allows 5 calls a second for each account and region, and others use them too. All inputs of a process share one
// limiter for each account and region (Limits): api_sleep is the least pause between two calls; each refusal doubles the pause,
// and good calls shorten it little by little.
//
// # Memory
//
// Batches in flight times batch size, one page for each worker, and up to seen_max hashes for each log group.
package cloudwatch
