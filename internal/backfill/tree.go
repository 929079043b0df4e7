package backfill

import (
	"context"
	"time"

	"github.com/trailbeat/trailbeat/input"
)

// Folder holds the files of one account, kind and region.
type Folder interface {
	// Prefix of all keys. It ends with a slash, and names the folder in the state.
	Prefix() string
	Account() string
	Kind() string
	Region() string
	// Time says when a file was delivered, by its name: to the minute, or only the day where exact is false.
	Time(key string) (t time.Time, exact, ok bool)
	// Day is the prefix of the files of a day. It sorts as days do.
	Day(t time.Time) string
}

// Object is an entry of a listing.
type Object struct {
	Key, ETag string
	Size      int64
	// Class is the storage class; empty is STANDARD.
	Class string
}

// The storage classes that matter here.
const (
	classGlacier     = "GLACIER"
	classDeepArchive = "DEEP_ARCHIVE"
	classTiering     = "INTELLIGENT_TIERING"
)

// archived says that an object of the class cannot be read before it is restored. Of classTiering only S3 knows.
func (o Object) archived() bool { return o.Class == classGlacier || o.Class == classDeepArchive }

// Archive is whether an object must be restored before it can be read.
type Archive struct {
	Archived, Restoring bool
	// Tiered: in an archive tier of S3 Intelligent-Tiering.
	Tiered bool
}

// Tree is the bucket. Its errors tell their kind through input.Explain. Safe for concurrent use.
type Tree interface {
	// Name of the bucket, Prefix that the job is below, Region of the bucket as far as it is known.
	Name() string
	Prefix() string
	Region() string
	// Folders finds all of them, with the number of calls.
	Folders(ctx context.Context) (list []Folder, calls int64, err error)
	// List gives a page, in order, of at most 1000 objects: behind startAfter, or where token continues. next is empty after the last.
	List(ctx context.Context, prefix, startAfter, token string) (list []Object, next string, err error)
	// Wanted says by its key whether an object is read.
	Wanted(key string) bool
	// Open begins an object. done is called once, where Open gave no error, when all that was read of it is acknowledged.
	Open(ctx context.Context, key string, done func(error)) (Stream, error)
	// Get gives the bytes of an object, at most limit.
	Get(ctx context.Context, key string, limit int64) ([]byte, error)
	// Archive asks for one object; Restore has it restored.
	Archive(ctx context.Context, key string) (Archive, error)
	Restore(ctx context.Context, key string, tiered bool, days int, tier string) error
	// BytesRead counts what Open has read.
	BytesRead() int64
	Close()
}

// Stream is an object that is being read.
type Stream interface {
	Next() (*input.Batch, error)
	// Failed says that a batch came back, so that reading on is of no use.
	Failed() bool
	Close()
}

// Queue takes notifications.
type Queue interface {
	// Send tells of objects; on nil the queue has all of them.
	Send(ctx context.Context, objects []Object, perMessage int) (calls int64, err error)
	Close()
}
