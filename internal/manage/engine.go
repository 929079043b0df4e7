package manage

import (
	"context"
	"errors"
)

// Input is a source as it is run: with its secrets.
type Input struct {
	ID, Name string
	// Options of one element of trailbeat.inputs, nested, with type.
	Options     map[string]any
	Enrichments []string
	// Routing is the group routing of the source alone. Nil: there is none.
	Routing map[string]any
}

// Engine runs sources. Only Check, IsSecret and Status are called from several goroutines.
type Engine interface {
	// IsSecret reports whether an option of a type of input is never to be shown. Numbers of list elements are left out of its name.
	IsSecret(kind, option string) bool
	// Check judges options without opening anything. The member of a fault is the name of the option.
	Check(in Input) (warnings []string, faults []Fault)
	// Test goes the way to a record. It reports whether all steps went well.
	Test(ctx context.Context, in Input, report func(Step)) bool
	// Prepare makes the places that the rules of routing of a source name.
	Prepare(ctx context.Context, in Input) error
	// Start begins to read. ErrStopping says that the run ends.
	Start(ctx context.Context, in Input) error
	// Stop delivers what was read and stops; what is not delivered when ctx ends is handed back, and counted. A source that does not
	// run is no error.
	Stop(ctx context.Context, id string) (returned int64, err error)
	// Forget removes the checkpoints of a source.
	Forget(id string) error
	// Status of a source that runs.
	Status(id string) Status
}

// Status is how a source does.
type Status struct {
	// Running says that it is part of the run, Reading that it is read.
	Running bool `json:"running"`
	Reading bool `json:"reading"`
	// Error is why it is not read. Empty: it is, or it is exhausted.
	Error string `json:"error,omitempty"`
	// Received is the number of records since the process began, Indexed and so on what became of them.
	Received     int64 `json:"received"`
	Indexed      int64 `json:"indexed"`
	Duplicate    int64 `json:"duplicate"`
	Filtered     int64 `json:"filtered"`
	DeadLettered int64 `json:"dead_lettered"`
	InFlight     int64 `json:"in_flight"`
	Returned     int64 `json:"returned"`
	ReadErrors   int64 `json:"read_errors"`
}

var (
	// ErrStopping says that the run ends. Orders that are not done are carried out by the next.
	ErrStopping = errors.New("the shipper is stopping; ask again when it runs")
	// ErrNotFound says that there is no such source or order.
	ErrNotFound = errors.New("there is none of that id")
	// ErrBusy says that more is asked for than is kept.
	ErrBusy = errors.New("there is too much to do")
)

// ConflictError says that an operation does not fit what is there.
type ConflictError struct{ Message string }

func (e *ConflictError) Error() string { return e.Message }

// InvalidError says what is wrong with a request.
type InvalidError struct{ Faults []Fault }

func (e *InvalidError) Error() string {
	text := ""
	for i, f := range e.Faults {
		if i > 0 {
			text += "; "
		}
		if f.Member != "" {
			text += f.Member + ": "
		}
		text += f.Message
	}
	return text
}
