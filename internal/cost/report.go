package cost

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/trailbeat/trailbeat/pipeline/processor"
)

// The days of a month in what is extrapolated.
const monthDays = 30

// View says how a Sample becomes a Report.
type View struct {
	// Top is how many rows of a table are shown. Zero: 10.
	Top int
	// MinShare is the least part of the bytes of all documents that a rule must take to be proposed, from 0 to 1. Zero: 0.01.
	MinShare float64
	// Span is the time that the sample stands for. Zero: from its first event to its last, or the bounds of Options where both are
	// set and all of it was read.
	Span time.Duration
	// PricePerGB is what a GB (10^9 bytes) costs, PriceOf whether of documents or of raw records: "documents" or "raw". Zero: no
	// prices are shown.
	PricePerGB float64
	PriceOf    string
	// Now is the clock. Zero: time.Now.
	Now time.Time
	// RuleStats are those of the own rules in their order; rules that took nothing are among them.
	RuleStats []processor.Stat
	// Objects were read, ReadErrors failed, Letters could not be mapped.
	Objects, ReadErrors, Letters int64
}

// Report is what a sample consists of and what rules would save.
type Report struct {
	Sample Info `json:"sample"`
	// Day and Month are extrapolated; nil where the sample stands for no time.
	Day   *Rate `json:"per_day,omitempty"`
	Month *Rate `json:"per_month,omitempty"`
	// Price says what Rate.Price is. Nil: there are none.
	Price  *Price    `json:"price,omitempty"`
	Tables []Table   `json:"tables"`
	Rules  []Finding `json:"proposed_rules"`
	// Together is what all proposed rules would take, each event once.
	Together *Finding `json:"proposed_together,omitempty"`
	// YAML is the list of all of them for a configuration.
	YAML string `json:"proposed_yaml,omitempty"`
	Own  *Own   `json:"own_rules,omitempty"`
	// Notes are what one must know to read the figures.
	Notes []string `json:"notes"`
}

// Info is about the sample itself.
type Info struct {
	Amount
	Objects     int64   `json:"objects"`
	First       string  `json:"first_event,omitempty"`
	Last        string  `json:"last_event,omitempty"`
	SpanSeconds float64 `json:"span_seconds"`
	// SpanFrom says what the span is: events, range or given.
	SpanFrom string `json:"span_from"`
	// Hours of the span, and those of them with events.
	Hours           int64 `json:"hours"`
	HoursWithEvents int64 `json:"hours_with_events"`
	// Outside events were out of the range, Undated ones have no time of their own.
	Outside    int64 `json:"outside_range"`
	Undated    int64 `json:"undated"`
	Limited    bool  `json:"limited"`
	ReadErrors int64 `json:"read_errors"`
	Letters    int64 `json:"not_mapped"`
}

// Rate is what comes in a time.
type Rate struct {
	Events   float64 `json:"events"`
	Raw      float64 `json:"raw_bytes"`
	Document float64 `json:"document_bytes"`
	// Price of these bytes, where a price was given.
	Price *float64 `json:"price,omitempty"`
}

// Price is what the user gave.
type Price struct {
	PerGB float64 `json:"per_gb"`
	Of    string  `json:"of"`
}

// Table counts by one thing.
type Table struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Rows  []Row  `json:"rows"`
	// Keys is how many there are in memory, More what those have that are not in Rows, Others what was given up as the table was full.
	Keys   int    `json:"keys"`
	More   Amount `json:"more"`
	Others Amount `json:"others"`
	// ShortBy is how many events a row may be short by.
	ShortBy int64 `json:"short_by"`
}

// Row is a key with its amount.
type Row struct {
	Key string `json:"key"`
	Amount
	// Share of the bytes of all documents, 0 to 1.
	Share float64 `json:"share"`
	Month *Rate   `json:"per_month,omitempty"`
}

// Finding is a rule with what it takes.
type Finding struct {
	ID    string `json:"id,omitempty"`
	Title string `json:"title,omitempty"`
	// Loses is what nobody can tell any more.
	Loses string `json:"loses,omitempty"`
	// Alone is what it takes by itself; InOrder what is left for it behind the rules before it, which is what the shipper counts.
	Alone   Amount  `json:"alone"`
	InOrder Amount  `json:"in_order"`
	Share   float64 `json:"share"`
	Month   *Rate   `json:"saves_per_month,omitempty"`
	YAML    string  `json:"yaml,omitempty"`
}

// Own is what rules that were given make of the sample.
type Own struct {
	Rules []OwnRule `json:"rules"`
	// Kept is what is left, with the documents as the rules leave them.
	Kept    Amount         `json:"kept"`
	Saved   Amount         `json:"saved"`
	Share   float64        `json:"share"`
	Month   *Rate          `json:"saves_per_month,omitempty"`
	Streams []OwnDirection `json:"data_streams"`
}

// OwnRule is one of them.
type OwnRule struct {
	ID        string `json:"id"`
	Processor string `json:"processor"`
	Dropped   Amount `json:"dropped"`
	Failed    int64  `json:"failed,omitempty"`
}

// OwnDirection is what goes to a data stream of an output.
type OwnDirection struct {
	// Output is default, the name of one below outputs, or dead_letters, which has no data stream.
	Output string `json:"output"`
	Name   string `json:"name,omitempty"`
	Amount
}

// maxProposals is how many rules are proposed at most.
const maxProposals = 12

// Report works out what was counted so far.
func (s *Sample) Report(v View) *Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.Top = cmp.Or(v.Top, 10)
	v.MinShare = cmp.Or(v.MinShare, 0.01)
	if v.Now.IsZero() {
		v.Now = time.Now()
	}
	r := &Report{Tables: []Table{}, Rules: []Finding{}, Notes: []string{}}
	r.Sample = s.info(v)
	if v.PricePerGB > 0 {
		r.Price = &Price{v.PricePerGB, v.PriceOf}
	}
	r.Day, r.Month = r.rate(s.total, 1), r.rate(s.total, monthDays)
	for i, d := range s.dims {
		r.Tables = append(r.Tables, s.table(r, d, s.tables[i], v.Top))
	}
	s.propose(r, v)
	if s.own != nil {
		r.Own = s.ownReport(r, v)
	}
	s.notes(r)
	return r
}

func (s *Sample) info(v View) Info {
	i := Info{
		Amount: s.total, Objects: v.Objects, First: s.first, Last: s.last, Outside: s.outside, Undated: s.undated, Limited: s.full,
		ReadErrors: v.ReadErrors, Letters: v.Letters, HoursWithEvents: int64(len(s.hours)),
	}
	span := time.Duration(0)
	switch {
	case v.Span > 0:
		i.SpanFrom, span = "given", v.Span
	case s.from != "" && s.to != "" && !s.full:
		end := s.opts.To
		if v.Now.Before(end) {
			end = v.Now
		}
		i.SpanFrom, span = "range", end.Sub(s.opts.From)
	default:
		i.SpanFrom = "events"
		first, err1 := time.Parse(time.RFC3339Nano, s.first)
		last, err2 := time.Parse(time.RFC3339Nano, s.last)
		if err1 == nil && err2 == nil {
			span = last.Sub(first)
			i.Hours = int64(last.Truncate(time.Hour).Sub(first.Truncate(time.Hour))/time.Hour) + 1
		}
	}
	if i.Hours == 0 {
		i.Hours = int64(math.Ceil(span.Hours()))
	}
	i.SpanSeconds = max(0, span.Seconds())
	return i
}

// rate is an amount in a number of days; nil where the sample stands for no time.
func (r *Report) rate(a Amount, days float64) *Rate {
	if r.Sample.SpanSeconds < 1 {
		return nil
	}
	f := days * 24 * 3600 / r.Sample.SpanSeconds
	out := &Rate{Events: float64(a.Events) * f, Raw: float64(a.Raw) * f, Document: float64(a.Document) * f}
	if r.Price != nil {
		bytes := out.Document
		if r.Price.Of == "raw" {
			bytes = out.Raw
		}
		price := bytes / 1e9 * r.Price.PerGB
		out.Price = &price
	}
	return out
}

// share is the part of all documents' bytes.
func (s *Sample) share(a Amount) float64 {
	if s.total.Document == 0 {
		return 0
	}
	return float64(a.Document) / float64(s.total.Document)
}

func (s *Sample) table(r *Report, d dimension, t *table, top int) Table {
	out := Table{Name: d.name, Title: d.title, Rows: []Row{}, Keys: len(t.rows), Others: t.others, ShortBy: t.shortBy}
	for i, k := range t.sorted(func(a *Amount) int64 { return a.Document }) {
		a := *t.rows[k]
		if i >= top {
			out.More.add(a)
			continue
		}
		out.Rows = append(out.Rows, Row{Key: k.String(), Amount: a, Share: s.share(a), Month: r.rate(a, monthDays)})
	}
	return out
}

// propose chooses the rules that are worth it, and counts what they take together.
func (s *Sample) propose(r *Report, v View) {
	list := slices.Clone(s.trial.all)
	slices.SortStableFunc(list, func(a, b *candidate) int { return cmp.Compare(b.alone.Document, a.alone.Document) })
	chosen := list[:0]
	for _, c := range list {
		// A rule that takes the same events as one before it says nothing new.
		same := slices.ContainsFunc(chosen, func(o *candidate) bool { return o.alone == c.alone })
		if c.alone.Events > 0 && s.share(c.alone) >= v.MinShare && len(chosen) < maxProposals && !same {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 {
		return
	}
	place := make(map[int]int, len(chosen)) // of a rule's number
	for i, c := range chosen {
		place[c.number] = i
		r.Rules = append(r.Rules, Finding{
			ID: c.id, Title: c.title, Loses: c.loses, Alone: c.alone, Share: s.share(c.alone), Month: r.rate(c.alone, monthDays),
			YAML: yaml(s.opts.Form, s.opts.Rate, &c.rule),
		})
	}
	together := Finding{}
	for set, a := range s.trial.sets {
		first := len(chosen)
		for i := 0; i < len(set); i += 2 {
			if at, ok := place[int(set[i])<<8|int(set[i+1])]; ok {
				first = min(first, at)
			}
		}
		if first < len(chosen) {
			r.Rules[first].InOrder.add(*a)
			together.InOrder.add(*a)
		}
	}
	together.Alone = together.InOrder
	together.Share, together.Month = s.share(together.Alone), r.rate(together.Alone, monthDays)
	r.Together = &together
	rules := make([]*rule, len(chosen))
	for i, c := range chosen {
		rules[i] = &c.rule
	}
	r.YAML = yaml(s.opts.Form, s.opts.Rate, rules...)
}

func (s *Sample) ownReport(r *Report, v View) *Own {
	o := &Own{Kept: s.own.kept, Rules: []OwnRule{}, Streams: []OwnDirection{}}
	dropped := map[string]Amount{}
	for d, a := range s.own.dropped {
		sum := dropped[d.ID()]
		sum.add(*a)
		dropped[d.ID()] = sum
	}
	for _, stat := range v.RuleStats {
		o.Rules = append(o.Rules, OwnRule{ID: stat.ID, Processor: stat.Processor, Dropped: dropped[stat.ID], Failed: stat.Failed})
		delete(dropped, stat.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(dropped)) {
		o.Rules = append(o.Rules, OwnRule{ID: id, Processor: "routing", Dropped: dropped[id]})
	}
	o.Saved = s.total.less(o.Kept)
	o.Share, o.Month = s.share(o.Saved), r.rate(o.Saved, monthDays)
	for _, d := range slices.SortedFunc(maps.Keys(s.own.streams), func(a, b direction) int {
		return cmp.Or(cmp.Compare(a.output, b.output), cmp.Compare(a.stream, b.stream))
	}) {
		o.Streams = append(o.Streams, OwnDirection{Output: d.output, Name: d.stream, Amount: *s.own.streams[d]})
	}
	return o
}

// notes are what the figures do not say by themselves.
func (s *Sample) notes(r *Report) {
	note := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	i := &r.Sample
	switch {
	case i.SpanSeconds < 1:
		note("The sample stands for no time, so nothing is extrapolated; say with --span what it covers, such as --span 1h.")
	case i.SpanFrom == "events":
		note("Per day and month are the sums times 24 h and %d days by the time from the first event to the last. Where the sample leaves hours out, or has late "+
			"events of long ago, say with --span what it covers.", monthDays)
	case i.SpanFrom == "range":
		note("Per day and month are the sums times 24 h and %d days by the time from --from to --to (or now, where that is earlier).", monthDays)
	default:
		note("Per day and month are the sums times 24 h and %d days by --span.", monthDays)
	}
	if i.SpanFrom == "events" && i.Hours > 2 && i.HoursWithEvents*10 < i.Hours*9 {
		note("Only %d of the %d hours between the first event and the last have any: if the others were left out of the sample, the real figures per day are up to %.1f times these.",
			i.HoursWithEvents, i.Hours, float64(i.Hours)/float64(i.HoursWithEvents))
	}
	if i.SpanSeconds >= 1 && i.SpanSeconds < 24*3600 {
		note("The sample is shorter than a day: a busy or a quiet hour is taken for all of them.")
	}
	if i.Limited {
		note("Reading ended at --sample. What was read first stands for all; a bucket is read by account and region side by side, so narrow --from and --to instead.")
	}
	for _, t := range r.Tables {
		if t.Others.Events > 0 {
			note("The table by %s was full: %d events are in \"others\", and a row may be short by %d at most.", t.Title, t.Others.Events, t.ShortBy)
		}
	}
	if s.trial.noRule > 0 {
		note("%d events came after all places for rules of single principals were taken, so rules for theirs were not tried.", s.trial.noRule)
	}
	if s.trial.noSet > 0 {
		note("What rules take together is short by at most %d events.", s.trial.noSet)
	}
	if i.Outside > 0 {
		note("%d events that were read are out of --from and --to and are not counted.", i.Outside)
	}
	if i.Undated > 0 {
		note("%d records have no time of their own; they are counted.", i.Undated)
	}
	if i.Letters > 0 {
		note("%d records could not be mapped and are not counted.", i.Letters)
	}
	if i.ReadErrors > 0 {
		note("Errors while reading, see stderr: %d. What could not be read is not counted.", i.ReadErrors)
	}
	if s.opts.Form == Thin && len(r.Rules) > 0 {
		note("What a sample rule keeps gets labels.sample_rate, some 30 bytes for each document, which are not counted here.")
	}
	note("Document bytes are those of the JSON that is sent, before compression and before what the store makes of it.")
}
