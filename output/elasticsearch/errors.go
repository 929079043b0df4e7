package elasticsearch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RequestError is a whole request that the server refused, with nothing said about its documents.
type RequestError struct {
	// Status of the answer.
	Status int
	// Type and Reason are the server's words. Type is empty where the answer is not in the form of Elasticsearch.
	Type, Reason string
	// Wait is what the server's Retry-After says. Zero where it says nothing.
	Wait time.Duration
}

func (e *RequestError) Error() string {
	if e.Type == "" {
		return fmt.Sprintf("status %d: %s", e.Status, e.Reason)
	}
	return fmt.Sprintf("status %d, %s: %s", e.Status, e.Type, e.Reason)
}

// RetryAfter is the least time to wait before the next try. Zero: the server named none.
func (e *RequestError) RetryAfter() time.Duration { return e.Wait }

// requestError reads an answer that is not the one hoped for.
func requestError(a answer) *RequestError {
	e := &RequestError{Status: a.status, Wait: retryAfter(a.header)}
	var body struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"` // what gateways in front of managed services say
	}
	var cause causes
	switch {
	case json.Unmarshal(a.body, &body) != nil:
		e.Reason = notAnAnswer(a)
	case json.Unmarshal(body.Error, &cause) == nil && cause.Type != "":
		e.Type, e.Reason = cause.Type, cause.reason()
	case json.Unmarshal(body.Error, &e.Reason) == nil:
	case body.Message != "":
		e.Reason = body.Message
	default:
		e.Reason = http.StatusText(a.status)
	}
	return e
}

// notAnAnswer describes a body that is not JSON, without quoting it: it may be a whole page.
func notAnAnswer(a answer) string {
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	switch {
	case len(a.body) == 0:
		return "the answer is empty"
	case kind == "" || strings.Contains(kind, "json"):
		return fmt.Sprintf("the answer (%d bytes) is not valid JSON", len(a.body))
	default:
		return fmt.Sprintf("the answer is of type %s, not JSON; a proxy or another server may have given it", kind)
	}
}

// causes is an error as the server nests it.
type causes struct {
	Type   string  `json:"type"`
	Reason string  `json:"reason"`
	Cause  *causes `json:"caused_by"`
}

// reason joins the reasons of the nested errors, less those that only repeat the one above.
func (c *causes) reason() string {
	text := c.Reason
	for next := c.Cause; next != nil; next = next.Cause {
		if next.Reason != "" && !strings.Contains(text, next.Reason) {
			text += ": " + next.Reason
		}
	}
	return text
}

// retryAfter reads the header in both its forms, seconds and a date.
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return max(time.Duration(seconds)*time.Second, 0)
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}
