package integrity

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
)

// The checks.
const (
	// CheckVerify is the proof by digests.
	CheckVerify = "verify"
	// CheckAudit is the comparison of source and output.
	CheckAudit = "audit"
)

// Finding is what one check says of a digest, or of an hour, of an account in a region.
type Finding struct {
	// Check is one of the constants.
	Check string `json:"check"`
	// Complete says that all is well.
	Complete bool `json:"complete"`
	// Input is the id of the input whose bucket was verified. Empty for an audit, which is about all of them.
	Input string `json:"input,omitempty"`
	// From and To are the time of delivery that a digest is about, or the hour of the events. Zero: events without a time.
	From time.Time `json:"-"`
	To   time.Time `json:"-"`
	// Account, Region and Trail are empty where they are not known.
	Account string `json:"-"`
	Region  string `json:"-"`
	Trail   string `json:"trail,omitempty"`
	// Digest is the key of the digest, Result what was found of it, or gap, or not_covered for log files that no digest names.
	Digest string `json:"digest,omitempty"`
	Result string `json:"result,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Files are the log files by their result.
	Files map[string]int64 `json:"files,omitempty"`
	// Events are the counts of an audit.
	Events *Events `json:"events,omitempty"`
}

// Events are counted as by package audit.
type Events struct {
	Source       int64 `json:"source"`
	Stored       int64 `json:"stored"`
	DeadLettered int64 `json:"dead_lettered"`
	Filtered     int64 `json:"filtered"`
	OtherOutput  int64 `json:"other_output"`
	Missing      int64 `json:"missing"`
	Extra        int64 `json:"extra"`
	Duplicate    int64 `json:"duplicate"`
}

// missing is how many events or files are.
func (f *Finding) missing() int64 {
	if f.Events != nil {
		return f.Events.Missing
	}
	return f.Files["missing"]
}

// event makes the document. It is named by what it says.
func (f *Finding) event(stream string, now time.Time) (*ecs.Event, error) {
	ev := new(ecs.Event)
	ev.Timestamp = now.UTC().Format(time.RFC3339Nano)
	outcome := "failure"
	if f.Complete {
		outcome = "success"
	}
	typ, dataset, namespace := cutStream(stream)
	ev.DataStream.Type, ev.DataStream.Dataset, ev.DataStream.Namespace = typ, dataset, namespace
	ev.Event.Module, ev.Event.Dataset, ev.Event.Action, ev.Event.Outcome = "trailbeat", dataset, f.Check, outcome
	ev.Cloud.Provider, ev.Cloud.Account.ID, ev.Cloud.Region = "aws", f.Account, f.Region
	ev.Meta.Index, ev.Meta.Dated = stream, false
	if !f.From.IsZero() {
		if err := ev.Put("event.start", f.From.UTC().Format(time.RFC3339)); err != nil {
			return nil, err
		}
		if err := ev.Put("event.end", f.To.UTC().Format(time.RFC3339)); err != nil {
			return nil, err
		}
	}
	text, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	if err := ev.Put("trailbeat.integrity", json.RawMessage(text)); err != nil {
		return nil, err
	}
	id := sha256.New()
	for _, part := range []string{f.Account, f.Region, f.From.UTC().Format(time.RFC3339Nano), f.To.UTC().Format(time.RFC3339Nano), string(text)} {
		_, _ = id.Write(append([]byte(part), 0xff)) // it never fails
	}
	ev.Meta.ID = hex.EncodeToString(id.Sum(nil)[:16])
	return ev, nil
}
