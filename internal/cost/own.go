package cost

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/processor"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

// own measures rules that were given.
type own struct {
	chain   *processor.Chain
	routing *routing.Table
	dropped map[*processor.Drop]*Amount
	kept    Amount
	streams map[direction]*Amount
}

// direction is where a document goes.
type direction struct{ output, stream string }

// verdict is what one's own rules made of an event.
type verdict struct {
	drop  *processor.Drop
	after int64 // bytes of the document that is left
	to    direction
}

// preserve is the tag that keeps event.original in documents.
const preserve = "preserve_original_event"

// judge lets the rules have the event, as a pipeline does. It is called without the lock.
func (o *own) judge(ev *ecs.Event, buf []byte) (verdict, []byte) {
	// The rules of a pipeline see the record, which goes afterwards if no tag keeps it.
	if ev.Event.Original == "" {
		ev.Event.Original = string(ev.Meta.Raw)
	}
	var err error
	if o.chain != nil {
		err = o.chain.Run(ev)
	}
	if err == nil {
		err = o.routing.Route(ev)
	}
	var v verdict
	if errors.As(err, &v.drop) {
		return v, buf
	}
	if !slices.Contains(ev.Tags, preserve) {
		ev.Event.Original = ""
	}
	buf = ev.AppendJSON(buf[:0])
	v.after = int64(len(buf))
	if err != nil {
		v.to.output = routing.DeadLetters
		return v, buf
	}
	ds := &ev.DataStream
	v.to = direction{cmp.Or(ev.Meta.Output, routing.Default), ds.Type + "-" + ds.Dataset + "-" + ds.Namespace}
	return v, buf
}

// maxStreams bounds the data streams that are told apart.
const maxStreams = 100

func (o *own) add(a Amount, v verdict) {
	if v.drop != nil {
		if o.dropped[v.drop] == nil {
			o.dropped[v.drop] = new(Amount)
		}
		o.dropped[v.drop].add(a)
		return
	}
	a.Document = v.after
	o.kept.add(a)
	sum := o.streams[v.to]
	if sum == nil {
		if len(o.streams) >= maxStreams {
			v.to = direction{v.to.output, "(others)"}
		}
		if sum = o.streams[v.to]; sum == nil {
			sum = new(Amount)
			o.streams[direction{strings.Clone(v.to.output), strings.Clone(v.to.stream)}] = sum
		}
	}
	sum.add(a)
}
