package elasticsearch

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/trailbeat/trailbeat/output/outputtest"
)

// fake is a server that speaks the part of the protocol that the output needs. Each bulk request goes to bulk, if set;
// what that leaves unanswered is stored.
type fake struct {
	*httptest.Server
	version string // the answer to GET /
	closed  bool   // the credentials may only write
	bulk    func(w http.ResponseWriter, r *http.Request, docs []sent) bool

	mu       sync.Mutex
	stored   map[string]string
	requests []*http.Request
	sizes    []int // documents of each request
}

// sent is a document of a bulk request.
type sent struct{ index, id, source string }

const (
	versionES = `{"cluster_name":"fake","version":{"number":"8.19.3","build_flavor":"default"},"tagline":"You Know, for Search"}`
	versionOS = `{"cluster_name":"fake","version":{"distribution":"opensearch","number":"3.6.0"},"tagline":"The OpenSearch Project"}`
)

func newFake(t testing.TB) *fake {
	f := &fake{version: versionES, stored: map[string]string{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case f.closed && r.URL.Path != "/_bulk":
		if f.version == versionES {
			w.Header().Set(productHeader, "Elasticsearch")
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":{"type":"security_exception","reason":"unauthorized"},"status":403}`)
	case r.URL.Path == "/":
		_, _ = io.WriteString(w, f.version)
	case r.URL.Path == "/_bulk":
		docs, err := readBulk(r)
		if err != nil {
			http.Error(w, fmt.Sprintf(`{"error":{"type":"parse_exception","reason":%q},"status":400}`, err), http.StatusBadRequest)
			return
		}
		f.mu.Lock()
		f.requests = append(f.requests, r)
		f.sizes = append(f.sizes, len(docs))
		f.mu.Unlock()
		if f.bulk != nil && f.bulk(w, r, docs) {
			return
		}
		_, _ = io.WriteString(w, f.store(docs))
	default:
		http.Error(w, `{"error":"not here"}`, http.StatusNotFound)
	}
}

func readBulk(r *http.Request) ([]sent, error) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		body = z
	}
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 64<<20)
	var docs []sent
	for lines.Scan() {
		var action struct {
			Create struct {
				Index string `json:"_index"`
				ID    string `json:"_id"`
			} `json:"create"`
		}
		if err := json.Unmarshal(lines.Bytes(), &action); err != nil {
			return nil, err
		}
		if !lines.Scan() {
			return nil, io.ErrUnexpectedEOF
		}
		if !json.Valid(lines.Bytes()) {
			return nil, fmt.Errorf("the document %s is not JSON", action.Create.ID)
		}
		docs = append(docs, sent{action.Create.Index, action.Create.ID, lines.Text()})
	}
	return docs, lines.Err()
}

// store keeps the documents and gives the answer.
func (f *fake) store(docs []sent) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return answerFor(docs, func(d sent) string {
		if _, there := f.stored[d.id]; there {
			return `{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"there"}}}`
		}
		f.stored[d.id] = d.source
		return created
	})
}

const created = `{"create":{"status":201}}`

func answerFor(docs []sent, each func(sent) string) string {
	var items []string
	failed := false
	for _, d := range docs {
		one := each(d)
		items = append(items, one)
		failed = failed || !strings.Contains(one, `"status":20`)
	}
	return fmt.Sprintf(`{"errors":%v,"items":[%s]}`, failed, strings.Join(items, ","))
}

func ids(n int) []string {
	var all []string
	for _, ev := range outputtest.NewEvents(0, n) {
		all = append(all, ev.Meta.ID)
	}
	return all
}

// status answers a whole request.
func status(code int, header http.Header, text string) func(http.ResponseWriter, *http.Request, []sent) bool {
	return func(w http.ResponseWriter, _ *http.Request, _ []sent) bool {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, text)
		return true
	}
}

func (f *fake) seen() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

func (f *fake) counts() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sizes)
}

func (f *fake) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests, f.sizes = nil, nil
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.stored)
}

func (f *fake) has(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, there := f.stored[id]
	return there
}
