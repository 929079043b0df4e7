package cloudwatch

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/quota"
	"github.com/trailbeat/trailbeat/input/records"
	"github.com/trailbeat/trailbeat/input/seen"
)

const (
	// firstSpan is the length of the first window of a pass, if there is so much to read. Windows with little in them make the
	// next four times as long, so that empty years cost few calls.
	firstSpan = 30 * 24 * time.Hour
	mostSpan  = 100 * 365 * 24 * time.Hour
	// tokensLost is how often one window is begun again since AWS no longer knows its page token.
	tokensLost = 5
)

// errReturned says that a batch of the group came back, so that reading on is of no use.
var errReturned = errors.New("a batch was not delivered")

// begin makes a pass over everything from what is settled up to now. nil: there is nothing to read yet.
func (in *Input) begin(g *group) *pass {
	now := time.Now()
	overlap := min(2*g.lag.Max(now), in.cfg.OverlapMax)
	overlap = max(overlap, in.cfg.Overlap)
	end := now.Add(-in.cfg.Latency).UnixMilli()
	if in.deps.Once {
		end = in.until
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.due = now.Add(in.cfg.ScanFrequency)
	if g.failed || end < g.settled {
		return nil
	}
	g.pass = &pass{
		end: end, cursor: g.settled, span: firstSpan.Milliseconds(), late: g.readTo,
		limit: now.Add(-in.cfg.Latency - overlap).UnixMilli(),
	}
	return g.pass
}

// reading is the state of one window while it is read.
type reading struct {
	g       *group
	w       *window
	p       *pass
	from    int64 // inclusive, as is to
	to      int64
	token   *string
	newest  int64 // of the events so far
	sorted  bool  // events came in the order of their times, as AWS says they do
	pages   int
	bytes   int64
	lost    int // page tokens
	batch   *handed
	records []input.Record
	size    int64
}

// window reads one window of a group. more says that the next is due at once.
func (in *Input) window(ctx context.Context, g *group) (more bool, err error) {
	p := g.pass // nobody else changes it while the group is read
	if p == nil {
		if p = in.begin(g); p == nil {
			return false, nil
		}
	}
	r := &reading{g: g, w: g.openWindow(), p: p, from: p.cursor, to: min(p.end, p.cursor+p.span-1), sorted: true}
	r.newest = r.from
	covered, err := in.read(ctx, r)
	if err == nil {
		err = in.emit(r)
	}
	if r.batch != nil {
		g.dropUnsent(r.batch)
	}
	if errors.Is(err, errReturned) {
		return false, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	in.stats.windows.Add(1)
	if storing := g.closeWindow(r.w, covered); storing != nil {
		in.outlet.Break(storing)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if covered <= p.end {
		if covered == r.to+1 && r.pages <= max(1, in.cfg.WindowMaxPages/4) {
			p.span = min(4*p.span, mostSpan.Milliseconds())
		}
		return true, nil
	}
	g.endPass()
	return false, nil
}

// read reads pages until the window is at its end or has become large. covered is the time up to which everything was
// handed out, with an error too.
func (in *Input) read(ctx context.Context, r *reading) (covered int64, err error) {
	for {
		if r.g.hasFailed() {
			return r.from, errReturned
		}
		out, err := in.page(ctx, r)
		if err != nil && r.token != nil && isTokenFault(err) && r.lost < tokensLost {
			// Without the token only the time says how far it came. What is read again is known by its id.
			r.lost++
			in.stats.tokensLost.Add(1)
			r.token, r.from = nil, r.cut()
			continue
		}
		if err != nil {
			if flush := in.emit(r); flush != nil {
				return r.from, flush
			}
			return r.cut(), err
		}
		for i := range out.Events {
			if err := in.event(r, &out.Events[i]); err != nil {
				return r.from, err
			}
		}
		r.pages++
		if r.token = out.NextToken; awssdk.ToString(r.token) == "" {
			return r.to + 1, nil
		}
		if large := r.pages >= in.cfg.WindowMaxPages || r.bytes >= in.cfg.WindowMaxBytes; large && r.cut() > r.p.cursor {
			return r.cut(), nil
		}
	}
}

// cut is where the next window can go on when this one ends early: everything before it was read. Events of that very
// millisecond may be left.
func (r *reading) cut() int64 {
	if !r.sorted {
		return r.p.cursor
	}
	return max(r.newest, r.from)
}

// page asks for one page. It waits for its turn, and tries again what may pass.
func (in *Input) page(ctx context.Context, r *reading) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	ask := in.ask(r.g, r.from, r.to)
	ask.NextToken = r.token
	return quota.Call(ctx, in.limit, in.cfg.APISleep, &in.stats.calls, func() (*cloudwatchlogs.FilterLogEventsOutput, error) {
		out, err := in.api.FilterLogEvents(ctx, ask, oneTry)
		err = in.call("reading log group", r.g.name, "logs:FilterLogEvents", in.resource()).Explain(err)
		var told *aws.Error
		if errors.As(err, &told) && told.Class == aws.ClassNoResource {
			told.Hint = "check its name and region_name; it is tried again"
		}
		return out, err
	})
}

// oneTry keeps the SDK from trying again by itself: the limiter has to know of each call and each refusal.
func oneTry(o *cloudwatchlogs.Options) { o.Retryer = aws.OneTry(o.Retryer) }

func (in *Input) ask(g *group, from, to int64) *cloudwatchlogs.FilterLogEventsInput {
	ask := &cloudwatchlogs.FilterLogEventsInput{StartTime: &from, EndTime: &to}
	if g.byName {
		ask.LogGroupName = &g.identifier
	} else {
		ask.LogGroupIdentifier = &g.identifier
	}
	if in.cfg.LogStreamPrefix != "" {
		ask.LogStreamNamePrefix = &in.cfg.LogStreamPrefix
	}
	ask.LogStreamNames = in.cfg.LogStreams
	return ask
}

// isTokenFault says that AWS does not take the page token any more.
func isTokenFault(err error) bool {
	var invalid *types.InvalidParameterException
	var api smithy.APIError
	return errors.As(err, &invalid) || errors.As(err, &api) && api.ErrorCode() == "InvalidParameterException"
}

// event takes in one event.
func (in *Input) event(r *reading, e *types.FilteredLogEvent) error {
	at, ingested := awssdk.ToInt64(e.Timestamp), awssdk.ToInt64(e.IngestionTime)
	stream, id, message := awssdk.ToString(e.LogStreamName), awssdk.ToString(e.EventId), awssdk.ToString(e.Message)
	if at < r.newest {
		r.sorted = false
	}
	r.newest = max(r.newest, at)
	r.bytes += int64(len(message))
	in.stats.read.Add(1)
	in.stats.bytes.Add(int64(len(message)))
	key := keyOf(stream, id, message, at, ingested)
	if !r.g.admit(key) {
		in.stats.known.Add(1)
		return nil
	}
	if at < r.p.late {
		in.stats.late.Add(1)
	}
	if ingested > 0 {
		r.g.lag.Add(time.Duration(ingested-at) * time.Millisecond)
	}
	if r.batch != nil && (len(r.records) >= in.cfg.BatchMaxRecords || r.size+int64(len(message)) > in.cfg.BatchMaxBytes) {
		if err := in.emit(r); err != nil {
			r.g.dropUnsent(&handed{keys: []seen.Key{key}})
			return err
		}
	}
	if r.batch == nil {
		r.batch = &handed{window: r.w}
	}
	record := input.Record{Raw: []byte(message), SourceID: id, Fault: records.Fault("the log event", message), Origin: &input.Origin{
		InputID: in.deps.ID, InputType: Type, Path: r.g.name + "/" + stream, Region: r.g.region, LogGroup: r.g.name, LogStream: stream,
	}}
	if ingested > 0 {
		record.Created = timeOf(ingested)
	}
	if record.Fault != "" {
		in.stats.damaged.Add(1)
	}
	r.batch.keys, r.records, r.size = append(r.batch.keys, key), append(r.records, record), r.size+int64(len(message))
	return nil
}

// emit hands out what was gathered.
func (in *Input) emit(r *reading) error {
	if r.batch == nil {
		return nil
	}
	b, records := r.batch, r.records
	r.batch, r.records, r.size = nil, nil, 0
	in.stats.delivered.Add(int64(len(records)))
	return in.hand(r.g, b, records)
}

// endPass says that everything up to the end of the pass was read.
func (g *group) endPass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pass = nil
}

// keyOf makes the key of a log event. An event without an id, which AWS does not have, is known by its content.
func keyOf(stream, id, message string, at, ingested int64) seen.Key {
	text := id
	if id == "" {
		text = string(binary.BigEndian.AppendUint64([]byte(stream+"\xff"), uint64(ingested))) + message
	}
	return seen.KeyOf(text, at)
}
