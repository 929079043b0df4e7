package trailstore

import (
	"context"
	"io"
	"io/fs"
	"iter"
)

// ErrNotExist says that there is no such file. The errors of Open have it where the store is sure of that.
var ErrNotExist = fs.ErrNotExist

// Store holds files under keys as S3 has them, with slashes. Safe for concurrent use. Its errors say how they are mended.
type Store interface {
	// Name is what people call it: s3://bucket, or the path of a folder.
	Name() string
	// Bucket that is meant where none is named; empty for a store that has only one and does not know its name.
	Bucket() string
	// Folders gives the folders directly below a prefix, which ends in a slash or is empty: whole prefixes with a slash at their end,
	// in order.
	Folders(ctx context.Context, bucket, prefix string) ([]string, error)
	// List gives what is below a prefix, at any depth, in the order of the keys, behind the key after. It ends with the first error.
	List(ctx context.Context, bucket, prefix, after string) iter.Seq2[Entry, error]
	// Open begins to read a file. Where it is not there, the error has ErrNotExist.
	Open(ctx context.Context, bucket, key string) (*File, error)
}

// Entry is one file of a listing.
type Entry struct {
	Key string
	// Size in bytes, as it is stored.
	Size int64
}

// File is a file that is being read. Close it.
type File struct {
	io.ReadCloser
	// Metadata are those of the user that S3 keeps with the object, by their names in lower case and without x-amz-meta-. Nil where
	// the store keeps none.
	Metadata map[string]string
}
