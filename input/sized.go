package input

import "context"

// Sized is an Input that can tell how much there is to read now. It is optional, as Reporter is.
type Sized interface {
	// Size is how many bytes Report.Bytes will have grown by when all that is there now was read, as far as that can be known
	// without reading. It may ask the source and take a while; it may be called while Read is at work, from another goroutine. An
	// error says that it is not known.
	Size(ctx context.Context) (int64, error)
}
