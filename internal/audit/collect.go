package audit

import (
	"context"
	"hash/maphash"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
)

// Output gives the output of the shipper that reads the source: it notes what would be stored.
func (a *Audit) Output() output.Output { return (*collector)(a) }

// DeadLetters gives the dead letters of that shipper: it notes what can be nothing else.
func (a *Audit) DeadLetters() shipper.DeadLetters { return burial{a} }

// Processor stands around a processor of that shipper: it notes what is taken out.
func (a *Audit) Processor(next shipper.Processor) shipper.Processor { return &observed{a, next} }

// collector is the output that stores nothing.
type collector Audit

func (c *collector) Close() error { return nil }

// Write notes the events. It fails where that cannot be done, for good.
func (c *collector) Write(_ context.Context, events []*ecs.Event) (output.Result, error) {
	a := (*Audit)(c)
	a.records.Add(int64(len(events)))
	list := make([]entry, 0, len(events))
	for _, ev := range events {
		at := eventTime(ev, ev.Meta.Dated)
		g := group{kind: expected, account: accountOf(ev), region: ev.Cloud.Region, target: target{ev.Meta.Output, ev.Meta.Index}}
		if !a.inRange(at) || !a.chosen(g.account, g.region) {
			continue
		}
		if g.index == "" {
			g.index = a.opt.Index
		}
		if a.searcher(g.output) == nil {
			g.kind, g.index = elsewhere, ""
		}
		e := entry{raw: maphash.Bytes(a.seed, ev.Meta.Raw), hour: hourOf(at)}
		e.key, g.plain = keyOf(ev.Meta.ID)
		e.group = a.groups.of(g)
		var err error
		if e.place, err = a.places.of(placeOf(ev)); err != nil {
			return output.Result{}, &output.FatalError{Err: err}
		}
		list = append(list, e)
	}
	if err := a.add(list); err != nil {
		return output.Result{}, &output.FatalError{Err: err}
	}
	return output.Result{Stored: len(events)}, nil
}

func accountOf(ev *ecs.Event) string {
	return output.AccountOf(ev.AWS.CloudTrail.RecipientAccountID, ev.Cloud.Account.ID)
}

// eventTime is zero where the event has none of its own.
func eventTime(ev *ecs.Event, dated bool) time.Time {
	if !dated {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, ev.Timestamp)
	if err != nil {
		return time.Time{}
	}
	return t
}

const s3Scheme = "s3://"

// placeOf names the object that a record stands in.
func placeOf(ev *ecs.Event) string {
	if key := ev.AWS.S3.Object.Key; key != "" {
		return s3Scheme + ev.AWS.S3.Bucket.Name + "/" + key
	}
	return ev.Log.File.Path
}

// objectOf is the key or the path in the name of a place.
func objectOf(place string) string {
	if rest, ok := strings.CutPrefix(place, s3Scheme); ok {
		_, key, _ := strings.Cut(rest, "/")
		return key
	}
	return place
}

// burial takes the records that can be dead letters only.
type burial struct{ a *Audit }

// Write notes the letters.
func (b burial) Write(_ context.Context, letters []shipper.Letter) error {
	a := b.a
	a.records.Add(int64(len(letters)))
	for i := range letters {
		l := &letters[i]
		at, g := a.bare(l.Record.Raw, time.Now())
		if !a.inRange(at) || !a.chosen(g.account, g.region) {
			continue
		}
		e := entry{raw: maphash.Bytes(a.seed, l.Record.Raw), hour: hourOf(at)}
		g.kind, g.index = buried, a.opt.Index
		e.key, g.plain = letterKey(l)
		e.group = a.groups.of(g)
		if o := l.Record.Origin; o != nil {
			place := o.Path
			if o.Key != "" {
				place = s3Scheme + o.Bucket + "/" + o.Key
			}
			var err error
			if e.place, err = a.places.of(place); err != nil {
				return err
			}
		}
		if err := a.add([]entry{e}); err != nil {
			return err
		}
	}
	return nil
}

// letterKey is the key of a dead letter, by its _id or else by where its record stands.
func letterKey(l *shipper.Letter) (k key, plain bool) {
	if l.ID != "" {
		return keyOf(l.ID)
	}
	return keyOfPlace(&l.Record), false
}

// bare maps a record without any rule. What cannot be mapped has neither time nor account.
func (a *Audit) bare(raw []byte, read time.Time) (at time.Time, g group) {
	at, g, _ = a.bareID(raw, read)
	return at, g
}

func (a *Audit) bareID(raw []byte, read time.Time) (at time.Time, g group, id string) {
	if a.opt.Bare == nil {
		return at, g, ""
	}
	ev := a.events.Get().(*ecs.Event)
	defer func() {
		if recover() != nil {
			at, g, id = time.Time{}, group{}, ""
			return // and what the panic leaves behind is not used again
		}
		a.events.Put(ev)
	}()
	ev.Reset()
	ev.Timestamp = read.UTC().Format(time.RFC3339Nano)
	before := ev.Timestamp
	if a.opt.Bare.Process(raw, ev) != nil {
		return at, g, ""
	}
	// The event is used again: its texts must not be kept, but for the id, which is made a key at once.
	g = group{account: strings.Clone(accountOf(ev)), region: strings.Clone(ev.Cloud.Region)}
	return eventTime(ev, ev.Timestamp != before), g, strings.Clone(ev.Meta.ID)
}

// observed is a processor of which the filtered records are noted.
type observed struct {
	a    *Audit
	next shipper.Processor
}

// Process implements shipper.Processor.
func (o *observed) Process(raw []byte, ev *ecs.Event) error {
	err := o.next.Process(raw, ev)
	if err != nil && o.a.opt.IsDrop(err) {
		// A failure to note it is found by Compare.
		_ = o.a.drop(raw, err)
	}
	return err
}

func (a *Audit) drop(raw []byte, why error) error {
	a.records.Add(1)
	at, g, id := a.bareID(raw, time.Now())
	if !a.inRange(at) || !a.chosen(g.account, g.region) {
		return nil
	}
	g.kind = filtered
	if a.opt.RuleOf != nil {
		g.rule = a.opt.RuleOf(why)
	}
	e := entry{raw: maphash.Bytes(a.seed, raw), hour: hourOf(at)}
	if id == "" {
		id = "\xff" + string(raw) // only equal records are one
	}
	e.key, g.plain = keyOf(id)
	e.group = a.groups.of(g)
	return a.add([]entry{e})
}
