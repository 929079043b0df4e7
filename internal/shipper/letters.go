package shipper

import (
	"context"
	"time"

	"github.com/trailbeat/trailbeat/input"
)

// DeadLetters stores records that can never be indexed as they are.
//
// Write returns nil when every letter is durable, or was there already: the same _id in the same data stream, or, without an
// _id, the same record from the same place. Any error says nothing about
// any of them: all are written again. Safe for concurrent use. The letters, and the bytes that they point to, are valid
// until Write returns.
type DeadLetters interface {
	Write(ctx context.Context, letters []Letter) error
}

// Letter is one dead letter: the record as it came, and why it could not be stored.
type Letter struct {
	// Time is when it was given up.
	Time time.Time
	// ID and Index are the _id and the data stream that the document would have had. ID is empty where the mapping did
	// not come as far as that.
	ID, Index string
	// InputID and InputType name the configured input that delivered the record in this run.
	InputID, InputType string
	// Type and Reason are the words of the server, or of the flow (TypePanic, TypeMapping, TypeDamaged), or of an error of the
	// Processor that has a method LetterType.
	Type, Reason string
	// Status is the HTTP status of the document, 0 where there is none.
	Status int
	// Record is the record with where it came from. Raw is exact.
	Record input.Record
	// Document is the JSON of the mapped document. Empty unless Options.KeepDocument asks for it.
	Document []byte
}

// The types of failures that the flow itself finds.
const (
	// TypePanic says that the mapping panicked on the record.
	TypePanic = "mapping_panic"
	// TypeMapping says that the mapping returned an error.
	TypeMapping = "mapping_error"
	// TypeDamaged says that the input knows the record to be damaged, and how.
	TypeDamaged = "damaged_record"
)
