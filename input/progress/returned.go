package progress

import "github.com/trailbeat/trailbeat/input"

// ReturnedError is about something that was handed out and came back.
type ReturnedError struct {
	// What came back, in words: `a batch of log group "trail"`.
	What string
	// Err is the reason.
	Err error
}

// Error says both.
func (e *ReturnedError) Error() string { return e.What + " was not delivered: " + e.Err.Error() }

// Unwrap gives the reason.
func (e *ReturnedError) Unwrap() error { return e.Err }

// ErrorKind is the kind of the fault in reports; see input.Explained.
func (e *ReturnedError) ErrorKind() string { return input.KindReturned }

// ErrorHint is empty: how to mend it depends on the output.
func (e *ReturnedError) ErrorHint() string { return "" }
