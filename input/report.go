package input

import (
	"errors"
	"io/fs"
	"slices"
	"time"
)

// Reporter is an Input that tells what it is doing. It is optional: a flow asks with a type assertion, and does without
// where an input is none.
//
// Report asks nobody and does no input or output, so it may be called often: at any time, before the first Read and after
// Close, from any goroutine.
type Reporter interface {
	Report() Report
}

// Report is the state of an input at one moment. All counters begin with 0 when the input is made, none ever falls but those
// that say so. Nothing in it is secret.
//
// Source, LastObject and LastError are for people: their values are without bounds, and so they are no labels of metrics. Unit,
// State and the keys of Errors are (see Units, States and ErrorKinds).
type Report struct {
	// Source is what is read, such as s3://bucket/prefix, the URL of a queue or the ARN of a log group. It never changes.
	Source string `json:"source"`
	// Unit is what the counters of objects count: one of Units.
	Unit string `json:"unit"`
	// State is one of States.
	State string `json:"state"`

	// LastObject names the object, message or log group that was begun last, LastObjectTime when. Empty and zero: none yet.
	LastObject     string    `json:"last_object,omitempty"`
	LastObjectTime time.Time `json:"last_object_time,omitzero"`
	// NextPoll is when the source is asked again. Zero while it is being asked or read, and for a source that is never asked.
	NextPoll time.Time `json:"next_poll,omitzero"`
	// Behind is the age of the newest thing that was read, in seconds, where the source tells it: of the last message when it
	// was received, of the end of what was read of the log groups. 0: not known.
	Behind float64 `json:"behind_seconds"`
	// Waiting is about how much waits at the source and was not begun: messages in the queue. -1: not known. It falls too.
	Waiting int64 `json:"waiting"`

	// Listed were found at the source: the answers of listings, files found, messages received, log events returned.
	Listed int64 `json:"listed"`
	// InFlight were begun and are neither done nor given back. It falls too.
	InFlight int64 `json:"in_flight"`
	// Read were read to their end, and all that was in them is durable.
	Read int64 `json:"read"`
	// Failed is how often one could not be read or was not delivered. They are tried again, and may be among Read later.
	Failed int64 `json:"failed"`
	// Failing are not read yet although they were tried. It falls too.
	Failing int64 `json:"failing"`
	// Skipped were left out: by the options, since they were read before, or since they tell of nothing to read.
	Skipped int64 `json:"skipped"`
	// Missing were gone when they were to be read.
	Missing int64 `json:"missing"`
	// Records were handed out. A record that is handed out again counts again.
	Records int64 `json:"records"`
	// Bytes came from the source for them, as they are stored there: packed where that is packed.
	Bytes int64 `json:"bytes"`
	// Calls are those that look for something to read: listings, receives, queries. Throttled of them were refused for their
	// number, where the input sees that.
	Calls     int64 `json:"calls"`
	Throttled int64 `json:"throttled"`

	// Leases are how the work is shared with other processes. nil: it is not.
	Leases *Leases `json:"leases,omitempty"`

	// Errors counts by kind what went wrong. All of ErrorKinds are there from the start.
	Errors map[string]int64 `json:"errors"`
	// LastError is what went wrong last, LastErrorTime when, LastErrorKind one of ErrorKinds, and LastErrorHint how to mend it where
	// that can be said. Empty: nothing went wrong.
	LastError     string    `json:"last_error,omitempty"`
	LastErrorKind string    `json:"last_error_kind,omitempty"`
	LastErrorHint string    `json:"last_error_hint,omitempty"`
	LastErrorTime time.Time `json:"last_error_time,omitzero"`
}

// Leases are how an input shares its work with other processes, at one moment. The states fall too, the counters do not.
type Leases struct {
	// Members are the processes that are alive, this one included. 0: that is not known yet.
	Members int64 `json:"members"`
	// Held of the Known pieces of work, such as folders of a bucket, are this process's.
	Known int64 `json:"known"`
	Held  int64 `json:"held"`

	// Acquired is how often this process got one, TakenOver of them from a process that had gone without giving it back.
	Acquired  int64 `json:"acquired"`
	TakenOver int64 `json:"taken_over"`
	// Released is how often it gave one to another process, Lost how often another read on since this one was silent for too long: what it
	// had read and not stored is read again there.
	Released int64 `json:"released"`
	Lost     int64 `json:"lost"`
	// RenewalsFailed is how often it could not say that it lives. Where that stays, its leases are lost.
	RenewalsFailed int64 `json:"renewals_failed"`
}

// The units of a Report.
const (
	UnitFile     = "file"
	UnitObject   = "object"
	UnitMessage  = "message"
	UnitLogEvent = "log_event"
	UnitEvent    = "event"
)

// Units are all units of reports.
func Units() []string { return []string{UnitFile, UnitObject, UnitMessage, UnitLogEvent, UnitEvent} }

// The states of an input.
const (
	// StateStarting: nothing was asked for yet.
	StateStarting = "starting"
	// StateReading: the source is asked, or something is read.
	StateReading = "reading"
	// StateWaiting: there was nothing more to read; NextPoll says when the source is asked again.
	StateWaiting = "waiting"
	// StateFailing: the last thing that was tried with the source as a whole failed, and it is tried again.
	StateFailing = "failing"
	// StateEnded: all was read, or the input was closed or broke.
	StateEnded = "ended"
)

// States are all states of reports.
func States() []string {
	return []string{StateStarting, StateReading, StateWaiting, StateFailing, StateEnded}
}

// The kinds of errors.
const (
	// KindThrottled: the source takes no more calls for now.
	KindThrottled = "throttled"
	// KindAccessDenied: a right is missing.
	KindAccessDenied = "access_denied"
	// KindCredentials: there are none, or they are wrong. KindExpired: they have expired.
	KindCredentials = "credentials"
	KindExpired     = "expired"
	// KindMissing: what is to be read does not exist.
	KindMissing = "missing"
	// KindRegion: it is in another region.
	KindRegion = "region"
	// KindEncryption: its key cannot be used.
	KindEncryption = "encryption"
	// KindArchived: it must be restored first.
	KindArchived = "archived"
	// KindChanged: it changed while it was read.
	KindChanged = "changed"
	// KindNetwork: no connection, a broken one, or no answer in time.
	KindNetwork = "network"
	// KindServer: a fault of the server.
	KindServer = "server"
	// KindContent: it was read and is broken. KindMessage: a message that is not understood.
	KindContent = "content"
	KindMessage = "message"
	// KindReturned: it was read and not delivered.
	KindReturned = "returned"
	// KindOther: everything else.
	KindOther = "other"
)

// ErrorKinds are all kinds of errors.
func ErrorKinds() []string {
	return []string{
		KindThrottled, KindAccessDenied, KindCredentials, KindExpired, KindMissing, KindRegion, KindEncryption, KindArchived, KindChanged,
		KindNetwork, KindServer, KindContent, KindMessage, KindReturned, KindOther,
	}
}

// Explained is an error that knows its kind and how to mend it.
type Explained interface {
	error
	// ErrorKind is one of ErrorKinds.
	ErrorKind() string
	// ErrorHint says how to mend it; empty where that cannot be said.
	ErrorHint() string
}

// Explain gives the kind of an error and how to mend it, where it, or what it wraps, is an Explained. Otherwise errors of files are
// told apart, and the rest is KindOther.
func Explain(err error) (kind, hint string) {
	var own Explained
	switch {
	case errors.As(err, &own):
		if kind = own.ErrorKind(); !slices.Contains(ErrorKinds(), kind) {
			kind = KindOther
		}
		return kind, own.ErrorHint()
	case errors.Is(err, fs.ErrPermission):
		return KindAccessDenied, "allow this user to read it"
	case errors.Is(err, fs.ErrNotExist):
		return KindMissing, "check the name"
	}
	return KindOther, ""
}
