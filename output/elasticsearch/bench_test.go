package elasticsearch

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

const benchBatch = 1600

// sink is a transport without a network that answers at once. It reads the body, counts its documents and says that all
// of them were stored.
type sink struct{ created string }

func newSink() *sink { return &sink{strings.Repeat(`{"create":{"status":201}},`, benchBatch)} }

func (s *sink) RoundTrip(r *http.Request) (*http.Response, error) {
	text := versionES
	if r.Body != nil && r.Body != http.NoBody {
		lines, buf := 0, make([]byte, 64<<10)
		for {
			n, err := r.Body.Read(buf)
			lines += bytes.Count(buf[:n], []byte{'\n'})
			if err != nil {
				break
			}
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
		items := s.created[:lines/2*len(`{"create":{"status":201}},`)]
		text = `{"errors":false,"items":[` + strings.TrimSuffix(items, ",") + `]}`
	}
	header := http.Header{"X-Elastic-Product": {"Elasticsearch"}, "Content-Type": {"application/json"}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

// benchEvents have the size of real ones, with event.original and the flattened members.
func benchEvents() []*ecs.Event {
	events := outputtest.NewEvents(0, benchBatch)
	for _, ev := range events {
		ev.Event.Original = `{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/build/i-0abc"},"requestParameters":{"bucketName":"logs","Host":"logs.s3.eu-west-1.amazonaws.com","prefix":"` + strings.Repeat("a", 600) + `"},"responseElements":null}`
		ev.AWS.CloudTrail.Flattened.RequestParameters = ecs.RawJSON(`{"bucketName":"logs","Host":"logs.s3.eu-west-1.amazonaws.com","prefix":"a/b/c"}`)
	}
	return events
}

// BenchmarkWrite is the way from events to a sink that answers at once. Beside it stands BenchmarkBulkIndexer, in a file
// with the build tag "compare".
func BenchmarkWrite(b *testing.B) {
	for _, level := range []struct {
		name  string
		level int
	}{{"plain", 0}, {"gzip1", 1}} {
		b.Run(level.name, func(b *testing.B) {
			conf := DefaultConfig()
			conf.Hosts, conf.CompressionLevel = []string{"http://sink"}, level.level
			sunk := newSink()
			out, err := New(conf, Options{Wrap: func(http.RoundTripper) http.RoundTripper { return unpacked{sunk, level.level > 0} }})
			require.NoError(b, err)
			defer out.Close()
			events := benchEvents()
			b.ReportAllocs()
			done := 0
			for b.Loop() {
				res, err := out.Write(b.Context(), events)
				if err != nil || res.Stored != len(events) {
					b.Fatal(res, err)
				}
				done += res.Stored
			}
			b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "docs/s")
		})
	}
}

// unpacked stands before the sink where bodies are compressed. It cannot count without unpacking, which would be measured
// too; so it knows the number of documents.
type unpacked struct {
	next   *sink
	packed bool
}

func (u unpacked) RoundTrip(r *http.Request) (*http.Response, error) {
	if u.packed && r.Body != nil && r.Body != http.NoBody {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(strings.NewReader(strings.Repeat("\n", 2*benchBatch)))
	}
	return u.next.RoundTrip(r)
}
