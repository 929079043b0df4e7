package eventhistory

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/quota"
	"github.com/trailbeat/trailbeat/input/records"
	"github.com/trailbeat/trailbeat/input/seen"
)

const (
	// pageEvents is the most that AWS gives in one answer.
	pageEvents = 50
	// tokensLost is how often one stretch is begun again, without a page in between, since AWS no longer knows its page token.
	tokensLost = 5
)

// errReturned says that a batch of the stream came back, so that reading on is of no use.
var errReturned = errors.New("a batch was not delivered")

// reading is one stretch of time while it is read, from its new end to its old one.
type reading struct {
	past   bool
	span   span // what is asked for; a page token goes with the very same question only
	token  *string
	low    int64 // the oldest time of the events so far
	sorted bool  // the newest came first, as AWS says they do
	pages  int
	lost   int                   // page tokens, since the last page
	edge   map[seen.Key]struct{} // the events of the past at low: they come again when it goes on there without a token

	// Of a look at new events.
	end     int64 // when it began
	settles int64 // what is settled when it is read
	late    int64 // new events before this came late

	batch   *mark
	records []input.Record
	size    int64
}

func newReading(s span, past bool) *reading {
	return &reading{past: past, span: s, low: s.To, sorted: true, edge: make(map[seen.Key]struct{})}
}

// read reads some pages. done says that the stretch is at its end; all that was read is handed out either way, with an error too.
func (in *Input) read(ctx context.Context, s *stream, r *reading, pages int) (done bool, err error) {
	for n := 0; ; n++ {
		switch {
		case s.hasFailed():
			return false, in.leave(s, r, errReturned)
		case n == pages:
			return false, in.emit(s, r, false)
		}
		out, err := in.page(ctx, s, r)
		if err != nil && r.token != nil && isTokenFault(err) && r.lost < tokensLost {
			// Without the token only the time says how far it came. What is read again is known by its id.
			r.lost++
			in.stats.tokensLost.Add(1)
			r.token = nil
			if r.sorted {
				r.span.To = r.low
			}
			continue
		}
		if err != nil {
			if flush := in.emit(s, r, false); flush != nil {
				return false, in.leave(s, r, flush)
			}
			return false, err
		}
		r.lost = 0
		r.pages++
		for i := range out.Events {
			if err := in.event(s, r, &out.Events[i]); err != nil {
				return false, in.leave(s, r, err)
			}
		}
		if r.token = out.NextToken; awssdk.ToString(r.token) == "" {
			if err := in.emit(s, r, true); err != nil {
				return false, in.leave(s, r, err)
			}
			return true, nil
		}
	}
}

// leave forgets what was gathered and not handed out.
func (in *Input) leave(s *stream, r *reading, err error) error {
	if r.batch != nil {
		s.dropUnsent(r.batch)
		r.batch, r.records, r.size = nil, nil, 0
	}
	return err
}

// page asks for one page. It waits for its turn, and tries again what may pass.
func (in *Input) page(ctx context.Context, s *stream, r *reading) (*cloudtrail.LookupEventsOutput, error) {
	ask := s.ask(r.span)
	ask.NextToken = r.token
	return quota.Call(ctx, s.limit, in.cfg.APISleep, &in.stats.calls, func() (*cloudtrail.LookupEventsOutput, error) {
		out, err := s.api.LookupEvents(ctx, ask, oneTry)
		return out, in.explain(s, err)
	})
}

// oneTry keeps the SDK from trying again by itself: the limiter has to know of each call and each refusal.
func oneTry(o *cloudtrail.Options) { o.Retryer = aws.OneTry(o.Retryer) }

func (s *stream) ask(of span) *cloudtrail.LookupEventsInput {
	from, to := timeOf(of.From), timeOf(of.To)
	ask := &cloudtrail.LookupEventsInput{StartTime: &from, EndTime: &to, MaxResults: awssdk.Int32(pageEvents)}
	if s.category == categoryInsight {
		ask.EventCategory = types.EventCategoryInsight
	}
	if a := s.attribute; a != nil {
		ask.LookupAttributes = []types.LookupAttribute{{AttributeKey: types.LookupAttributeKey(a.Key), AttributeValue: &a.Value}}
	}
	return ask
}

// explain says what is wrong with a call, and how to mend it.
func (in *Input) explain(s *stream, err error) error {
	err = aws.Call{Doing: "looking up the event history of", Target: s.name(), Action: "cloudtrail:LookupEvents", Resource: "*"}.Explain(err)
	var told *aws.Error
	if errors.As(err, &told) {
		const other = "; where other regions can be read, this one is not enabled or a service control policy denies it: name those to read with the option regions"
		switch told.Class {
		case aws.ClassAccessDenied, aws.ClassCredentials:
			told.Hint += other
		case aws.ClassThrottled:
			told.Hint = "AWS answers 2 calls a second for each account and region; it is tried again more slowly"
		}
	}
	return err
}

// isTokenFault says that AWS does not take the page token any more.
func isTokenFault(err error) bool {
	return aws.CodeOf(err) == "InvalidNextTokenException"
}

// event takes in one event.
func (in *Input) event(s *stream, r *reading, e *types.Event) error {
	text := awssdk.ToString(e.CloudTrailEvent)
	at := r.low
	if e.EventTime != nil {
		at = e.EventTime.Unix()
	}
	if at > r.low {
		r.sorted = false
	}
	if at < r.low {
		r.low = at
		clear(r.edge)
	}
	in.stats.read.Add(1)
	in.stats.bytes.Add(int64(len(text)))
	id := awssdk.ToString(e.EventId)
	key := seen.KeyOf(id, at*1000)
	if id == "" {
		key = seen.KeyOf(text, at*1000)
	}
	if !s.admit(r, key) {
		in.stats.known.Add(1)
		return nil
	}
	if !r.past && at < r.late && s.remembers(in.cfg.SeenMax) {
		in.stats.late.Add(1)
		s.lag.Add(time.Since(timeOf(at)))
	}
	if r.batch != nil && (len(r.records) == in.cfg.BatchMaxRecords || r.size+int64(len(text)) > in.cfg.BatchMaxBytes) {
		if err := in.emit(s, r, false); err != nil {
			s.dropUnsent(&mark{keys: []seen.Key{key}})
			return err
		}
	}
	if r.batch == nil {
		r.batch = new(mark)
	}
	origin := s.origin // an event is an object of its own
	record := input.Record{Raw: []byte(text), SourceID: id, Fault: records.Fault("the event", text), Origin: &origin}
	if text == "" { // what is left of it, so that somebody can look for it
		record.Raw, _ = json.Marshal(e)
	}
	if record.Fault != "" {
		in.stats.damaged.Add(1)
	}
	if !r.past {
		r.batch.keys = append(r.batch.keys, key)
	}
	r.records, r.size = append(r.records, record), r.size+int64(len(text))
	return nil
}

// admit says whether an event is to be handed out, and remembers it.
func (s *stream) admit(r *reading, k seen.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !r.past {
		return s.seen.Add(k)
	}
	_, known := r.edge[k]
	known = known || s.before != nil && s.before.Has(k)
	if k.At == r.low*1000 {
		r.edge[k] = struct{}{}
	}
	return !known
}

// remembers says that an event which is not known was not handed out before.
func (s *stream) remembers(most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.Len() < most
}

// emit hands out what was gathered, and notes how far the stream has come with it.
func (in *Input) emit(s *stream, r *reading, done bool) error {
	m, list := r.batch, r.records
	if m == nil && !done {
		return nil
	}
	if m == nil {
		m = new(mark)
	}
	r.batch, r.records, r.size = nil, nil, 0
	m.n, m.at = len(list), s.after(r, done)
	in.stats.delivered.Add(int64(m.n))
	return in.hand(s, m, list)
}

// after is how far the stream has come when everything that the reading gave so far is delivered.
func (s *stream) after(r *reading, done bool) position {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.ahead.clone()
	switch {
	case r.past && done:
		p.past = p.past[1:]
	case r.past && r.sorted && len(p.past) > 0:
		p.past[0].To = max(r.low, p.past[0].From) // events of this very second may be left
	case !r.past && done:
		p.settled, p.readTo = max(p.settled, r.settles), max(p.readTo, r.end)
	}
	return p
}
