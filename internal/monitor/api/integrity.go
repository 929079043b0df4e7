package api

import "time"

// Integrity says whether the past is complete, as far as it was looked at.
type Integrity struct {
	// CheckedUntil is the end of what was looked at. Absent: nothing yet.
	CheckedUntil time.Time `json:"checked_until,omitzero"`
	LastCheck    time.Time `json:"last_check,omitzero"`
	NextCheck    time.Time `json:"next_check,omitzero"`
	// Running says that a check is being made.
	Running bool `json:"running"`
	// Error is why the last check failed. Absent: it did not.
	Error string `json:"error,omitempty"`
	// Checks were made by this process, Failed of them came to no end.
	Checks int64 `json:"checks"`
	Failed int64 `json:"failed"`
	// Findings of this process, by check.
	Findings []IntegrityFindings `json:"findings"`
	// IncompleteHours counts hours, each of an account and region and by each check; Missing the events and files in them.
	IncompleteHours int64 `json:"incomplete_hours"`
	Missing         int64 `json:"missing"`
	// Incomplete are these hours, the latest first, at most MaxIncomplete of them.
	Incomplete []IncompleteHour `json:"incomplete"`
}

// MaxIncomplete bounds the hours in a Status.
const MaxIncomplete = 50

// IntegrityFindings counts what one check found.
type IntegrityFindings struct {
	// Check is verify (digests and files) or audit (events).
	Check      string `json:"check"`
	Complete   int64  `json:"complete"`
	Incomplete int64  `json:"incomplete"`
}

// IncompleteHour is an hour that is not complete.
type IncompleteHour struct {
	// Hour begins it. Absent: events without a time.
	Hour    time.Time `json:"hour,omitzero"`
	Check   string    `json:"check"`
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Missing int64     `json:"missing"`
	Reason  string    `json:"reason"`
	// Since is when it was first seen so.
	Since time.Time `json:"since"`
}
