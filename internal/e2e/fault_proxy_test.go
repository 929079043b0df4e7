package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wire is the way from the shipper to the engine: Toxiproxy for faults of the connection, and behind it a gate for faults
// in HTTP.
type wire struct {
	*gate
	t   testing.TB
	tcp *toxiproxy.Proxy
}

func newWire(t testing.TB, engine string) *wire {
	t.Helper()
	target, err := url.Parse(engine)
	require.NoError(t, err)
	g := &gate{forward: httputil.NewSingleHostReverseProxy(target)}
	g.forward.ErrorLog = log.New(io.Discard, "", 0)
	server := httptest.NewUnstartedServer(g)
	server.Config.ErrorLog = g.forward.ErrorLog
	server.Start()
	t.Cleanup(server.Close)
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	w := &wire{gate: g, t: t, tcp: toxiproxy.NewProxy(api, "engine", "127.0.0.1:0", server.Listener.Addr().String())}
	require.NoError(t, w.tcp.Start())
	t.Cleanup(w.tcp.Stop)
	return w
}

func (w *wire) url() string { return "http://" + w.tcp.Listen }

// down refuses connections and ends those that there are.
func (w *wire) down() { w.tcp.Stop() }

// up takes connections again, at the same port.
func (w *wire) up() { assert.NoError(w.t, w.tcp.Start()) }

// poison gives all connections from now on the toxics, and ends those that there are. Without a toxic it heals.
func (w *wire) poison(toxics ...string) {
	w.tcp.Stop()
	w.tcp.Toxics.ResetToxics(w.t.Context())
	for _, toxic := range toxics {
		_, err := w.tcp.Toxics.AddToxicJson(strings.NewReader(toxic))
		assert.NoError(w.t, err, toxic)
	}
	w.up()
}

// hardClose makes a connection end with a reset and not with an orderly end. The toxic itself does nothing here: that it
// is there is what counts.
const hardClose = `{"type":"reset_peer","stream":"%s","toxicity":0}`

// A fault answers a bulk request in the place of the engine.
type fault func(g *gate, w http.ResponseWriter, r *bulkRequest)

// gate is a reverse proxy that counts bulk requests and spoils some of them.
type gate struct {
	forward *httputil.ReverseProxy

	mu sync.Mutex
	// bulks arrived, broken of them ended before their end, hits of them met the fault.
	bulks, broken, hits int
	fault               fault
	from, times         int // the fault meets requests from this number on, so often
	// notBefore is when the next bulk request may come, as the last answer asked for; early of them came sooner.
	notBefore time.Time
	early     int
	// before and after are called with the number of each bulk request, before it goes on to the engine and when the engine
	// has answered it, but nobody has seen the answer yet.
	before, after func(n int)
}

// spoil lets a fault meet so many bulk requests, beginning with number from, counted from 1. Times 0: all of them.
func (g *gate) spoil(from, times int, f fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.from, g.times, g.fault = from, times, f
}

func (g *gate) watch(before, after func(n int)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.before, g.after = before, after
}

// seen gives the number of bulk requests so far, of those that broke off, and of those that met the fault.
func (g *gate) seen() (bulks, broken, hits int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bulks, g.broken, g.hits
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/_bulk") {
		g.forward.ServeHTTP(w, r)
		return
	}
	g.mu.Lock()
	g.bulks++
	if time.Now().Before(g.notBefore) {
		g.early++
	}
	n, before, after, f := g.bulks, g.before, g.after, g.fault
	if n < g.from || g.times > 0 && g.hits >= g.times {
		f = nil
	}
	if f != nil {
		g.hits++
	}
	g.mu.Unlock()
	if before != nil {
		before(n)
	}
	if f == nil && after == nil {
		r.Body = &watchedBody{r.Body, g}
		g.forward.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	bulk := &bulkRequest{Request: r, body: body}
	if f != nil {
		f(g, w, bulk)
		return
	}
	answer := g.engine(bulk, body)
	after(n)
	answer.send(w)
}

// watchedBody notes a body that ends too early.
type watchedBody struct {
	io.ReadCloser
	g *gate
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.g.mu.Lock()
		b.g.broken++
		b.g.mu.Unlock()
	}
	return n, err
}

// bulkRequest is one with its body, as it came.
type bulkRequest struct {
	*http.Request
	body []byte
}

// documents are the action and the source of each document, with their newlines.
func (r *bulkRequest) documents() []string {
	body := io.Reader(bytes.NewReader(r.body))
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			panic(err)
		}
		body = unpacked
	}
	var docs []string
	lines := bufio.NewReader(body)
	for {
		action, err := lines.ReadString('\n')
		if err == io.EOF {
			return docs
		}
		source, err := lines.ReadString('\n')
		if err != nil {
			panic(err)
		}
		docs = append(docs, action+source)
	}
}

// engineAnswer is what the engine said.
type engineAnswer struct {
	status int
	header http.Header
	body   []byte
}

// engine sends a bulk request on, with another body.
func (g *gate) engine(r *bulkRequest, body []byte) engineAnswer {
	again := r.Clone(r.Context())
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	var answer httptest.ResponseRecorder
	answer.Body = new(bytes.Buffer)
	g.forward.ServeHTTP(&answer, again)
	return engineAnswer{answer.Code, answer.Header(), answer.Body.Bytes()}
}

func (a engineAnswer) send(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a shipper that was killed takes no answer
}

type bulkAnswer struct {
	Errors bool              `json:"errors"`
	Items  []json.RawMessage `json:"items"`
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	engineAnswer{status, http.Header{"Content-Type": {"application/json"}, "X-Elastic-Product": {"Elasticsearch"}}, body}.send(w)
}

// refuse answers the whole request with a status, and a body in the engine's form.
func refuse(status int, kind, reason string) fault {
	return func(_ *gate, w http.ResponseWriter, _ *bulkRequest) {
		answerJSON(w, status, map[string]any{"status": status, "error": map[string]any{"type": kind, "reason": reason}})
	}
}

// comeBackLater is a 503 with Retry-After.
func comeBackLater(seconds int) fault {
	refused := refuse(http.StatusServiceUnavailable, "unavailable", "no node is there for it")
	return func(g *gate, w http.ResponseWriter, r *bulkRequest) {
		g.mu.Lock()
		g.notBefore = time.Now().Add(time.Duration(seconds) * time.Second)
		g.mu.Unlock()
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		refused(g, w, r)
	}
}

var rejected = json.RawMessage(`{"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"rejected execution of primary operation"}}}`)

// rejectSome answers 429 for each document whose number pick chooses. Those never reach the engine, so the verdicts are true.
func rejectSome(pick func(i int) bool) fault {
	return func(g *gate, w http.ResponseWriter, r *bulkRequest) {
		docs := r.documents()
		var onward strings.Builder
		for i, doc := range docs {
			if !pick(i) {
				onward.WriteString(doc)
			}
		}
		var took bulkAnswer
		if onward.Len() > 0 {
			r.Header.Del("Content-Encoding")
			answer := g.engine(r, []byte(onward.String()))
			if answer.status != http.StatusOK || json.Unmarshal(answer.body, &took) != nil {
				answer.send(w)
				return
			}
		}
		all := bulkAnswer{Errors: took.Errors}
		for i := range docs {
			if pick(i) {
				all.Errors, all.Items = true, append(all.Items, rejected)
				continue
			}
			all.Items, took.Items = append(all.Items, took.Items[0]), took.Items[1:]
		}
		answerJSON(w, http.StatusOK, all)
	}
}

// spoilAnswer lets the engine take the documents and changes what it says about them.
func spoilAnswer(change func([]byte) []byte) fault {
	return func(g *gate, w http.ResponseWriter, r *bulkRequest) {
		answer := g.engine(r, r.body)
		answer.body = change(answer.body)
		answer.send(w)
	}
}

func loginPage(_ *gate, w http.ResponseWriter, _ *bulkRequest) {
	page := []byte("<!doctype html><title>Sign in</title><p>Please sign in to go on.")
	engineAnswer{http.StatusOK, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, page}.send(w)
}
