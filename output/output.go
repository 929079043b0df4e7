// Package output is the contract between the flow and the places that documents are stored in.
//
// The packages below this one implement it (elasticsearch, sqlite, file, console), and outputtest is the suite that each
// of them passes. Outputs know nothing of the inputs and nothing of the mapping.
package output

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
)

// Output stores documents.
//
// Write returns a nil error when every event is durable: stored, or already there. A *BatchError names the events that
// failed; all others are durable. Any other error says nothing about any event: the batch is sent again whole, or, where
// the error is a *FatalError (wrong credentials, a missing template), the run stops. It never floods the dead letters.
//
// Write is safe for concurrent use and keeps no reference to the events after it returned. Events are not changed.
// Close is called once, after the last Write.
type Output interface {
	Write(ctx context.Context, events []*ecs.Event) (Result, error)
	Close() error
}

// Result counts what became durable in one Write. With a nil error Stored + Duplicate is the number of events; with a
// *BatchError it is that number less the failures; with any other error it is zero.
type Result struct {
	// Stored documents were new.
	Stored int
	// Duplicate documents were there already under the same _id. They count as delivered.
	Duplicate int
}

// BatchError names the events of a Write that were not stored.
type BatchError struct {
	// Failures, by ascending Index. Never empty.
	Failures []Failure
}

func (e *BatchError) Error() string {
	first := e.Failures[0]
	if len(e.Failures) == 1 {
		return fmt.Sprintf("event %d: %s", first.Index, first.describe())
	}
	return fmt.Sprintf("%d events failed, the first of them event %d: %s", len(e.Failures), first.Index, first.describe())
}

// Failure is the verdict on one event.
type Failure struct {
	// Index of the event in the slice given to Write.
	Index int
	// Permanent says that sending the same document again cannot help: it belongs to the dead letters. Otherwise it is
	// to be sent again.
	Permanent bool
	// Status is the HTTP status of the document where there is one, else 0.
	Status int
	// Type and Reason are the words of the server ("document_parsing_exception", "failed to parse field ...").
	Type, Reason string
	// RetryAfter is the least time to wait before the next try. Zero where the server named none.
	RetryAfter time.Duration
}

func (f Failure) describe() string {
	switch {
	case f.Type == "":
		return f.Reason
	case f.Status == 0:
		return f.Type + ": " + f.Reason
	default:
		return fmt.Sprintf("%s (status %d): %s", f.Type, f.Status, f.Reason)
	}
}

// FatalError is an error that no retry mends: the run must stop, with nothing acknowledged.
type FatalError struct{ Err error }

func (e *FatalError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *FatalError) Unwrap() error { return e.Err }

// IsFatal reports whether err, or what it wraps, is a *FatalError.
func IsFatal(err error) bool {
	var fatal *FatalError
	return errors.As(err, &fatal)
}
