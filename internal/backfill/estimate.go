package backfill

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input/records"
)

// Sample is a few files of the plan, to measure what a record is and costs.
type Sample struct {
	// Files are as they are stored; not for output.
	Files []SampleFile `json:"-"`
	// Objects and Bytes of them, and the Records in them.
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
	Records int64 `json:"records"`
	// Seconds that it took to fetch them, as many at a time as there are workers.
	Seconds float64 `json:"seconds"`
	// Microseconds of processor time to map and encode one record; 0: not measured.
	Microseconds float64 `json:"cpu_us_per_record"`
	// Tiered objects were looked at, TieredArchived of them are in an archive tier.
	Tiered         int `json:"tiered"`
	TieredArchived int `json:"tiered_archived"`
}

// SampleFile is one of them.
type SampleFile struct {
	Key  string
	Data []byte
}

const (
	sampleBytes = 8 << 20  // of all files
	sampleLimit = 64 << 20 // of one
)

// TakeSample fetches up to n files, spread over what is left to do.
func (j *Job) TakeSample(ctx context.Context, n int) (Sample, error) {
	var s Sample
	var mu sync.Mutex
	var errs []error
	free := make(chan struct{}, j.opts.Workers)
	var all sync.WaitGroup
	units := min(n, len(j.units))
	for i := range units {
		u := j.units[i*len(j.units)/units]
		all.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			mu.Lock()
			full := s.Bytes >= sampleBytes
			mu.Unlock()
			if full || ctx.Err() != nil {
				return
			}
			err := j.sampleSome(ctx, u, (n+units-1)/units, &mu, &s)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
			}
		})
	}
	all.Wait()
	if s.Objects == 0 && len(errs) > 0 {
		return s, fmt.Errorf("taking a sample: %w", errs[0])
	}
	return s, ctx.Err()
}

// sampleSome takes up to n files of a unit, spread over the first page of its listing.
func (j *Job) sampleSome(ctx context.Context, u *unit, n int, mu *sync.Mutex, s *Sample) error {
	j.calls.list.Add(1)
	list, _, err := j.tree.List(ctx, u.folder.Day(u.plan.day.time()), "", "")
	if err != nil {
		return err
	}
	var choice []Object
	for _, o := range list {
		if d, ok := j.inRange(u.folder, o); ok && d == u.plan.day && !o.archived() {
			choice = append(choice, o)
		}
	}
	n = min(n, len(choice))
	for i := range n {
		if err := j.sampleOne(ctx, choice[(2*i+1)*len(choice)/(2*n)], mu, s); err != nil {
			return err
		}
	}
	return nil
}

func (j *Job) sampleOne(ctx context.Context, o Object, mu *sync.Mutex, s *Sample) error {
	if o.Class == classTiering {
		j.calls.head.Add(1)
		a, err := j.tree.Archive(ctx, o.Key)
		if err != nil {
			return err
		}
		mu.Lock()
		s.Tiered++
		if a.Archived {
			s.TieredArchived++
		}
		mu.Unlock()
		if a.Archived {
			return nil
		}
	}
	j.calls.get.Add(1)
	began := time.Now()
	data, err := j.tree.Get(ctx, o.Key, sampleLimit)
	took := time.Since(began)
	if err != nil {
		return err
	}
	n, err := countRecords(data)
	if err != nil {
		return nil //nolint:nilerr // a broken file is found by the run, with all that there is to say of it
	}
	mu.Lock()
	defer mu.Unlock()
	s.Files = append(s.Files, SampleFile{Key: o.Key, Data: data})
	s.Objects++
	s.Bytes += int64(len(data))
	s.Records += n
	s.Seconds += took.Seconds() / float64(j.opts.Workers)
	return nil
}

func countRecords(data []byte) (n int64, err error) {
	r := records.NewReader(bytes.NewReader(data), records.Options{Name: "sample"})
	var block records.Block
	for {
		block.Reset()
		err := r.Fill(&block, 512, 256<<10)
		n += int64(block.Len())
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// Requests counts calls.
type Requests struct {
	List    int64 `json:"list"`
	Get     int64 `json:"get"`
	Head    int64 `json:"head"`
	Restore int64 `json:"restore"`
	Send    int64 `json:"send"`
}

// Prices are for 1000 calls each, in any currency.
type Prices struct{ List, Get, Head, Restore, Send float64 }

// Cost of calls.
func (p Prices) Cost(r Requests) float64 {
	return (p.List*float64(r.List) + p.Get*float64(r.Get) + p.Head*float64(r.Head) + p.Restore*float64(r.Restore) + p.Send*float64(r.Send)) / 1000
}

// Estimate is what a plan says.
type Estimate struct {
	Source   string    `json:"source"`
	From     time.Time `json:"from,omitzero"`
	To       time.Time `json:"to"`
	Folders  int       `json:"folders"`
	Accounts int       `json:"accounts"`
	Days     int       `json:"days"`
	// Objects and Bytes of the range, and of them those that are left to do.
	Objects     int64 `json:"objects"`
	Bytes       int64 `json:"bytes"`
	LeftObjects int64 `json:"left_objects"`
	LeftBytes   int64 `json:"left_bytes"`
	// Archived objects are in GLACIER or DEEP_ARCHIVE, Tiered ones in Intelligent-Tiering, of which TieredArchived are in an archive tier by the
	// sample.
	Archived       int64 `json:"archived_objects"`
	ArchivedBytes  int64 `json:"archived_bytes"`
	Tiered         int64 `json:"tiered_objects"`
	TieredArchived int64 `json:"tiered_archived_objects_estimated"`
	Restores       bool  `json:"restores"`
	// Failed objects of earlier runs are tried first.
	Failed int `json:"failed_before"`
	// Sample is what the next ones come from; Records are those of what is left. 0: not known.
	Sample         Sample  `json:"sample"`
	BytesPerRecord float64 `json:"bytes_per_record"`
	Records        int64   `json:"records_estimated"`
	// Planned are the calls that planning took, ToCome those of the run.
	Planned Requests `json:"requests_planned"`
	ToCome  Requests `json:"requests_to_come"`
	// Cost of all of them by the given prices. Nil: none were given.
	Cost *float64 `json:"cost,omitempty"`
	// Seconds that the run takes, 0: not known, and what that is taken from.
	Seconds     float64           `json:"seconds_estimated"`
	SecondsFrom string            `json:"seconds_from,omitempty"`
	ByAccount   []AccountProgress `json:"accounts_detail"`
}

// overhead is what a whole shipper costs beside what the sample measures: see internal/sizing.
const overhead = 1.4

// Estimate puts the plan and a sample together. toQueue says that objects are sent to a queue and not read. prices may be nil.
func (j *Job) Estimate(s Sample, toQueue bool, prices *Prices) Estimate {
	j.start()
	e := Estimate{
		Source: "s3://" + j.tree.Name() + "/" + j.tree.Prefix(), From: j.header.From, To: j.header.To, Sample: s, Restores: j.opts.Restore,
		ByAccount: j.Accounts(), Failed: len(j.ledger.failures()),
	}
	e.Accounts = len(e.ByAccount)
	days := make(map[day]bool)
	for _, p := range j.folders {
		if len(p.days) > 0 {
			e.Folders++
		}
		for _, d := range p.days {
			days[d.day] = true
			e.Objects += d.objects
			e.Bytes += d.bytes
		}
	}
	e.Days = len(days)
	for _, u := range j.units {
		objects, size := u.plan.objects, u.plan.bytes
		e.Archived += u.plan.archived
		e.ArchivedBytes += u.plan.archivedBytes
		e.Tiered += u.plan.tiered
		e.ToCome.List += max(1, (objects+999)/1000)
		switch {
		case u.onlyArchived:
			objects, size = u.plan.archived, u.plan.archivedBytes
		case !j.opts.Restore:
			objects, size = objects-u.plan.archived, size-u.plan.archivedBytes
		}
		e.LeftObjects += max(0, objects-u.mark.Objects)
		e.LeftBytes += max(0, size-u.mark.Bytes)
	}
	if s.Tiered > 0 {
		e.TieredArchived = e.Tiered * int64(s.TieredArchived) / int64(s.Tiered)
	}
	e.ToCome.Get = e.LeftObjects + int64(e.Failed)
	if j.opts.Restore {
		e.ToCome.Head, e.ToCome.Restore = e.Archived+e.TieredArchived, e.Archived+e.TieredArchived
	}
	if toQueue {
		per := int64(j.opts.PerMessage * messagesPerCall)
		e.ToCome.Get, e.ToCome.Send = 0, (e.LeftObjects+per-1)/per
		if !j.opts.Restore {
			e.ToCome.Head = e.Tiered
		}
	}
	if s.Records > 0 {
		e.BytesPerRecord = float64(s.Bytes) / float64(s.Records)
		e.Records = int64(float64(e.LeftBytes) / e.BytesPerRecord)
	}
	e.Planned = Requests{List: max(j.calls.list.Load(), j.header.Calls), Get: j.calls.get.Load(), Head: j.calls.head.Load()}
	if prices != nil {
		cost := prices.Cost(e.Planned) + prices.Cost(e.ToCome)
		e.Cost = &cost
	}
	j.estimateTime(&e, toQueue)
	return e
}

func (j *Job) estimateTime(e *Estimate, toQueue bool) {
	key := rateKey
	if toQueue {
		key += "/queue"
	}
	var m measured
	found, err := j.ledger.store.Get(key, &m)
	s := e.Sample
	switch {
	case err == nil && found && m.Bytes > 0 && m.Seconds > 0:
		e.Seconds, e.SecondsFrom = float64(e.LeftBytes)*m.Seconds/float64(m.Bytes), "the rate of the last run"
	case !toQueue && s.Bytes > 0 && s.Seconds > 0:
		e.Seconds, e.SecondsFrom = float64(e.LeftBytes)*s.Seconds/float64(s.Bytes), "fetching the sample; the output was not measured"
		cores := min(runtime.GOMAXPROCS(0), j.opts.Workers)
		if cpu := float64(e.Records) * s.Microseconds * overhead / 1e6 / float64(cores); cpu > e.Seconds {
			e.Seconds, e.SecondsFrom = cpu, fmt.Sprintf("mapping the sample on %d cores; the output was not measured", cores)
		}
	}
	bound := 0.0
	if r := j.opts.Rate.Objects; r > 0 {
		bound = float64(e.LeftObjects) / r
	}
	if r := j.opts.Rate.Bytes; r > 0 {
		bound = max(bound, float64(e.LeftBytes)/r)
	}
	if bound > e.Seconds {
		e.Seconds, e.SecondsFrom = bound, "--rate"
	}
}

// Result is how a run ended.
type Result struct {
	Source string    `json:"source"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to"`
	// Complete: nothing of the range is left but archived objects that were left out on purpose.
	Complete bool `json:"complete"`
	// Objects, Bytes and Records of this run.
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
	Records int64 `json:"records"`
	// DoneObjects of OfObjects are done, with earlier runs.
	DoneObjects int64 `json:"done_objects"`
	OfObjects   int64 `json:"of_objects"`
	// Missing were gone, Failed cannot be read, SkippedArchived were left out, Restoring wait for their restore.
	Missing         int64             `json:"missing"`
	Failed          int               `json:"failed"`
	SkippedArchived int64             `json:"skipped_archived"`
	SkippedBytes    int64             `json:"skipped_archived_bytes"`
	Restoring       int64             `json:"restoring"`
	Requests        Requests          `json:"requests"`
	Accounts        []AccountProgress `json:"accounts"`
	// Failures are some of the objects that cannot be read, with the reasons.
	Failures map[string]string `json:"failures,omitempty"`
}

// Result tells how far the job has come.
func (j *Job) Result() Result {
	done, of, _, _ := j.Done()
	r := Result{
		Source: "s3://" + j.tree.Name() + "/" + j.tree.Prefix(), From: j.header.From, To: j.header.To, Complete: j.Complete(),
		Objects: j.objects.Load(), Bytes: j.bytes.Load(), Records: j.records.Load(), DoneObjects: done, OfObjects: of,
		Missing: j.missing.Load(), SkippedArchived: j.skipped.Load(), SkippedBytes: j.skippedSize.Load(), Restoring: j.restoring.Load(),
		Requests: Requests{List: j.calls.list.Load(), Get: j.calls.get.Load(), Head: j.calls.head.Load(), Restore: j.calls.restore.Load(), Send: j.calls.send.Load()},
		Accounts: j.Accounts(), Failures: make(map[string]string),
	}
	failures := j.ledger.failures()
	r.Failed = len(failures)
	for key, f := range failures {
		if len(r.Failures) == 20 {
			break
		}
		r.Failures[key] = f.Error
	}
	return r
}
