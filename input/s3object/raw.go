package s3object

import (
	"context"
	"strings"
)

// Raw is the content of one object as it is stored, for those who look at files and not at records. A connection that breaks is opened
// again where it stopped. It is for one goroutine; Close it.
type Raw struct {
	stream *stream
	closed bool
}

// OpenRaw asks for an object. It looks neither at its name nor into it. ctx bounds all of the reading.
func (r *Reader) OpenRaw(ctx context.Context, ref Ref) (*Raw, error) {
	r.stats.ObjectsRequested.Add(1)
	s := newStream(ctx, r, ref)
	if err := s.connect(); err != nil {
		r.stats.ObjectsFailed.Add(1)
		s.close()
		return nil, err
	}
	r.stats.ObjectsInFlight.Add(1)
	return &Raw{stream: s}, nil
}

// Read reads on. Its errors, but for io.EOF, are those of the way to the object and say how they are mended.
func (o *Raw) Read(p []byte) (int, error) {
	n, err := o.stream.Read(p)
	if err != nil && o.stream.failure != nil {
		err = o.stream.failure
	}
	return n, err
}

// Info is what S3 said of the object.
func (o *Raw) Info() Info { return o.stream.info }

// Metadata are those of the user, by their names in lower case and without x-amz-meta-.
func (o *Raw) Metadata() map[string]string {
	list := make(map[string]string, len(o.stream.user))
	for name, value := range o.stream.user {
		list[strings.ToLower(name)] = value
	}
	return list
}

// Close ends the reading. It never fails.
func (o *Raw) Close() error {
	if !o.closed {
		o.closed = true
		o.stream.close()
		o.stream.r.stats.ObjectsInFlight.Add(-1)
		o.stream.r.stats.ObjectsProcessed.Add(1)
	}
	return nil
}
