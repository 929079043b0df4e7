// Package notice understands what messages say that tell of CloudTrail's files: notifications of S3, by themselves or within SNS, events
// of EventBridge, CloudTrail's own messages, and those that bring the records themselves. It asks nobody, and knows nothing of
// queues.
package notice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/trailbeat/trailbeat/input"
)

// Notice is what a message says.
type Notice struct {
	Objects []Object
	// Records stand in the message itself.
	Records []json.RawMessage
	// Region that the records were sent from.
	Region string
	// Skipped are the kinds of events in it that are of no interest, such as "aws:s3 ObjectRemoved:Delete".
	Skipped []string
}

// Object names an object.
type Object struct {
	Bucket, Key string
	// Region of the bucket; empty where the message does not say.
	Region string
}

// UnknownError says that a message is not understood.
type UnknownError struct {
	// Kind is what can be said of it without its content, for one warning each.
	Kind string
}

func (e *UnknownError) Error() string {
	return "the message is not understood (" + e.Kind + "); it stays in the queue for its redrive policy"
}

// ErrorKind is the kind of the fault in reports; see input.Explained.
func (e *UnknownError) ErrorKind() string { return input.KindMessage }

// ErrorHint says how to mend it.
func (e *UnknownError) ErrorHint() string {
	return "send only notifications of S3, SNS, EventBridge or CloudTrail to the queue"
}

func unknown(format string, args ...any) error {
	kind := fmt.Sprintf(format, args...)
	if len(kind) > 120 {
		kind = kind[:120]
	}
	return &UnknownError{Kind: kind}
}

// ValidationMessage is what CloudTrail sends to a topic when it is set up.
const ValidationMessage = "CloudTrail validation message."

// envelope has the members by which messages are told apart.
type envelope struct {
	// SNS
	Type     string
	TopicArn string
	Message  *string
	// S3 and CloudTrail
	Event   string
	Records *[]json.RawMessage
	// CloudTrail's own
	Bucket string     `json:"s3Bucket"`
	Keys   stringList `json:"s3ObjectKey"`
	// of collectors that write lists of files: any types, as other messages have members of these names
	Place json.RawMessage `json:"bucket"`
	Files json.RawMessage `json:"files"`
	// EventBridge
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Region     string          `json:"region"`
	Detail     json.RawMessage `json:"detail"`
}

// stringList takes one string for a list of one.
type stringList []string

func (l *stringList) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		*l = make(stringList, 1)
		return json.Unmarshal(text, &(*l)[0])
	}
	return json.Unmarshal(text, (*[]string)(l))
}

// Parse understands the body of a message. The error is an *UnknownError.
func Parse(body string) (Notice, error) { return parseNested([]byte(body), 0) }

func parseNested(body []byte, depth int) (Notice, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if string(body) == ValidationMessage {
		return Notice{}, nil
	}
	if len(body) == 0 || body[0] != '{' {
		return Notice{}, unknown("no JSON object")
	}
	if !json.Valid(body) {
		return Notice{}, unknown("broken JSON")
	}
	if isRecord(body) { // before the rest, as its members may have any type
		return Notice{Records: []json.RawMessage{body}, Region: awsRegion(body)}, nil
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return Notice{}, unknown("a JSON object with members of other types: %s", typeOf(err))
	}
	switch {
	case e.TopicArn != "" && e.Message != nil:
		if e.Type != "" && e.Type != "Notification" {
			return Notice{}, unknown("SNS %s", e.Type)
		}
		if depth >= 3 {
			return Notice{}, unknown("SNS envelopes within each other")
		}
		n, err := parseNested([]byte(*e.Message), depth+1)
		if inner := new(UnknownError); errors.As(err, &inner) {
			return Notice{}, unknown("SNS with %s", strings.TrimPrefix(inner.Kind, "SNS with "))
		}
		return n, err
	case e.Event == "s3:TestEvent":
		return Notice{}, nil
	case e.Bucket != "" && len(e.Keys) > 0:
		var n Notice
		for _, key := range e.Keys {
			n.Objects = append(n.Objects, Object{Bucket: e.Bucket, Key: key})
		}
		return n, nil
	case len(e.Place) > 0 && len(e.Files) > 0:
		return parseFiles(e)
	case e.DetailType != "":
		return parseEventBridge(e)
	case e.Records != nil:
		return parseRecords(*e.Records)
	}
	return Notice{}, unknown("a JSON object without Records")
}

// parseFiles takes the form {"bucket":"name","files":[{"path":"key"}]}, with keys as they are.
func parseFiles(e envelope) (Notice, error) {
	var bucket string
	var files []struct {
		Path string `json:"path"`
	}
	if json.Unmarshal(e.Place, &bucket) != nil || json.Unmarshal(e.Files, &files) != nil || bucket == "" {
		return Notice{}, unknown("a list of files without bucket and paths")
	}
	var n Notice
	for _, f := range files {
		if f.Path == "" {
			return Notice{}, unknown("a list of files without bucket and paths")
		}
		n.Objects = append(n.Objects, Object{Bucket: bucket, Key: f.Path})
	}
	return n, nil
}

func typeOf(err error) string {
	if wrong, ok := err.(*json.UnmarshalTypeError); ok { //nolint:errorlint // json.Unmarshal does not wrap it
		return wrong.Field + " is a " + wrong.Value
	}
	return "unreadable"
}

// viaCloudTrail ends the detail-type of events that hold a record: "AWS API Call via CloudTrail" and its kin.
const viaCloudTrail = " via CloudTrail"

func parseEventBridge(e envelope) (Notice, error) {
	switch {
	case strings.HasSuffix(e.DetailType, viaCloudTrail):
		if !isObject(e.Detail) {
			return Notice{}, unknown("EventBridge %q without a record", e.DetailType)
		}
		return Notice{Records: []json.RawMessage{e.Detail}, Region: e.Region}, nil
	case e.Source != "aws.s3":
		return Notice{}, unknown("EventBridge %q of %q", e.DetailType, e.Source)
	case e.DetailType != "Object Created":
		return Notice{Skipped: []string{"EventBridge " + e.DetailType}}, nil
	}
	var d struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key string `json:"key"`
		} `json:"object"`
	}
	if json.Unmarshal(e.Detail, &d) != nil || d.Bucket.Name == "" || d.Object.Key == "" {
		return Notice{}, unknown("EventBridge %q without bucket and key", e.DetailType)
	}
	return Notice{Objects: []Object{{Bucket: d.Bucket.Name, Key: d.Object.Key, Region: e.Region}}}, nil
}

// s3Event is one element of a notification of S3.
type s3Event struct {
	EventSource string `json:"eventSource"`
	EventName   string `json:"eventName"`
	AWSRegion   string `json:"awsRegion"`
	S3          *struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key string `json:"key"`
		} `json:"object"`
	} `json:"s3"`
}

// parseRecords takes the elements of "Records": events of S3, or CloudTrail records.
func parseRecords(list []json.RawMessage) (Notice, error) {
	var n Notice
	for _, raw := range list {
		if isRecord(raw) {
			n.Records = append(n.Records, raw)
			n.Region = awsRegion(raw)
			continue
		}
		var e s3Event
		if err := json.Unmarshal(raw, &e); err != nil || e.EventSource == "" {
			return Notice{}, unknown("Records of another kind")
		}
		if e.EventSource != "aws:s3" {
			return Notice{}, unknown("Records of %s", e.EventSource)
		}
		if !strings.HasPrefix(strings.TrimPrefix(e.EventName, "s3:"), "ObjectCreated:") {
			n.Skipped = append(n.Skipped, e.EventSource+" "+e.EventName)
			continue
		}
		if e.S3 == nil || e.S3.Bucket.Name == "" || e.S3.Object.Key == "" {
			return Notice{}, unknown("S3 event without bucket and key")
		}
		key, err := url.QueryUnescape(e.S3.Object.Key)
		if err != nil {
			return Notice{}, unknown("S3 event with a key that is not encoded as it should")
		}
		n.Objects = append(n.Objects, Object{Bucket: e.S3.Bucket.Name, Key: key, Region: e.AWSRegion})
	}
	return n, nil
}

// isRecord tells a CloudTrail record: it has a version, an event of some kind and an identity, and is no event of S3.
func isRecord(raw []byte) bool {
	if !bytes.Contains(raw, []byte(`"eventVersion"`)) {
		return false
	}
	var r map[string]json.RawMessage
	if json.Unmarshal(raw, &r) != nil {
		return false
	}
	has := func(names ...string) bool {
		for _, name := range names {
			if _, ok := r[name]; ok {
				return true
			}
		}
		return false
	}
	return has("eventVersion") && has("eventID", "eventId", "sharedEventID") && has("eventType", "eventName", "eventCategory") && !has("s3", "Records", "detail-type")
}

func awsRegion(raw []byte) string {
	var r struct {
		Region string `json:"awsRegion"`
	}
	_ = json.Unmarshal(raw, &r)
	return r.Region
}

func isObject(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) > 1 && raw[0] == '{'
}
