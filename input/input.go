// Package input is the contract between the sources of CloudTrail records and the flow that ships them.
//
// An Input hands out batches of raw records. Nothing that it has handed out counts as read until the batch was
// acknowledged with nil: only then may the input move a cursor, delete a message or mark a file as done. The packages
// below this one (file and, later, the AWS sources) implement it, and inputtest is the suite that each of them passes.
//
// Inputs know nothing of the mapping and nothing of the outputs.
package input

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Input is a source of CloudTrail records.
//
// Read is called by one goroutine and blocks until it has a batch. io.EOF says that the source is exhausted and ends
// the run of this input; ctx.Err() comes back when ctx ended. Any other error is a fault of the source that has
// already been told apart from a passing one (passing ones are retried inside Read): the flow logs it and calls Read
// again, unless it is a *FatalError.
//
// Acks of earlier batches come later, from any goroutine, in any order. Close is called once, after the last ack, and
// releases what the input holds. After Close, Read must not be called.
type Input interface {
	Read(ctx context.Context) (*Batch, error)
	Close() error
}

// Batch is a unit of delivery. It has one owner at a time: the input that made it, then the flow, and after Ack nobody.
// The raw bytes of its records stay valid until Ack returns and must not be changed.
type Batch struct {
	// Records, in the order of the source. Never empty.
	Records []Record
	// Ack is called exactly once. nil means that every record is durable: indexed, already there, dead-lettered or
	// filtered on purpose. An error means that the batch was not delivered: the input releases its lease and does not
	// advance, so that the records come again. Safe from any goroutine.
	Ack func(error)
}

// Record is one CloudTrail record as it stood in its source, not re-serialised.
type Record struct {
	// Raw holds the bytes of one JSON value: an element of "Records", one line of NDJSON, one digest file, one log event.
	// It need not be valid JSON; what is not becomes a document that says so.
	Raw []byte
	// Origin says where it came from. Shared by all records of one object, read only.
	Origin *Origin
	// Index is the position of the record within its object, from 0.
	Index int64
	// Offset is the byte at which the record starts within the unpacked object.
	Offset int64
	// SourceID is the source's own identifier of the record where it has one (the eventId of CloudWatch Logs), else empty.
	SourceID string
	// Created is when the source says that it took the record in. Zero when it does not say.
	Created time.Time
	// Fault says why the record cannot be what its source once took in ("truncated at byte 262144"). The flow dead-letters such
	// a record with this as the reason and does not map it; Raw is what is left of it. Empty for a record without a known fault.
	Fault string
}

// Origin describes the object (file, S3 object, log stream, message) that records came from. Members that do not apply
// are empty.
type Origin struct {
	// InputID is the id of the configured input, InputType its type as in the configuration ("file", "aws-s3", ...).
	InputID, InputType string
	// Path is what log.file.path says: a file name, or the URL of an S3 object.
	Path string
	// Bucket, BucketARN, Key, Region and Metadata describe an S3 object; Region is also that of a log group.
	Bucket, BucketARN, Key, Region string
	// Metadata is a JSON object of the S3 metadata that the configuration asks for.
	Metadata json.RawMessage
	// LogGroup and LogStream are those of CloudWatch Logs.
	LogGroup, LogStream string
}

// Store keeps the checkpoints of inputs. A nil error from Put or Delete means that the change survives a crash.
// Values are JSON. Keys are chosen by the input and scoped by its id, so inputs never see each other's. Safe for
// concurrent use.
type Store interface {
	// Get decodes the value of key into v. It reports false, and leaves v alone, where there is none.
	Get(key string, v any) (bool, error)
	Put(key string, v any) error
	Delete(key string) error
	// Each calls fn for every key with the prefix, in the order of the keys, until fn returns an error.
	Each(prefix string, fn func(key string, value json.RawMessage) error) error
}

// FatalError is an error of Read or of a constructor that will not pass by itself: the run must stop.
type FatalError struct{ Err error }

func (e *FatalError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *FatalError) Unwrap() error { return e.Err }

// IsFatal reports whether err, or what it wraps, is a *FatalError.
func IsFatal(err error) bool {
	var fatal *FatalError
	return errors.As(err, &fatal)
}
