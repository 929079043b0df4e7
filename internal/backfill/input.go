package backfill

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/outlet"
	"github.com/trailbeat/trailbeat/input/progress"
	"github.com/trailbeat/trailbeat/input/quota"
)

// Input hands out the records of a planned Job, and ends with io.EOF when all were read. It keeps the contract of input.Input: an error of Read
// that is not fatal names an object, and Close tells of those that came back after the end.
type Input struct {
	job   *Job
	state progress.Tracker

	outlet *outlet.Outlet
	start  sync.Once
	close  sync.Once
	ctx    context.Context // of the outlet
	work   sync.WaitGroup  // walking and reading
	began  time.Time

	inFlight atomic.Int64
}

// Input makes the input of a Job whose plan is made. Closing it closes the Job.
func (j *Job) Input() *Input {
	in := &Input{job: j}
	in.outlet = outlet.New(&in.state, errNotDelivered)
	in.ctx = in.outlet.Context()
	j.start()
	return in
}

// tries is how often an object is read in one run.
const tries = 3

func (in *Input) begin() {
	in.began = time.Now()
	in.state.Reading()
	in.work.Go(func() { in.job.keep(in.ctx, in.outlet.Break) })
	in.work.Go(in.run)
}

// run walks and reads, to the end or until the input is closed.
func (in *Input) run() {
	work := make(chan *item)
	var readers, reading sync.WaitGroup
	for range in.job.opts.Workers {
		readers.Go(func() {
			for it := range work {
				in.read(it)
				reading.Done()
			}
		})
	}
	listed := make(chan *item)
	var handing sync.WaitGroup
	hand := func(it *item) {
		reading.Add(1)
		work <- it
	}
	handing.Go(func() {
		for it := range listed {
			hand(it)
		}
	})
	err := in.job.walk(in.ctx, listed)
	close(listed)
	handing.Wait()
	reading.Wait()
	if err == nil {
		for _, it := range in.job.secondChance() {
			hand(it)
		}
	}
	close(work)
	readers.Wait()
	switch {
	case in.ctx.Err() != nil:
	case err != nil:
		in.outlet.Break(err)
	default:
		in.outlet.Finish()
	}
}

// read reads one object, several times where that may help.
func (in *Input) read(it *item) {
	j := in.job
	o := it.object
	if o.archived() || it.unit != nil && it.unit.onlyArchived {
		readable, err := j.archivedOrRestored(in.ctx, o)
		if err != nil || !readable {
			in.settled(it, false, err, !readable && err == nil)
			return
		}
	}
	for try := 1; ; try++ {
		if j.limit.wait(in.ctx, o.Size) != nil {
			in.settled(it, true, in.ctx.Err(), false)
			return
		}
		again := in.readOnce(it, try)
		if again == nil {
			return
		}
		if kind, _ := input.Explain(again); kind == input.KindThrottled {
			j.limit.pause(time.Second << try)
		}
		if quota.Sleep(in.ctx, time.Second<<try) != nil {
			in.settled(it, true, in.ctx.Err(), false)
			return
		}
	}
}

// readOnce reads an object. Where it gives an error the object was not begun and may be tried again; else it is or will be settled.
func (in *Input) readOnce(it *item, try int) (again error) {
	var returned atomic.Bool
	j := in.job
	in.state.Object("s3://" + j.tree.Name() + "/" + it.object.Key)
	j.calls.get.Add(1)
	stream, err := j.tree.Open(in.ctx, it.object.Key, func(err error) {
		in.inFlight.Add(-1)
		in.settled(it, returned.Load(), err, false)
	})
	if err != nil {
		if passing(err) && try < tries && in.ctx.Err() == nil {
			return err
		}
		in.settled(it, in.ctx.Err() != nil, err, false)
		return nil
	}
	in.inFlight.Add(1)
	for {
		b, err := stream.Next()
		if err != nil {
			return nil // done gets it, with the last ack
		}
		n, ack, acked := int64(len(b.Records)), b.Ack, new(atomic.Bool)
		b.Ack = func(err error) {
			if !acked.Swap(true) && err != nil {
				returned.Store(true)
			}
			ack(err)
		}
		if in.outlet.Send(in.ctx, b) != nil {
			b.Ack(context.Cause(in.ctx))
			stream.Close()
			return nil
		}
		in.count(it, n)
		if stream.Failed() {
			stream.Close()
			return nil
		}
	}
}

func (in *Input) count(it *item, records int64) {
	in.job.records.Add(records)
	if it.unit == nil {
		return
	}
	in.job.mu.Lock()
	in.job.account(it.unit.folder.Account()).Records += records
	in.job.mu.Unlock()
}

// settled is the end of an object for this run.
func (in *Input) settled(it *item, returned bool, err error, stays bool) {
	j := in.job
	kind := ""
	if err != nil {
		kind, _ = input.Explain(err)
	}
	switch {
	case err == nil && stays:
		j.settle(it, outcomeStays)
	case err == nil:
		j.settle(it, outcomeDone)
	case returned, in.ctx.Err() != nil:
		if in.ctx.Err() == nil {
			in.outlet.CameBack()
			in.state.Failed(fmt.Errorf("s3://%s/%s: %w", j.tree.Name(), it.object.Key, err))
		}
		j.settle(it, outcomeReturned)
	case kind == input.KindMissing:
		j.missing.Add(1)
		j.log.Warn("an object is gone, it cannot be read any more", "aws.s3.object.key", it.object.Key)
		j.settle(it, outcomeDone)
	case kind == input.KindArchived && it.unit != nil:
		// An archive tier of Intelligent-Tiering, of which the listing says nothing.
		readable, err := j.archivedOrRestored(in.ctx, it.object)
		if err != nil || readable {
			in.failed(it, err)
			return
		}
		j.settle(it, outcomeStays)
	default:
		in.failed(it, err)
	}
}

func (in *Input) failed(it *item, err error) {
	if err == nil {
		err = errors.New("it could not be read although it is no longer archived; run again")
	}
	in.state.Failed(err)
	in.outlet.Tell(err)
	if err := in.job.fail(it, err); err != nil {
		in.outlet.Break(err)
		in.job.settle(it, outcomeReturned)
		return
	}
	in.job.settle(it, outcomeFailed)
}

// Read gives the next batch.
func (in *Input) Read(ctx context.Context) (*input.Batch, error) {
	in.start.Do(in.begin)
	return in.outlet.Read(ctx)
}

// Close ends the reading and stores how far it came.
func (in *Input) Close() error {
	var err error
	in.close.Do(func() {
		began := true
		in.start.Do(func() { began = false })
		in.outlet.Close()
		if began {
			in.work.Wait()
		}
		in.state.Ended()
		ran := time.Duration(0)
		if began {
			ran = time.Since(in.began)
		}
		err = in.job.Close(ran)
		err = errors.Join(err, in.outlet.NotDelivered())
	})
	return err
}

// Doing names the day and account for the status line.
func (in *Input) Doing() string { return in.job.Doing() }

// Size is what is left of the plan, in bytes.
func (in *Input) Size(context.Context) (int64, error) {
	_, _, done, of := in.job.Done()
	return max(0, of-done) + in.job.tree.BytesRead(), nil
}

// Report tells what the input is doing; see input.Reporter.
func (in *Input) Report() input.Report {
	j, r := in.job, in.state.Report()
	r.Source, r.Unit = "s3://"+j.tree.Name()+"/"+j.tree.Prefix(), input.UnitObject
	objects, of, _, _ := j.Done()
	r.Waiting = max(0, of-objects)
	r.Listed, r.Calls = of, j.calls.list.Load()
	r.InFlight, r.Read, r.Skipped, r.Missing = in.inFlight.Load(), j.objects.Load(), j.skipped.Load(), j.missing.Load()
	r.Failed, r.Failing = j.failedNow.Load()+in.outlet.Returned(), int64(len(j.ledger.failures()))
	r.Records, r.Bytes = j.records.Load(), j.tree.BytesRead()
	return r
}

var (
	_ input.Input    = (*Input)(nil)
	_ input.Reporter = (*Input)(nil)
)
