package monitor

import (
	"slices"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

const (
	// openObjects bounds how many objects are followed to learn their size; the one that was seen longest ago is then done.
	openObjects = 256
	// objectIdle is when an object that nothing came of is done.
	objectIdle = 30 * time.Second
	// ratePoints is how many points of two seconds a rate is of.
	ratePoints = 5
)

// inputs knows what is known of each input.
type inputs struct {
	mu      sync.Mutex
	order   []*watchedInput
	byID    map[string]*watchedInput
	objects map[*input.Origin]*object

	started, closed int64
}

type watchedInput struct {
	id, kind string
	report   func() input.Report // nil: it does not tell

	lastBatch  time.Time
	lastObject string
	objectTime time.Time
	lastError  string
	errorHint  string
	errorTime  time.Time
	done       bool
	broken     bool
	gone       bool // taken out of the run
	records    int64
	bytes      int64
	past       [ratePoints]shipper.Counts // at the last points
	now        shipper.Counts
	at, n      int
}

// object is a file or an S3 object while its records come.
type object struct {
	bytes int64
	last  time.Time
}

func newInputs() *inputs {
	return &inputs{byID: map[string]*watchedInput{}, objects: map[*input.Origin]*object{}}
}

func (in *inputs) attach(sources []shipper.Source) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.order = nil
	for i := range sources {
		one := in.byID[sources[i].ID]
		if one == nil {
			one = &watchedInput{id: sources[i].ID}
			in.byID[one.id] = one
		}
		one.watch(&sources[i])
		in.order = append(in.order, one)
	}
}

// watch follows what the input of a source reports.
func (one *watchedInput) watch(src *shipper.Source) {
	one.kind, one.report = src.Type, nil
	if r, ok := src.Input.(input.Reporter); ok {
		one.report = r.Report
	}
}

// join follows one more source, or one that was gone, with its counts.
func (in *inputs) join(src *shipper.Source) {
	in.mu.Lock()
	defer in.mu.Unlock()
	one := in.get(src.ID)
	one.watch(src)
	one.gone, one.done, one.broken = false, false, false
	one.lastError, one.errorHint, one.errorTime = "", "", time.Time{}
}

// leave says that a source is no longer read. Its counts are kept.
func (in *inputs) leave(id string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	one := in.get(id)
	one.gone, one.report = true, nil
}

// get finds an input; one that was not attached is kept too. Called with the lock held.
func (in *inputs) get(id string) *watchedInput {
	one := in.byID[id]
	if one == nil {
		one = &watchedInput{id: id}
		in.byID[id] = one
		in.order = append(in.order, one)
	}
	return one
}

func (in *inputs) received(id string, records []input.Record, now time.Time, sizes *distribution) {
	var bytes int64
	for i := range records {
		bytes += int64(len(records[i].Raw))
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	one := in.get(id)
	one.lastBatch = now
	one.records += int64(len(records))
	one.bytes += bytes
	last := &records[len(records)-1]
	if o := last.Origin; o != nil {
		name := o.Path
		if name == "" {
			name = o.Key
		}
		if name == "" {
			name = o.LogGroup
		}
		if name == "" {
			name = o.Region
		}
		if name != one.lastObject {
			one.lastObject, one.objectTime = name, now
		}
	}
	if first := records[0].Origin; first == last.Origin {
		in.object(last, now, sizes)
		return
	}
	for i := range records {
		if i == len(records)-1 || records[i].Origin != records[i+1].Origin {
			in.object(&records[i], now, sizes)
		}
	}
}

// object follows the object of a record up to where the record ends.
func (in *inputs) object(rec *input.Record, now time.Time, sizes *distribution) {
	o := rec.Origin
	if o == nil || o.LogGroup != "" || o.Path == "" && o.Key == "" { // an event that stands in no object
		return
	}
	obj := in.objects[o]
	if obj == nil {
		if len(in.objects) >= openObjects {
			in.evict(sizes)
		}
		obj = &object{}
		in.objects[o] = obj
		in.started++
	}
	obj.bytes, obj.last = max(obj.bytes, rec.Offset+int64(len(rec.Raw))), now
}

func (in *inputs) evict(sizes *distribution) {
	var oldest *input.Origin
	for o, obj := range in.objects {
		if oldest == nil || obj.last.Before(in.objects[oldest].last) {
			oldest = o
		}
	}
	in.finish(oldest, sizes)
}

func (in *inputs) finish(o *input.Origin, sizes *distribution) {
	sizes.observe(float64(in.objects[o].bytes))
	delete(in.objects, o)
	in.closed++
}

// sweep ends the objects that nothing comes of any more.
func (in *inputs) sweep(now time.Time, sizes *distribution) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for o, obj := range in.objects {
		if now.Sub(obj.last) >= objectIdle {
			in.finish(o, sizes)
		}
	}
}

func (in *inputs) failed(id string, err error, now time.Time) {
	_, hint := input.Explain(err)
	in.mu.Lock()
	defer in.mu.Unlock()
	one := in.get(id)
	one.lastError, one.errorHint, one.errorTime = err.Error(), hint, now
}

func (in *inputs) ended(id string, err error, now time.Time) {
	if err != nil {
		in.failed(id, err, now)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	one := in.get(id)
	one.done, one.broken = true, err != nil
}

func (in *inputs) tick(counts shipper.Snapshot, _ time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, c := range counts.Inputs {
		one := in.get(c.ID)
		one.past[one.at] = one.now
		one.at = (one.at + 1) % ratePoints
		one.n = min(one.n+1, ratePoints)
		one.now = c.Counts
	}
}

// since gives the counts of the oldest point that is kept, and how many points ago that was.
func (one *watchedInput) since() (shipper.Counts, int) {
	if one.n == 0 {
		return shipper.Counts{}, 0
	}
	return one.past[(one.at-one.n+ratePoints)%ratePoints], one.n
}

func (in *inputs) list() []*watchedInput {
	return slices.DeleteFunc(slices.Clone(in.order), func(one *watchedInput) bool { return one.gone })
}
