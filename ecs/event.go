package ecs

//go:generate go run ../internal/fieldsgen

// Meta is what an Event carries beside the document. It is not part of the JSON.
type Meta struct {
	// ID is the document's _id: the same for the same CloudTrail event, however often and by whichever way it arrives.
	// Empty lets the output choose.
	ID string
	// Index is the data stream (or index) that the document goes to. Empty means the output's default.
	Index string
	// Output names the output that the document goes to. Empty means the one that there is without rules.
	Output string
	// Dated says that @timestamp is a time that the record itself states, and not the time of reading: the document cannot
	// have been stored anywhere before it. False, which is always safe, means that nothing is known about that.
	Dated bool
	// Raw is the record as it came, for outputs that send that instead of the document. Valid as long as its batch. Nil: not
	// kept.
	Raw []byte
}

// Arena gives the memory for strings that are made for this document. It is valid until Reset, or where the
// memory is shared, until that of the Arena.
func (e *Event) Arena() *Arena {
	if e.arena == nil {
		e.arena = &Arena{}
	}
	return e.arena
}

// ShareArena makes a the Arena of this document. Other documents may have the same: their texts lie side by side then, in the
// memory that they need together, while an Arena for each grows to what the largest document needs that it ever had. Reset leaves it
// alone: who shares it resets it, before the first of these documents is used again. All of them belong to one goroutine at a time.
func (e *Event) ShareArena(a *Arena) {
	a.shared = true
	e.arena = a
}

// MarshalJSON gives the document, so that encoding/json writes an Event as AppendJSON does.
func (e *Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }
