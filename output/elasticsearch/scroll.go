package elasticsearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/trailbeat/trailbeat/ecs"
)

// StoredDocument is a document as it lies in an index, in just this version.
type StoredDocument struct {
	// Index is the backing index, not the data stream.
	Index, ID string
	// SeqNo and Term name the version.
	SeqNo, Term int64
	Source      json.RawMessage
}

// scrollKeep is how long the server keeps the state of a scroll between two reads.
const scrollKeep = "10m"

// ErrScrollGone says that the server has forgotten a scroll. Begin a new one.
var ErrScrollGone = errors.New("the server does not know the scroll any more")

// Scroll reads all documents of a data stream or index, in no order. Not safe for concurrent use.
type Scroll struct {
	out   *Output
	index string
	size  int
	id    string
	began bool
}

// Scroll begins to read what is stored now, size documents at a time. Both engines know scrolls; a point in time is
// called differently in each.
func (o *Output) Scroll(index string, size int) *Scroll {
	return &Scroll{out: o, index: index, size: size}
}

// Next gives the next documents; io.EOF after the last, also where there is no such index. ErrScrollGone where the caller took
// longer than ten minutes since the last call.
func (s *Scroll) Next(ctx context.Context) ([]StoredDocument, error) {
	doing := func(err error) error { return fmt.Errorf("reading %q: %w", s.index, err) }
	path, body := "/_search/scroll", fmt.Sprintf(`{"scroll":%q,"scroll_id":%q}`, scrollKeep, s.id)
	if !s.began {
		escaped := url.PathEscape(s.index)
		// What was stored a moment ago shall be found too. Without the right to refresh it is found a second later.
		if _, err := s.out.client.call(ctx, http.MethodPost, "/"+escaped+"/_refresh", nil); err != nil {
			return nil, doing(err)
		}
		path, body = "/"+escaped+"/_search?scroll="+scrollKeep, fmt.Sprintf(`{"size":%d,"sort":["_doc"],"seq_no_primary_term":true}`, s.size)
	}
	a, err := s.out.client.call(ctx, http.MethodPost, path, []byte(body))
	switch {
	case err != nil:
		return nil, doing(err)
	case a.status == http.StatusNotFound && s.began:
		return nil, doing(ErrScrollGone)
	case a.status == http.StatusNotFound:
		return nil, io.EOF
	case a.status != http.StatusOK:
		return nil, doing(statusError(a))
	}
	var page struct {
		ID     string `json:"_scroll_id"`
		Shards struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
		Hits struct {
			Hits []struct {
				Index  string          `json:"_index"`
				ID     string          `json:"_id"`
				SeqNo  int64           `json:"_seq_no"`
				Term   int64           `json:"_primary_term"`
				Source json.RawMessage `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	if err := json.Unmarshal(a.body, &page); err != nil {
		return nil, doing(&RequestError{Status: a.status, Reason: notAnAnswer(a)})
	}
	s.began, s.id = true, page.ID
	switch {
	case page.Shards.Failed > 0:
		return nil, doing(fmt.Errorf("%d shards could not be read", page.Shards.Failed))
	case len(page.Hits.Hits) == 0:
		return nil, io.EOF
	}
	docs := make([]StoredDocument, len(page.Hits.Hits))
	for i, hit := range page.Hits.Hits {
		docs[i] = StoredDocument{Index: hit.Index, ID: hit.ID, SeqNo: hit.SeqNo, Term: hit.Term, Source: hit.Source}
	}
	return docs, nil
}

// Close has the server forget the scroll. It would do so by itself after a while.
func (s *Scroll) Close(ctx context.Context) error {
	if s.id == "" {
		return nil
	}
	_, err := s.out.client.call(ctx, http.MethodDelete, "/_search/scroll", fmt.Appendf(nil, `{"scroll_id":[%q]}`, s.id))
	s.id = ""
	return err
}

// Remove deletes documents, each only in the version that was read. One that has changed, or is gone, stays as it is and is
// no error. It returns how many it deleted.
func (o *Output) Remove(ctx context.Context, docs []StoredDocument) (int, error) {
	if len(docs) == 0 {
		return 0, nil
	}
	doing := func(err error) error { return fmt.Errorf("removing %d documents: %w", len(docs), err) }
	var body []byte
	for _, d := range docs {
		body = append(body, `{"delete":{"_index":`...)
		body = ecs.AppendString(body, d.Index)
		body = append(body, `,"_id":`...)
		body = ecs.AppendString(body, d.ID)
		body = fmt.Appendf(body, `,"if_seq_no":%d,"if_primary_term":%d}}`+"\n", d.SeqNo, d.Term)
	}
	a, err := o.client.call(ctx, http.MethodPost, "/_bulk?filter_path="+url.QueryEscape("errors,items.*.status,items.*.error.type,items.*.error.reason"), body)
	if err != nil {
		return 0, doing(err)
	}
	if a.status != http.StatusOK {
		return 0, doing(statusError(a))
	}
	var answer struct {
		Items []map[string]struct {
			Status int     `json:"status"`
			Error  *causes `json:"error"`
		} `json:"items"`
	}
	if err := json.Unmarshal(a.body, &answer); err != nil || len(answer.Items) != len(docs) {
		return 0, doing(&RequestError{Status: a.status, Reason: "the answer does not match the request"})
	}
	removed := 0
	for _, item := range answer.Items {
		switch d := item["delete"]; {
		case d.Status >= 200 && d.Status < 300:
			removed++
		case d.Status == http.StatusNotFound && d.Error == nil, d.Status == http.StatusConflict:
			// Somebody else was quicker.
		case d.Status == http.StatusNotFound && d.Error.Type == "index_not_found_exception":
			// It went with its index.
		default:
			e := &RequestError{Status: d.Status}
			if d.Error != nil {
				e.Type, e.Reason = d.Error.Type, d.Error.reason()
			}
			return removed, doing(e)
		}
	}
	return removed, nil
}
