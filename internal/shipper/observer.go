package shipper

import (
	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/output"
)

// Observer is told what passes. It watches and decides nothing: counts that must balance are those of Accounting.
//
// The flow waits for each call, so all of them must be quick; they are per batch, never per record. What they are given is
// valid until they return and must not be changed. Safe for concurrent use.
type Observer interface {
	// Received is called with each batch that an input hands out, by the goroutine that reads that input.
	Received(src *Source, batch *input.Batch)
	// ReadFailed is called with each error of Read that the input survives.
	ReadFailed(src *Source, err error)
	// Ended is called once when an input is exhausted (nil) or failed for good. It is not called where the run ends first.
	Ended(src *Source, err error)
	// Written is called by a worker when the output has said what became of the documents of a batch, or a part of one.
	// refused names those that it did not take, nil: all are durable.
	Written(src *Source, events []*ecs.Event, res output.Result, refused *output.BatchError)
}

// unobserved stands for no Observer.
type unobserved struct{}

func (unobserved) Received(*Source, *input.Batch) {}

func (unobserved) ReadFailed(*Source, error) {}

func (unobserved) Ended(*Source, error) {}

func (unobserved) Written(*Source, []*ecs.Event, output.Result, *output.BatchError) {}
