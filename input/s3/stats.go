package s3

import (
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/input"
)

// counters are those of a running input.
type counters struct {
	passes, listCalls, listed, chosen, missing, returned, failed, copied, deleted, choresFailed, scopes, ignored atomic.Int64
	passTime                                                                                                     atomic.Int64
}

// Stats is what the input did. All counters begin with 0 at its start, but Failing, Waiting and Remembered, which are the state
// that it has now.
type Stats struct {
	// Passes over the bucket that came to their end, and the time that the last one took.
	Passes   int64
	PassTime time.Duration
	// ListCalls are the calls that list, ObjectsListed the keys in their answers.
	ListCalls, ObjectsListed int64
	// Scopes are the folders with a cursor of their own that the last pass looked at.
	Scopes int64
	// ObjectsChosen were new. ObjectsMissing of them were gone, ObjectsReturned were not delivered by the flow, ObjectsFailed
	// could not be read; the last two are tried again.
	ObjectsChosen, ObjectsMissing, ObjectsReturned, ObjectsFailed int64
	// ObjectsCopied and ObjectsDeleted were put away; ChoresFailed is how often that failed.
	ObjectsCopied, ObjectsDeleted, ChoresFailed int64
	// Failing objects are remembered for another try, Waiting ones for their copy or deletion.
	Failing, Waiting int64
	// Remembered is the number of objects that are remembered by 8 bytes each, as the cursors may list them again.
	Remembered int64
	// The counters of reading: see s3object.Stats.
	ObjectsRequested, ObjectsProcessed, ObjectsAcked, ObjectsInFlight, BytesProcessed, EventsCreated, Resumes int64
}

// Stats gives the counters. It may be called at any time.
func (in *Input) Stats() Stats {
	c, r := &in.stats, in.objects.Stats()
	s := Stats{
		Passes: c.passes.Load(), PassTime: time.Duration(c.passTime.Load()), ListCalls: c.listCalls.Load(), ObjectsListed: c.listed.Load(),
		Scopes: c.scopes.Load(), ObjectsChosen: c.chosen.Load(), ObjectsMissing: c.missing.Load(), ObjectsReturned: c.returned.Load(),
		ObjectsFailed: c.failed.Load(), ObjectsCopied: c.copied.Load(), ObjectsDeleted: c.deleted.Load(), ChoresFailed: c.choresFailed.Load(),
		ObjectsRequested: r.ObjectsRequested.Load(), ObjectsProcessed: r.ObjectsProcessed.Load(), ObjectsAcked: r.ObjectsAcked.Load(),
		ObjectsInFlight: r.ObjectsInFlight.Load(), BytesProcessed: r.BytesProcessed.Load(), EventsCreated: r.EventsCreated.Load(), Resumes: r.Resumes.Load(),
	}
	for _, l := range in.ledgers() {
		l.mu.Lock()
		s.Failing += int64(len(l.failed))
		s.Waiting += int64(len(l.after))
		for _, cur := range l.cursors {
			s.Remembered += int64(cur.stateSize())
		}
		l.mu.Unlock()
	}
	return s
}

// Report tells what the input is doing; see input.Reporter.
func (in *Input) Report() input.Report {
	r, s := in.state.Report(), in.Stats()
	r.Source, r.Unit = "s3://"+in.bucket.Name+"/"+in.cfg.BucketListPrefix, input.UnitObject
	r.Waiting = -1 // a listing says what is there, never how much is left
	r.Listed, r.Calls = s.ObjectsListed, s.ListCalls
	r.InFlight, r.Read, r.Skipped, r.Missing = s.ObjectsInFlight, s.ObjectsAcked, in.stats.ignored.Load(), s.ObjectsMissing
	r.Failed, r.Failing = s.ObjectsFailed+s.ObjectsReturned, s.Failing
	r.Records, r.Bytes = s.EventsCreated, s.BytesProcessed
	if in.shared != nil {
		r.Leases = in.shared.report()
	}
	return r
}

var _ input.Reporter = (*Input)(nil)

// counted counts the calls that list.
type counted struct {
	bucketAPI
	stats *counters
}
