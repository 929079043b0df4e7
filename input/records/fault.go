package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"unsafe"
)

// Fault says why a text, which what names ("the log event"), cannot be a CloudTrail record as it was written; empty where it can be one. What
// the record says is the business of the mapping.
func Fault(what, message string) string {
	text := unsafe.Slice(unsafe.StringData(message), len(message)) // read only
	start := 0
	for start < len(text) && (text[start] == ' ' || text[start] == '\t' || text[start] == '\r' || text[start] == '\n') {
		start++
	}
	if start == len(text) {
		return what + " is empty"
	}
	if text[start] != '{' {
		return what + " is not a JSON object"
	}
	if json.Valid(text) {
		return ""
	}
	var raw json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal(text, &raw); errors.As(err, &syntax) {
		if syntax.Offset >= int64(len(text)) {
			return fmt.Sprintf("%s is truncated: its JSON ends in the middle, after %d bytes", what, len(text))
		}
		return fmt.Sprintf("%s is not valid JSON at byte %d: %s", what, syntax.Offset, syntax.Error())
	}
	return what + " is not valid JSON"
}

// Describe says what a record in a text is, which what names, for people who look whether all is well. hint is what to do where it is no
// record of CloudTrail.
func Describe(what, message, hint string) (string, error) {
	if why := Fault(what, message); why != "" {
		return "", fmt.Errorf("%s; such records go to the dead letters", why)
	}
	var record struct{ EventVersion, EventName, EventSource, EventID, EventType string }
	if err := json.Unmarshal([]byte(message), &record); err != nil {
		return "", fmt.Errorf("decoding %s: %w", what, err)
	}
	if record.EventVersion == "" && record.EventID == "" {
		return "", fmt.Errorf("%s is JSON but no CloudTrail record: it has neither eventVersion nor eventID; %s", what, hint)
	}
	name := record.EventName
	if name == "" {
		name = record.EventType
	}
	return fmt.Sprintf("%s of %s, eventVersion %s", name, record.EventSource, record.EventVersion), nil
}
