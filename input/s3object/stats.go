package s3object

import "sync/atomic"

// Stats counts what a Reader did. The fields may be read at any time.
type Stats struct {
	// ObjectsRequested were opened; ObjectsProcessed were read to their end; ObjectsAcked are done for good.
	ObjectsRequested, ObjectsProcessed, ObjectsAcked atomic.Int64
	// ObjectsFailed were not: the fault was theirs, the network's, or the output's.
	ObjectsFailed atomic.Int64
	// ObjectsInFlight are between their opening and their last ack.
	ObjectsInFlight atomic.Int64
	// BytesProcessed are the bytes of objects as they came over the wire.
	BytesProcessed atomic.Int64
	// EventsCreated are the records that were handed out.
	EventsCreated atomic.Int64
	// Resumes counts the connections that were opened again in the middle of an object.
	Resumes atomic.Int64
}
