package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// sink is a search engine that stores nothing and answers at once. It does not look into what it gets, so that its own
// work, which counts with the rest, stays small. Safe for concurrent use.
type sink struct {
	addr     string
	server   *http.Server
	buffers  sync.Pool
	received atomic.Int64 // bytes of bulk requests
}

// documentsHeader tells the sink how many documents a request has.
const documentsHeader = "X-Bench-Documents"

func newSink() (*sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening a port for the sink: %w", err)
	}
	s := &sink{addr: listener.Addr().String()}
	s.buffers.New = func() any { return new(make([]byte, 64<<10)) }
	s.server = &http.Server{Handler: s}
	go func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // the requests would wait for ever
		}
	}()
	return s, nil
}

func (s *sink) close() { _ = s.server.Close() }

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	switch r.URL.Path {
	case "/":
		_, _ = io.WriteString(w, `{"cluster_name":"bench","version":{"number":"8.19.3","build_flavor":"default"},"tagline":"You Know, for Search"}`)
	case "/_bulk":
		n, err := strconv.Atoi(r.Header.Get(documentsHeader))
		if err != nil {
			http.Error(w, "the number of documents is missing", http.StatusBadRequest)
			return
		}
		buf := s.buffers.Get().(*[]byte)
		read, err := io.CopyBuffer(onlyWriter{io.Discard}, r.Body, *buf)
		s.buffers.Put(buf)
		if err != nil {
			return
		}
		s.received.Add(read)
		_, _ = w.Write(created(n))
	default:
		http.Error(w, `{"error":"not here"}`, http.StatusNotFound)
	}
}

// created is the answer that all of n documents were stored.
func created(n int) []byte {
	items := bytes.Repeat([]byte(`{"create":{"status":201}},`), n)
	return append(append([]byte(`{"errors":false,"items":[`), items[:len(items)-1]...), "]}"...)
}

// onlyWriter hides that a writer can read by itself, in smaller pieces.
type onlyWriter struct{ io.Writer }

// counted puts the number of documents of each Write into its context, where countDocuments finds it.
type counted struct{ output.Output }

type countKey struct{}

func (c counted) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	return c.Output.Write(context.WithValue(ctx, countKey{}, len(events)), events)
}

func countDocuments(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if n, ok := r.Context().Value(countKey{}).(int); ok {
			r.Header.Set(documentsHeader, strconv.Itoa(n))
		}
		return next.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
