package sqs

import (
	"sync/atomic"

	"github.com/trailbeat/trailbeat/input/s3object"
)

// Stats counts what the input did. The fields may be read at any time.
type Stats struct {
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
	// RecordsInMessages are records that stood in messages themselves.
	RecordsInMessages atomic.Int64
	// ObjectsIgnored were chosen by no expression. ObjectsMissing did not exist any more.
	ObjectsIgnored, ObjectsMissing atomic.Int64
	// LagNanoseconds is the time between sending and first receive, of the last message that was received for the first time.
	LagNanoseconds atomic.Int64
	// ProcessingNanoseconds is the time between receive and deletion, of all deleted messages together.
	ProcessingNanoseconds atomic.Int64
	// Objects are the counters of the objects.
	Objects *s3object.Stats
}
