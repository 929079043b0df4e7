// Package progress keeps what every input has to tell of itself in an input.Report beside its own counters: its state, the
// last object, the next poll and the last error. It is not where progress is made durable; see input.Store.
//
// A Tracker is safe for concurrent use and takes a few nanoseconds per object, not per record.
package progress

import (
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input"
)

// maxText bounds the texts that a report shows, in bytes.
const maxText = 2048

// Tracker is the state of one input. The zero value is an input that has not started.
type Tracker struct {
	mu     sync.Mutex
	report input.Report // the members that it keeps
}

// Object notes that an object was begun.
func (t *Tracker) Object(name string) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.LastObject, t.report.LastObjectTime = shorten(name), now
}

// Reading notes that the source is being asked or read.
func (t *Tracker) Reading() { t.state(input.StateReading, time.Time{}) }

// Waiting notes that there was nothing more to read, and when the source is asked again; zero where that is not known.
func (t *Tracker) Waiting(next time.Time) { t.state(input.StateWaiting, next) }

// Retrying notes that the source as a whole could not be read, and when it is tried again.
func (t *Tracker) Retrying(next time.Time) { t.state(input.StateFailing, next) }

// Ended notes that nothing is read any more. Nothing changes the state after that.
func (t *Tracker) Ended() { t.state(input.StateEnded, time.Time{}) }

func (t *Tracker) state(state string, next time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.report.State != input.StateEnded {
		t.report.State, t.report.NextPoll = state, next
	}
}

// Failed notes what went wrong. nil is nothing.
func (t *Tracker) Failed(err error) {
	if err == nil {
		return
	}
	kind, hint := input.Explain(err)
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.report.Errors == nil {
		t.report.Errors = make(map[string]int64)
	}
	t.report.Errors[kind]++
	r := &t.report
	r.LastError, r.LastErrorKind, r.LastErrorHint, r.LastErrorTime = shorten(err.Error()), kind, shorten(hint), now
}

// Report gives what the Tracker knows; the input fills in the rest.
func (t *Tracker) Report() input.Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.report
	if r.State == "" {
		r.State = input.StateStarting
	}
	kinds := input.ErrorKinds()
	r.Errors = make(map[string]int64, len(kinds))
	for _, kind := range kinds {
		r.Errors[kind] = t.report.Errors[kind]
	}
	return r
}

// shorten cuts a text in the middle of nowhere, but not in the middle of a character.
func shorten(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for end > 0 && text[end]&0xc0 == 0x80 {
		end--
	}
	return text[:end] + "..."
}
