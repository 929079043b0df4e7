// Package sqs is the input of type aws-s3 that hears of objects through a queue, and takes records that stand in messages.
//
// # What is understood
//
// Notifications of S3, straight, through SNS (wrapped or raw) and through EventBridge; CloudTrail's own SNS messages; the
// test messages of S3 and CloudTrail; EventBridge's events "via CloudTrail", which hold the record itself; and bodies that are a
// CloudTrail record, or a container of them. Everything else is told once a kind and counted, and never deleted: the queue's redrive
// policy decides.
//
// # When a message is deleted
//
// When every record of every object that it names is durable, and not before. Until then its visibility is extended. A message that
// failed is released, at once or after a pause that grows with the number of its receives. A crash releases it by itself. In
// each case it comes again, and its records have the same ids as before.
//
// # Flow
//
// One goroutine receives, never more messages than workers are idle. A worker reads what a message names and puts batches in a
// short queue, bounded in bytes. Read takes what is there and joins small batches to one. A worker that has put all of a message there is
// idle again, though the message waits for its acks; max_messages_in_flight bounds those.
package sqs
