package outputtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// Harness tells the suite about the output under test.
type Harness struct {
	// New makes fresh and empty storage. It is called once for each subtest and registers its own clean-up. Required.
	New func(t *testing.T) Storage
	// Deduplicates says that the output knows the _ids of all documents that it ever stored. Without it the same event
	// again is one more document.
	Deduplicates bool
	// Anonymous says that the storage keeps neither data stream nor _id: Document.Index and Document.ID come back empty.
	Anonymous bool
	// GeneratesIDs says that the storage gives an event without _id one of its own. Otherwise it comes back empty.
	GeneratesIDs bool
	// Volatile says that what was stored is not there after Close and Open: a console.
	Volatile bool
	// DefaultIndex is where events without Meta.Index go. OtherIndex is a second data stream that the storage can take.
	// They default to "logs-aws.cloudtrail-default" and "logs-aws.cloudtrail-other".
	DefaultIndex, OtherIndex string
}

// Storage is what one subtest works on.
type Storage struct {
	// Open opens the output over the storage. It is called again after the earlier output was closed. The suite closes
	// what it opened.
	Open func(t *testing.T) output.Output
	// Documents reads back all that is stored, in any order. It is called while no Write runs, before or after Close.
	Documents func(t *testing.T) []Document
}

// Run runs the contract suite against the output of the harness.
func Run(t *testing.T, h Harness) {
	t.Helper()
	require.NotNil(t, h.New, "Harness.New is missing")
	if h.DefaultIndex == "" {
		h.DefaultIndex = "logs-aws.cloudtrail-default"
	}
	if h.OtherIndex == "" {
		h.OtherIndex = "logs-aws.cloudtrail-other"
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"empty batch", testEmptyBatch},
		{"stores documents as they are", testStores},
		{"odd characters", testOddCharacters},
		{"large documents", testLarge},
		{"the same batch again", testAgain},
		{"the same event twice in a batch", testTwiceInBatch},
		{"events without an id", testWithoutID},
		{"data streams are apart", testDataStreams},
		{"events are neither kept nor changed", testEventsAreLeftAlone},
		{"concurrent writes", testConcurrent},
		{"concurrent writes of the same events", testConcurrentDuplicates},
		{"cancelled before the write", testCancelledBefore},
		{"cancelled during writes", testCancelledDuring},
		{"close and open again", testReopen},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.run(t, &suite{Harness: h, Storage: h.New(t)})
		})
	}
}

// suite is the harness with the storage of one subtest.
type suite struct {
	Harness
	Storage
}

// open gives an output that is closed when the test ends, unless the test closed it.
func (s *suite) open(t *testing.T) *opened {
	t.Helper()
	out := &opened{Output: s.Open(t)}
	t.Cleanup(func() {
		if !out.closed {
			require.NoError(t, out.Output.Close())
		}
	})
	return out
}

type opened struct {
	output.Output
	closed bool
}

func (o *opened) Close() error {
	o.closed = true
	return o.Output.Close()
}

// write stores the events, and fails unless the result is as given.
func write(t *testing.T, out output.Output, events []*ecs.Event, stored, duplicate int) {
	t.Helper()
	res, err := out.Write(t.Context(), events)
	require.NoError(t, err)
	require.Equal(t, output.Result{Stored: stored, Duplicate: duplicate}, res)
}

// want is what the storage must hold for an event.
func (s *suite) want(ev *ecs.Event) Document {
	d := Document{Index: ev.Meta.Index, ID: ev.Meta.ID, JSON: ev.AppendJSON(nil)}
	if d.Index == "" {
		d.Index = s.DefaultIndex
	}
	return s.comparable(d)
}

func (s *suite) wantAll(events []*ecs.Event) []Document {
	docs := make([]Document, len(events))
	for i, ev := range events {
		docs[i] = s.want(ev)
	}
	return docs
}

func (s *suite) comparable(d Document) Document {
	if s.Anonymous {
		d.Index, d.ID = "", ""
	}
	return d
}

// holds fails unless the storage holds exactly the documents.
func (s *suite) holds(t *testing.T, want []Document) {
	t.Helper()
	got := s.Documents(t)
	require.NoError(t, sameDocuments(want, got))
}

// sameDocuments compares two sets of documents. White space between the tokens of a document does not count, all else
// does, the order of members too.
func sameDocuments(want, got []Document) error {
	w, err := render(want)
	if err != nil {
		return err
	}
	g, err := render(got)
	if err != nil {
		return fmt.Errorf("reading the stored documents: %w", err)
	}
	var errs []error
	for i, j := 0, 0; (i < len(w) || j < len(g)) && len(errs) < 5; {
		switch {
		case j == len(g) || i < len(w) && w[i] < g[j]:
			errs = append(errs, fmt.Errorf("not stored: %s", shorten(w[i])))
			i++
		case i == len(w) || g[j] < w[i]:
			errs = append(errs, fmt.Errorf("stored, but not wanted: %s", shorten(g[j])))
			j++
		default:
			i, j = i+1, j+1
		}
	}
	if len(errs) > 0 {
		errs = append(errs, fmt.Errorf("%d documents wanted, %d stored", len(w), len(g)))
	}
	return errors.Join(errs...)
}

func render(docs []Document) ([]string, error) {
	lines := make([]string, len(docs))
	for i, d := range docs {
		var buf bytes.Buffer
		if err := json.Compact(&buf, d.JSON); err != nil {
			return nil, fmt.Errorf("document %q is not JSON: %w: %s", d.ID, err, shorten(string(d.JSON)))
		}
		lines[i] = fmt.Sprintf("%q %q %s", d.Index, d.ID, buf.String())
	}
	sort.Strings(lines)
	return lines, nil
}

func shorten(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + fmt.Sprintf("... (%d bytes)", len(s))
}
