package deadletter

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
)

// Cluster is what dead letters in a data stream need of a search engine.
type Cluster interface {
	// Output writes documents into the data stream of dead letters; what is there under the same _id stays as it is.
	output.Output
	// Read begins to read all documents of the data stream, size of them at a time.
	Read(size int) Cursor
	// Remove deletes documents, each only in the version that was read, and returns how many it deleted.
	Remove(ctx context.Context, docs []Stored) (int, error)
}

// Cursor reads documents. Not safe for concurrent use.
type Cursor interface {
	// Next gives the next documents, at least one; io.EOF after the last; ErrExpired where the server has forgotten the
	// cursor.
	Next(ctx context.Context) ([]Stored, error)
	Close(ctx context.Context) error
}

// ErrExpired says that a cursor was not used for too long. Reading begins anew.
var ErrExpired = errors.New("the server has forgotten where reading stood")

// Stored is a document as it lies in an index.
type Stored struct {
	// Index, ID, SeqNo and Term name a document in just this version.
	Index, ID   string
	SeqNo, Term int64
	Source      []byte
}

// Stream keeps dead letters in a data stream of the cluster that documents go to. It implements shipper.DeadLetters. Safe
// for concurrent use, also by several processes.
//
// A letter is a document of ECS fields (error.message, error.type, event.original, log.*, aws.s3.*) and, in
// trailbeat.dead_letter, what is needed to send the record again as it came. Its _id is that of the document that the
// record would have become, so that it is stored once, however often its source delivers it.
type Stream struct {
	cluster Cluster
	name    shipper.DataStream
	home    string // the data stream of documents that an _id is understood to belong to
	log     *slog.Logger

	mu sync.Mutex
	// buried are the _ids of the letters that were written since a replay began. Nil: there is no replay.
	buried map[string]struct{}
}

var _ shipper.DeadLetters = (*Stream)(nil)

// OpenStream makes a Stream. name is TYPE-DATASET-NAMESPACE, home the data stream that documents go to. A nil logger is
// silent. Nothing is sent.
func OpenStream(cluster Cluster, name, home string, log *slog.Logger) *Stream {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Stream{cluster: cluster, home: home, log: log}
	s.name.Type, s.name.Dataset, _ = strings.Cut(name, "-")
	if i := strings.LastIndexByte(s.name.Dataset, '-'); i >= 0 {
		s.name.Dataset, s.name.Namespace = s.name.Dataset[:i], s.name.Dataset[i+1:]
	}
	return s
}

// Write stores the letters that are not there yet. With an error none of them counts as stored.
func (s *Stream) Write(ctx context.Context, letters []shipper.Letter) error {
	events := make([]*ecs.Event, len(letters))
	s.mu.Lock()
	for i := range letters {
		id := s.idOf(&letters[i])
		if s.buried != nil {
			s.buried[id] = struct{}{}
		}
		events[i] = &ecs.Event{}
		if err := s.document(events[i], &letters[i], id); err != nil {
			s.mu.Unlock()
			return err
		}
	}
	s.mu.Unlock()
	if _, err := s.cluster.Write(ctx, events); err != nil {
		return fmt.Errorf("writing dead letters to the cluster: %w", err)
	}
	return nil
}

// Close closes the connection to the cluster.
func (s *Stream) Close() error { return s.cluster.Close() }

// idOf is the _id of a letter.
func (s *Stream) idOf(l *shipper.Letter) string {
	if l.ID != "" && (l.Index == "" || l.Index == s.home) {
		return l.ID
	}
	k := keyOf(l)
	return hex.EncodeToString(k[:])
}

// document makes the document of a letter.
func (s *Stream) document(ev *ecs.Event, l *shipper.Letter, id string) error {
	ev.Meta.ID = id
	ev.Timestamp = l.Time.UTC().Format(time.RFC3339Nano)
	ev.Event.Kind, ev.Event.Module, ev.Event.Dataset = "pipeline_error", "aws", s.name.Dataset
	ev.DataStream.Type, ev.DataStream.Dataset, ev.DataStream.Namespace = s.name.Type, s.name.Dataset, s.name.Namespace
	ev.Event.Original = strings.ToValidUTF8(string(l.Record.Raw), string(utf8.RuneError))
	ev.Tags = append(ev.Tags, "dead_letter", "preserve_original_event")
	ev.Input.Type = l.InputType
	ev.Log.Offset = ecs.Long{Value: l.Record.Offset, Set: true}
	if o := l.Record.Origin; o != nil {
		ev.Log.File.Path = o.Path
		ev.AWS.S3.Bucket.Name, ev.AWS.S3.Bucket.ARN, ev.AWS.S3.Object.Key = o.Bucket, o.BucketARN, o.Key
		ev.AWS.CloudWatch.LogGroup, ev.AWS.CloudWatch.LogStream = o.LogGroup, o.LogStream
		ev.Cloud.Region = o.Region
		if o.InputType != "" {
			ev.Input.Type = o.InputType
		}
	}
	ev.Error.Type = l.Type
	if l.Reason != "" {
		ev.Error.Message = append(ev.Error.Message, l.Reason)
	}
	if l.Status != 0 {
		ev.Error.Code = strconv.Itoa(l.Status)
	}
	var letter bytes.Buffer
	if err := appendEntry(&letter, l); err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(letter.Bytes(), &members); err != nil {
		return fmt.Errorf("making the document of a dead letter: %w", err)
	}
	delete(members, "record") // it stands in event.original
	kept, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("making the document of a dead letter: %w", err)
	}
	ev.PutRaw("trailbeat.dead_letter", kept)
	return nil
}

// letterOf reads the document of a letter.
func letterOf(source []byte) (shipper.Letter, error) {
	var doc struct {
		Event struct {
			Original *string `json:"original"`
		} `json:"event"`
		Trailbeat struct {
			Letter map[string]json.RawMessage `json:"dead_letter"`
		} `json:"trailbeat"`
	}
	if err := json.Unmarshal(source, &doc); err != nil {
		return shipper.Letter{}, err
	}
	letter := doc.Trailbeat.Letter
	if letter == nil {
		return shipper.Letter{}, errors.New("it has no trailbeat.dead_letter")
	}
	if _, exact := letter["record_base64"]; !exact {
		if doc.Event.Original == nil {
			empty := ""
			doc.Event.Original = &empty // an empty record: empty fields are left out
		}
		raw, err := json.Marshal(*doc.Event.Original)
		if err != nil {
			return shipper.Letter{}, err
		}
		letter["record"] = raw
	}
	line, err := json.Marshal(letter)
	if err != nil {
		return shipper.Letter{}, err
	}
	return parseEntry(line)
}
