package lease

import (
	"context"
	"errors"
)

// ErrConflict says that a condition did not hold: the object is there, or is not, or is another one.
var ErrConflict = errors.New("the object was changed by somebody else")

// ErrNone says that there is no such object.
var ErrNone = errors.New("there is no such object")

// Item is an object in a listing.
type Item struct{ Key, ETag string }

// Objects is where leases are kept. Reads and listings must show every write that has returned. Safe for concurrent use.
type Objects interface {
	// Get gives an object and its ETag; ErrNone where there is none.
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	// Put writes an object if its ETag is that, or, with an empty one, if there is none. ErrConflict: it was not written. Any other error
	// says nothing: it may have been.
	Put(ctx context.Context, key string, body []byte, etag string) (newETag string, err error)
	// List gives all objects whose keys begin so.
	List(ctx context.Context, prefix string) ([]Item, error)
	// Delete removes an object. That there is none is no error.
	Delete(ctx context.Context, key string) error
}

// written is an object that this process writes, with what it must know to tell its own writes from others'.
type written struct {
	key  string
	etag string // of the last write that is known to have succeeded; empty: there is none
	// tried are the marks of writes of which nobody knows how they ended, with what was noted for each.
	tried map[string]any
}

// maxTried bounds the writes of unknown end. Beyond it the object counts as lost.
const maxTried = 1000

// put writes body, which contains mark and no other of this object. note comes back for the write that counts: this one, or an earlier
// one of which the answer was lost. again says that such an earlier one was found, and that body is still to be written.
func (w *written) put(ctx context.Context, o Objects, body []byte, mark string, note any, markOf func([]byte) string) (counted any, again bool, err error) {
	if w.tried == nil {
		w.tried = make(map[string]any)
	}
	if len(w.tried) >= maxTried {
		return nil, false, ErrConflict
	}
	w.tried[mark] = note
	etag, err := o.Put(ctx, w.key, body, w.etag)
	if err == nil {
		w.etag = etag
		clear(w.tried)
		return note, false, nil
	}
	if !errors.Is(err, ErrConflict) {
		return nil, false, err
	}
	there, etag, getErr := o.Get(ctx, w.key)
	if errors.Is(getErr, ErrNone) {
		return nil, false, ErrConflict
	}
	if getErr != nil {
		return nil, false, getErr // not known: the next write tries again
	}
	found := markOf(there)
	counted, ours := w.tried[found]
	if !ours {
		return nil, false, ErrConflict
	}
	w.etag = etag
	clear(w.tried)
	return counted, found != mark, nil
}
