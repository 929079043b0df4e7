package elasticsearch

import (
	"fmt"
	"io"
	"net/http"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/klauspost/compress/gzip"
)

// bulk makes one attempt with one request, and reads the answer.
func (w *write) bulk(p part) ([]item, error) {
	ctx, cancel, explain := w.client.deadline(w.ctx)
	defer cancel()
	text, packed := p.text(), false
	if w.conf.CompressionLevel > 0 {
		z := w.zips.Get().(*gzip.Writer)
		small, err := p.pack(z, text)
		w.zips.Put(z)
		if err != nil {
			return nil, fmt.Errorf("compressing the request: %w", err)
		}
		text, packed = small, true
	}
	request := esapi.BulkRequest{Body: http.NoBody, Pipeline: w.conf.Pipeline, FilterPath: []string{w.server.filterPath(w.deduplicates())}}
	if w.conf.RequireDataStream && w.server.requiresDataStream() {
		yes := true
		request.RequireDataStream = &yes
	}
	res, err := request.Do(ctx, performer(func(req *http.Request) (*http.Response, error) {
		req.Body, req.ContentLength = p.reader(text), int64(len(text))
		req.GetBody = func() (io.ReadCloser, error) { return p.reader(text), nil }
		req.Header.Set("Content-Type", "application/x-ndjson")
		if packed {
			req.Header.Set("Content-Encoding", "gzip")
		}
		if len(w.conf.Parameters) > 0 {
			query := req.URL.Query()
			for name, value := range w.conf.Parameters {
				query.Set(name, value)
			}
			req.URL.RawQuery = query.Encode()
		}
		return w.client.es.Perform(req)
	}))
	if err != nil {
		return nil, fmt.Errorf("sending %d documents: %w", p.len(), explain(err))
	}
	defer res.Body.Close()
	if p.answer, err = readAnswer(p.answer, res.Body); err != nil {
		return nil, explain(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: p.answer}
	if a.status != http.StatusOK {
		return nil, w.refusal(requestError(a))
	}
	if p.items, err = parseAnswer(a.body, p.len(), p.items); err != nil {
		return nil, mismatch(a, err)
	}
	return p.items, nil
}

// performer lets a func be the transport of the client's calls.
type performer func(*http.Request) (*http.Response, error)

func (f performer) Perform(req *http.Request) (*http.Response, error) { return f(req) }
