package app

import (
	"cmp"
	"errors"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

// timestampFormat is that of @timestamp before the mapping.
const timestampFormat = "2006-01-02T15:04:05.000000000Z"

// timestamps gives the time of reading.
func (o *mapOptions) timestamps() func() string {
	if o.timestamp != "" {
		return func() string { return o.timestamp }
	}
	return func() string { return time.Now().UTC().Format(timestampFormat) }
}

// appendTo makes the func that appends the line of a record. It appends nothing where a rule took the record.
func (o *mapOptions) appendTo(p shipper.Processor) func([]byte, *ecs.Event, *input.Record) ([]byte, error) {
	index := "logs-" + DefaultConfig().DataStream.Dataset + "-" + DefaultConfig().DataStream.Namespace
	return func(dst []byte, ev *ecs.Event, rec *input.Record) ([]byte, error) {
		ev.Tags = append(ev.Tags[:0], o.tags...)
		if o.routing {
			ds := &o.stream
			ev.DataStream.Type, ev.DataStream.Dataset, ev.DataStream.Namespace = ds.Type, ds.Dataset, ds.Namespace
		}
		var letter *routing.LetterError
		if err := p.Process(rec.Raw, ev); isDrop(err) || errors.As(err, &letter) {
			return dst, nil
		} else if err != nil {
			return dst, err
		}
		if o.meta {
			identify(ev, rec)
			dst = append(dst, `{"_index":`...)
			if o.routing {
				ds := &ev.DataStream
				dst = ecs.AppendString(dst, ds.Type+"-"+ds.Dataset+"-"+ds.Namespace)
				dst = append(dst, `,"_output":`...)
				dst = ecs.AppendString(dst, cmp.Or(ev.Meta.Output, routing.Default))
			} else {
				dst = ecs.AppendString(dst, index)
			}
			dst = append(dst, `,"_id":`...)
			dst = ecs.AppendString(dst, ev.Meta.ID)
			dst = append(dst, `,"document":`...)
			dst = ev.AppendJSON(dst)
			return append(dst, '}', '\n'), nil
		}
		dst = ev.AppendJSON(dst)
		return append(dst, '\n'), nil
	}
}
