package ecs

//go:generate go run ../internal/fieldsgen

// Meta is what an Event carries beside the document. It is not part of the JSON.
type Meta struct {
	// ID is the document's _id: the same for the same CloudTrail event, however often and by whichever way it arrives.
	// Empty lets the output choose.
	ID string
	// Index is the data stream (or index) that the document goes to. Empty means the output's default.
	Index string
}

// Arena gives the memory for strings that are made for this document. It is valid until Reset.
func (e *Event) Arena() *Arena {
	if e.arena == nil {
		e.arena = &Arena{}
	}
	return e.arena
}

// MarshalJSON gives the document, so that encoding/json writes an Event as AppendJSON does.
func (e *Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }
