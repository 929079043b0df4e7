package audit

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"
)

// The kinds of differences.
const (
	// Lost events are in the source and nowhere else.
	Lost = "missing"
	// Extra documents have no record in the source.
	Extra = "extra"
	// Duplicate events have more than one document.
	Duplicate = "duplicate"
)

// Difference is one event in which the two sides differ.
type Difference struct {
	// Kind is missing, extra or duplicate.
	Kind string `json:"kind"`
	// ID is the _id. Empty where it is not of Trailbeat's form, or the event has none.
	ID      string `json:"id,omitempty"`
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	// Hour begins the hour of the event, as RFC 3339 text. Empty: it has no time.
	Hour string `json:"hour,omitempty"`
	// Source is the object that the record stands in.
	Source string `json:"source,omitempty"`
	// Index is the data stream that the document is in, or should be.
	Index string `json:"index,omitempty"`
	// Output is its output where that is a further one.
	Output string `json:"output,omitempty"`
}

func hourText(hour uint32) string {
	if hour == 0 {
		return ""
	}
	return timeOfHour(hour).Format(time.RFC3339)
}

// Counts are those of a part of the events. Events = Stored + DeadLettered + Filtered + Elsewhere + Missing.
type Counts struct {
	// Records are those of the source; the same event may stand there more than once.
	Records int64 `json:"records"`
	// Events are the distinct ones of the source.
	Events int64 `json:"events"`
	// Stored events have a document.
	Stored int64 `json:"stored"`
	// DeadLettered events are in the dead letters and not in the output.
	DeadLettered int64 `json:"dead_lettered"`
	// Filtered events are taken out by a rule; FilteredStored of them have a document all the same, from before the rule.
	Filtered       int64 `json:"filtered"`
	FilteredStored int64 `json:"filtered_but_stored"`
	// Elsewhere are events that a rule sends to an output that cannot be searched.
	Elsewhere int64 `json:"other_output"`
	// Missing events are nowhere.
	Missing int64 `json:"missing"`
	// Extra documents have no record in the source.
	Extra int64 `json:"extra"`
	// Duplicate counts the documents beyond the first of their event.
	Duplicate int64 `json:"duplicate"`
}

func (c *Counts) add(d *Counts) {
	c.Records += d.Records
	c.Events += d.Events
	c.Stored += d.Stored
	c.DeadLettered += d.DeadLettered
	c.Filtered += d.Filtered
	c.FilteredStored += d.FilteredStored
	c.Elsewhere += d.Elsewhere
	c.Missing += d.Missing
	c.Extra += d.Extra
	c.Duplicate += d.Duplicate
}

func (c *Counts) differs() bool { return c.Missing > 0 || c.Extra > 0 || c.Duplicate > 0 }

// Check returns an error when the counts do not balance.
func (c *Counts) Check() error {
	if c.Events != c.Stored+c.DeadLettered+c.Filtered+c.Elsewhere+c.Missing {
		return errors.New("the counts of the audit do not balance, which is a fault of Trailbeat")
	}
	return nil
}

// Part are the counts of an account in a region, and of one hour there where Hour is set.
type Part struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	// Hour begins it, as RFC 3339 text. Empty in the list of hours: events without a time.
	Hour string `json:"hour,omitempty"`
	Counts
}

// Named is a count with its name.
type Named struct {
	Name   string `json:"name"`
	Events int64  `json:"events"`
}

// Report is what a comparison found.
type Report struct {
	// From and To are the range, by the time of the events, as RFC 3339 text. Empty: no bound.
	From     string   `json:"from,omitempty"`
	To       string   `json:"to,omitempty"`
	Accounts []string `json:"accounts,omitempty"`
	Regions  []string `json:"regions,omitempty"`
	// Indices are the data streams that were searched, with the name of the output before those of a further one.
	Indices []string `json:"data_streams"`
	// Complete says that nothing is missing and that the source was read as a whole.
	Complete bool `json:"complete"`
	// Final says that the range ended long enough ago for CloudTrail to have delivered all of it. Otherwise events may still come.
	Final bool `json:"final"`
	// Total is the sum of Parts.
	Total Counts `json:"total"`
	Parts []Part `json:"parts"`
	// Hours are those with a difference, or all of them. HoursLeftOut counts those beyond the most that are kept.
	Hours        []Part `json:"hours"`
	HoursLeftOut int    `json:"hours_left_out,omitempty"`
	// Rules are those that took events out, Outputs the outputs that cannot be searched and that rules send events to.
	Rules   []Named `json:"filtered_by,omitempty"`
	Outputs []Named `json:"other_outputs,omitempty"`
	// Objects are those that missing events stand in, the most of them first.
	Objects        []Named `json:"missing_from,omitempty"`
	ObjectsLeftOut int     `json:"missing_from_left_out,omitempty"`
	// ReadErrors counts the parts of the source that could not be read, as the log says. What is in them is not known.
	ReadErrors int64 `json:"read_errors"`
	// NotRead are configured inputs that cannot be read again.
	NotRead []string `json:"inputs_not_read,omitempty"`
	// Repair is what was sent. Nil: nothing was to be.
	Repair *Repair `json:"repair,omitempty"`
	// Error is why the comparison, or the repair, did not come to its end. Empty: it did.
	Error string `json:"error,omitempty"`

	parts, hours map[partKey]*Counts
	rules, outs  map[string]int64
	all          bool
	leftOut      map[partKey]struct{}
	asked        map[partKey]int64 // stored events of hours that are not kept so far, found by asking
}

// Repair is what a repair sent, all rounds together.
type Repair struct {
	// Missing were missing before, StillMissing after it.
	Missing      int64 `json:"missing_before"`
	StillMissing int64 `json:"missing_after"`
	// Sent records were those of the missing events; an event that stands in the source twice is sent twice, and counts as Duplicate
	// then.
	Sent         int64 `json:"sent"`
	Indexed      int64 `json:"indexed"`
	Duplicate    int64 `json:"duplicate"`
	DeadLettered int64 `json:"dead_lettered"`
	Filtered     int64 `json:"filtered"`
	Returned     int64 `json:"returned"`
}

// settleAfter is how long after its end a range counts as final. CloudTrail delivers within minutes on average and names no limit.
const settleAfter = time.Hour

// maxHours bounds the hours that are kept, each for an account and a region, and maxObjects the objects in a report.
const (
	maxHours   = 100_000
	maxObjects = 20
)

type partKey struct {
	account, region string
	hour            uint32
}

// Failed is the report of a comparison of which nothing is known.
func Failed(err error) *Report {
	return &Report{Indices: []string{}, Parts: []Part{}, Hours: []Part{}, Error: err.Error()}
}

func newReport(a *Audit) *Report {
	r := &Report{
		Accounts: a.opt.Accounts, Regions: a.opt.Regions, all: a.opt.AllHours,
		Final: !a.opt.To.IsZero() && time.Since(a.opt.To) >= settleAfter,
		parts: map[partKey]*Counts{}, hours: map[partKey]*Counts{}, rules: map[string]int64{}, outs: map[string]int64{},
		leftOut: map[partKey]struct{}{}, asked: map[partKey]int64{},
	}
	if !a.opt.From.IsZero() {
		r.From = a.opt.From.UTC().Format(time.RFC3339)
	}
	if !a.opt.To.IsZero() {
		r.To = a.opt.To.UTC().Format(time.RFC3339)
	}
	return r
}

// count adds to the part and the hour of an event. Where not all hours are kept, fill is called once more.
func (r *Report) count(g *group, hour uint32, n Counts) {
	k := r.part(g, n)
	k.hour = hour
	if !r.all {
		n = Counts{Missing: n.Missing, Extra: n.Extra, Duplicate: n.Duplicate}
	}
	r.hour(k, n)
}

// late adds what was found out only by asking, which fill does not know.
func (r *Report) late(g *group, hour uint32, n Counts) {
	k := r.part(g, n)
	k.hour = hour
	if r.all || n.differs() || r.hours[k] != nil {
		r.hour(k, n)
		return
	}
	if len(r.asked) < maxHours {
		r.asked[k] += n.Stored
	}
}

func (r *Report) part(g *group, n Counts) partKey {
	r.Total.add(&n)
	k := partKey{account: g.account, region: g.region}
	part := r.parts[k]
	if part == nil {
		part = new(Counts)
		r.parts[k] = part
	}
	part.add(&n)
	return k
}

// hour adds to an hour, if there is anything to add and room for it.
func (r *Report) hour(k partKey, n Counts) {
	h := r.hours[k]
	switch {
	case h != nil:
	case !r.all && !n.differs():
		return
	case len(r.hours) < maxHours:
		h = &Counts{Stored: r.asked[k]}
		delete(r.asked, k)
		r.hours[k] = h
	default:
		if len(r.leftOut) < maxHours {
			r.leftOut[k] = struct{}{}
		}
		return
	}
	h.add(&n)
}

// fill adds what count left out, for the hours that are kept.
func (r *Report) fill(g *group, hour uint32, n Counts) {
	if h := r.hours[partKey{g.account, g.region, hour}]; h != nil {
		n.Missing, n.Extra, n.Duplicate = 0, 0, 0
		h.add(&n)
	}
}

func (r *Report) rule(name string)   { r.rules[name]++ }
func (r *Report) output(name string) { r.outs[name]++ }

// finish makes the lists.
func (r *Report) finish(c *comparison) error {
	r.Complete = r.Total.Missing == 0
	r.HoursLeftOut = len(r.leftOut)
	r.Parts, r.Hours = parts(r.parts), parts(r.hours)
	r.Rules, r.Outputs = named(r.rules), named(r.outs)
	r.parts, r.hours, r.leftOut, r.asked = nil, nil, nil, nil
	var err error
	r.Objects, r.ObjectsLeftOut, err = c.missing.top(maxObjects)
	return errors.Join(err, r.Total.Check())
}

func parts(from map[partKey]*Counts) []Part {
	list := make([]Part, 0, len(from))
	for k, n := range from {
		list = append(list, Part{Account: k.account, Region: k.region, Hour: hourText(k.hour), Counts: *n})
	}
	slices.SortFunc(list, func(a, b Part) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Hour, b.Hour))
	})
	return list
}

func named(from map[string]int64) []Named {
	var list []Named
	for _, name := range slices.Sorted(maps.Keys(from)) {
		list = append(list, Named{name, from[name]})
	}
	return list
}
