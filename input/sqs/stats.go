package sqs

import (
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/s3object"
)

// Stats counts what the input did. The fields may be read at any time.
type Stats struct {
	// Receives are the long polls.
	Receives atomic.Int64
	// MessagesReceived counts receives: a message that came twice counts twice.
	MessagesReceived atomic.Int64
	// MessagesInFlight are received and neither deleted nor released.
	MessagesInFlight atomic.Int64
	// MessagesDeleted are done for good. MessagesReturned were released and come again.
	MessagesDeleted, MessagesReturned atomic.Int64
	// MessagesUnknown were not understood. MessagesEmpty held nothing to read, such as test messages.
	MessagesUnknown, MessagesEmpty atomic.Int64
	// MessagesGivenUp were deleted undelivered, because of sqs.max_receive_count.
	MessagesGivenUp atomic.Int64
	// MessagesWaiting is about how many the queue holds, asked each minute; -1 where that is not known.
	MessagesWaiting atomic.Int64
	// VisibilityExtensions counts the signs of life that were given for messages.
	VisibilityExtensions atomic.Int64
	// DeleteFailures and ReleaseFailures count calls that failed for good; such messages come again.
	DeleteFailures, ReleaseFailures atomic.Int64
	// EventsSkipped are events of S3 that tell of no new object.
	EventsSkipped atomic.Int64
	// RecordsInMessages are records that stood in messages themselves, RecordBytes their bytes.
	RecordsInMessages, RecordBytes atomic.Int64
	// ObjectsIgnored were chosen by no expression. ObjectsMissing did not exist any more.
	ObjectsIgnored, ObjectsMissing atomic.Int64
	// LagNanoseconds is the time between sending and first receive, of the last message that was received for the first time.
	LagNanoseconds atomic.Int64
	// ProcessingNanoseconds is the time between receive and deletion, of all deleted messages together.
	ProcessingNanoseconds atomic.Int64
	// Objects are the counters of the objects.
	Objects *s3object.Stats
}

// Report tells what the input is doing; see input.Reporter. Skipped counts messages that hold nothing to read, objects that no
// expression chose, and events that tell of no new object.
func (in *Input) Report() input.Report {
	r, s, o := in.state.Report(), &in.stats, in.stats.Objects
	r.Source, r.Unit = in.cfg.QueueURL, input.UnitMessage
	r.Behind = time.Duration(s.LagNanoseconds.Load()).Seconds()
	r.Waiting, r.Listed, r.InFlight, r.Calls = s.MessagesWaiting.Load(), s.MessagesReceived.Load(), s.MessagesInFlight.Load(), s.Receives.Load()
	givenUp := s.MessagesGivenUp.Load()
	r.Read, r.Failed = max(0, s.MessagesDeleted.Load()-givenUp), s.MessagesReturned.Load()+givenUp
	r.Skipped = s.MessagesEmpty.Load() + s.ObjectsIgnored.Load() + s.EventsSkipped.Load()
	r.Missing, r.Records, r.Bytes = s.ObjectsMissing.Load(), o.EventsCreated.Load()+s.RecordsInMessages.Load(), o.BytesProcessed.Load()+s.RecordBytes.Load()
	return r
}

var _ input.Reporter = (*Input)(nil)
