package deadletter

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

// entry is the form of a letter in the file.
type entry struct {
	Time     time.Time       `json:"@timestamp"`
	ID       string          `json:"id,omitempty"`
	Index    string          `json:"index,omitempty"`
	Error    entryError      `json:"error"`
	Input    entryInput      `json:"input"`
	Origin   entryOrigin     `json:"origin"`
	Record   *string         `json:"record,omitempty"`        // the raw record where it is valid UTF-8
	Base64   []byte          `json:"record_base64,omitempty"` // and where it is not
	Document json.RawMessage `json:"document,omitempty"`
}

type entryError struct {
	Type   string `json:"type,omitempty"`
	Reason string `json:"reason,omitempty"`
	Status int    `json:"status,omitempty"`
}

type entryInput struct {
	ID   string `json:"id,omitempty"`
	Type string `json:"type,omitempty"`
}

type entryOrigin struct {
	// InputID and InputType are those of the first delivery: a replay is an input too.
	InputID   string          `json:"input_id,omitempty"`
	InputType string          `json:"input_type,omitempty"`
	Path      string          `json:"path,omitempty"`
	Bucket    string          `json:"bucket,omitempty"`
	BucketARN string          `json:"bucket_arn,omitempty"`
	Key       string          `json:"key,omitempty"`
	Region    string          `json:"region,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	LogGroup  string          `json:"log_group,omitempty"`
	LogStream string          `json:"log_stream,omitempty"`
	Index     int64           `json:"index"`
	Offset    int64           `json:"offset"`
	SourceID  string          `json:"source_id,omitempty"`
	Created   *time.Time      `json:"created,omitempty"`
}

// appendEntry appends the line of l, with its newline.
func appendEntry(buf *bytes.Buffer, l *shipper.Letter) error {
	e := entry{
		Time: l.Time, ID: l.ID, Index: l.Index,
		Error:  entryError{Type: l.Type, Reason: l.Reason, Status: l.Status},
		Input:  entryInput{ID: l.InputID, Type: l.InputType},
		Origin: entryOrigin{Index: l.Record.Index, Offset: l.Record.Offset, SourceID: l.Record.SourceID},
	}
	if o := l.Record.Origin; o != nil {
		e.Origin.InputID, e.Origin.InputType = o.InputID, o.InputType
		e.Origin.Path, e.Origin.Bucket, e.Origin.BucketARN, e.Origin.Key = o.Path, o.Bucket, o.BucketARN, o.Key
		e.Origin.Region, e.Origin.LogGroup, e.Origin.LogStream = o.Region, o.LogGroup, o.LogStream
		if json.Valid(o.Metadata) {
			e.Origin.Metadata = o.Metadata
		}
	}
	if !l.Record.Created.IsZero() {
		e.Origin.Created = &l.Record.Created
	}
	if utf8.Valid(l.Record.Raw) {
		raw := string(l.Record.Raw)
		e.Record = &raw
	} else {
		e.Base64 = l.Record.Raw
	}
	if json.Valid(l.Document) {
		e.Document = l.Document
	}
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&e); err != nil {
		return fmt.Errorf("encoding a dead letter: %w", err)
	}
	return nil
}

// parseEntry reads one line.
func parseEntry(line []byte) (shipper.Letter, error) {
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		return shipper.Letter{}, err
	}
	l := shipper.Letter{
		Time: e.Time, ID: e.ID, Index: e.Index,
		Type: e.Error.Type, Reason: e.Error.Reason, Status: e.Error.Status,
		InputID: e.Input.ID, InputType: e.Input.Type, Document: e.Document,
		Record: input.Record{Index: e.Origin.Index, Offset: e.Origin.Offset, SourceID: e.Origin.SourceID, Origin: &input.Origin{
			InputID: e.Origin.InputID, InputType: e.Origin.InputType,
			Path: e.Origin.Path, Bucket: e.Origin.Bucket, BucketARN: e.Origin.BucketARN, Key: e.Origin.Key,
			Region: e.Origin.Region, Metadata: e.Origin.Metadata, LogGroup: e.Origin.LogGroup, LogStream: e.Origin.LogStream,
		}},
	}
	if e.Origin.Created != nil {
		l.Record.Created = *e.Origin.Created
	}
	switch {
	case e.Record != nil:
		l.Record.Raw = []byte(*e.Record)
	case e.Base64 != nil:
		l.Record.Raw = e.Base64
	default:
		return shipper.Letter{}, errors.New("neither record nor record_base64 is there")
	}
	return l, nil
}

// key is what makes two letters the same.
type key [16]byte

// keyOf is made of the document's _id. Letters without one, as the mapping failed on them, are told apart by the record
// and the place that it came from.
func keyOf(l *shipper.Letter) key {
	h := sha256.New()
	if l.ID != "" {
		h.Write([]byte("id\x00" + l.Index + "\x00" + l.ID))
	} else {
		h.Write([]byte("raw\x00"))
		if o := l.Record.Origin; o != nil {
			h.Write([]byte(o.Bucket + "\x00" + o.Key + "\x00" + o.Path + "\x00" + o.LogGroup + "\x00" + o.LogStream + "\x00"))
		}
		h.Write([]byte(strconv.FormatInt(l.Record.Index, 10) + "\x00" + strconv.FormatInt(l.Record.Offset, 10) + "\x00" + l.Record.SourceID + "\x00"))
		h.Write(l.Record.Raw)
	}
	return key(h.Sum(nil)[:16])
}
