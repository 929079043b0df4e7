package cloudwatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"unsafe"
)

// fault says why a log event cannot be a CloudTrail record as it was written; empty where it can be one. What the record
// says is the business of the mapping.
func fault(message string) string {
	text := unsafe.Slice(unsafe.StringData(message), len(message)) // read only
	start := 0
	for start < len(text) && (text[start] == ' ' || text[start] == '\t' || text[start] == '\r' || text[start] == '\n') {
		start++
	}
	if start == len(text) {
		return "the log event is empty"
	}
	if text[start] != '{' {
		return "the log event is not a JSON object"
	}
	if json.Valid(text) {
		return ""
	}
	var raw json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal(text, &raw); errors.As(err, &syntax) {
		if syntax.Offset >= int64(len(text)) {
			return fmt.Sprintf("the log event is truncated: its JSON ends in the middle, after %d bytes", len(text))
		}
		return fmt.Sprintf("the log event is not valid JSON at byte %d: %s", syntax.Offset, syntax.Error())
	}
	return "the log event is not valid JSON"
}
