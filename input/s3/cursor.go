package s3

import (
	"encoding/json"
	"time"
)

// cursor knows which objects of one prefix were read, in bounded memory. Each kind of order that keys may have has one.
// The ledger guards all of them with its lock.
//
// A listing is begin, then visit for each page in the order of the keys, the last one with last set. Where it broke off,
// begin goes on or starts again. Objects that visit gave are open until settle; no state that is stored ever passes them.
type cursor interface {
	// begin starts a listing behind the key that it gives. ok is false where the last one is not settled yet.
	begin(now time.Time, all bool) (startAfter string, ok bool)
	// visit takes a page and gives the objects of it that were not read yet. at is the time of the server.
	visit(page []object, at time.Time, last bool) []object
	// settle says that an object that visit gave is done, or remembered elsewhere.
	settle(key string)
	// abandon gives back the last objects of the last page, which nobody read. A later listing finds them again.
	abandon(list []object)
	// changes puts what is to be stored into the map; nil values are to be deleted.
	changes(into map[string]any)
	// load takes one stored value; name is the part of its key behind that of the cursor.
	load(name string, value json.RawMessage) error
	// stateSize is the number of remembered objects.
	stateSize() int
}

// window says what is not to be read at all.
type window struct {
	// start is when reading begins; zero: with the oldest object.
	start time.Time
	// ignoreOlder leaves out what is older, seen from now; zero: nothing.
	ignoreOlder time.Duration
}

// since gives the time before which nothing is read, zero for none.
func (w window) since(now time.Time) time.Time {
	since := w.start
	if w.ignoreOlder > 0 {
		if t := now.Add(-w.ignoreOlder); t.After(since) {
			since = t
		}
	}
	return since
}
