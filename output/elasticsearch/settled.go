package elasticsearch

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
)

// An index that rolled over at least two rollovers ago takes no more documents. Once it was refreshed, a search finds all
// of its documents, and one search over many such indices costs a fraction of a multi get for each. The index before the
// write index is not searched: a request on its way when the data stream rolled over may still end there.

// settled is how many of the oldest indices may be searched.
func (s *stream) settled() int { return max(len(s.indices)-2, 0) }

// maxPath bounds the names of indices in one request, as servers bound its first line to 4 KiB.
const maxPath = 3000

// refreshOnce makes all documents of indices visible, once for each. false: it cannot be done, so they cannot be searched.
func (o *Output) refreshOnce(ctx context.Context, indices []string) (bool, error) {
	var fresh []string
	o.streams.mu.Lock()
	for _, index := range indices {
		if !o.streams.refreshed[index] {
			fresh = append(fresh, index)
		}
	}
	o.streams.mu.Unlock()
	if len(fresh) == 0 {
		return true, nil
	}
	a, err := o.client.call(ctx, http.MethodPost, "/"+pathOf(fresh)+"/_refresh", nil)
	switch {
	case err != nil:
		return false, err
	case a.status == http.StatusNotFound:
		return false, errGone
	case a.status != http.StatusOK:
		return false, nil // without the right to, or for want of a shard
	}
	var done struct {
		Shards *struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
	}
	if json.Unmarshal(a.body, &done) != nil || done.Shards == nil || done.Shards.Failed > 0 {
		return false, nil
	}
	o.streams.mu.Lock()
	defer o.streams.mu.Unlock()
	if o.streams.refreshed == nil {
		o.streams.refreshed = map[string]bool{}
	}
	for _, index := range fresh {
		o.streams.refreshed[index] = true
	}
	return true, nil
}

func pathOf(indices []string) string {
	escaped := make([]string, len(indices))
	for i, index := range indices {
		escaped[i] = url.PathEscape(index)
	}
	return strings.Join(escaped, ",")
}

// groupsOf splits indices into runs whose names fit into a request.
func groupsOf(indices []string) (groups [][]string) {
	start, size := 0, 0
	for i, index := range indices {
		if size += len(index) + 1; size > maxPath && i > start {
			groups = append(groups, indices[start:i])
			start, size = i, len(index)+1
		}
	}
	if start < len(indices) {
		groups = append(groups, indices[start:])
	}
	return groups
}

// searchIDs looks for documents by their _id in indices that were refreshed. The copies lack their position. ok is false where
// the answer is not complete: then each index is to be asked by itself.
func (o *Output) searchIDs(ctx context.Context, indices, ids []string) (found map[string][]copyOf, ok bool, err error) {
	const most = 10_000 // what servers give at once
	body := fmt.Appendf(nil, `{"size":%d,"_source":false,"seq_no_primary_term":true,"track_total_hits":true,"query":{"ids":{"values":[`, most)
	for i, id := range ids {
		if i > 0 {
			body = append(body, ',')
		}
		body = ecs.AppendString(body, id)
	}
	body = append(body, "]}}}"...)
	const fields = "timed_out,_shards.failed,hits.total.value,hits.hits._index,hits.hits._id,hits.hits._seq_no,hits.hits._primary_term"
	path := "/" + pathOf(indices) + "/_search?allow_partial_search_results=false&filter_path=" + url.QueryEscape(fields)
	if o.isOpenSearch(ctx) {
		path += "&preference=_primary" // its replicas may lag behind a refresh
	}
	a, err := o.client.call(ctx, http.MethodPost, path, body)
	switch {
	case err != nil:
		return nil, false, fmt.Errorf("searching documents in earlier backing indices: %w", err)
	case a.status == http.StatusNotFound:
		return nil, false, errGone
	case a.status == http.StatusForbidden && requestError(a).Type == "security_exception":
		return nil, false, &deniedError{requestError(a)}
	case a.status != http.StatusOK:
		return nil, false, nil
	}
	var page struct {
		TimedOut *bool `json:"timed_out"`
		Shards   *struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
		Hits struct {
			Total struct {
				Value int `json:"value"`
			} `json:"total"`
			Hits []struct {
				Index string `json:"_index"`
				ID    string `json:"_id"`
				SeqNo int64  `json:"_seq_no"`
				Term  int64  `json:"_primary_term"`
			} `json:"hits"`
		} `json:"hits"`
	}
	if json.Unmarshal(a.body, &page) != nil || page.TimedOut == nil || *page.TimedOut || page.Shards == nil || page.Shards.Failed > 0 ||
		page.Hits.Total.Value != len(page.Hits.Hits) {
		return nil, false, nil
	}
	found = map[string][]copyOf{}
	for _, hit := range page.Hits.Hits {
		found[hit.ID] = append(found[hit.ID], copyOf{found: true, index: hit.Index, seqNo: hit.SeqNo, term: hit.Term})
	}
	return found, true, nil
}

func (o *Output) isOpenSearch(ctx context.Context) bool {
	server, err := o.Server(ctx)
	return err == nil && server.Flavour == OpenSearch
}

// searchSettled looks for the suspects in the settled indices before the position to. It returns the position up to which
// that was possible; the indices from there on are to be asked one by one.
func (w *write) searchSettled(s *stream, d *suspects, to int, found map[int][]copyOf) (int, error) {
	end := min(s.settled(), to)
	first := end
	byID := map[string][]int{}
	var ids []string
	for i, event := range d.events {
		if d.from[i] >= end {
			continue
		}
		first = min(first, d.from[i])
		id := w.events[event].Meta.ID
		if byID[id] == nil {
			ids = append(ids, id)
		}
		byID[id] = append(byID[id], event)
	}
	if end-first < 2 {
		return 0, nil // one index is asked as cheaply the other way
	}
	position := map[string]int{}
	for i, index := range s.indices {
		position[index] = i
	}
	for _, group := range groupsOf(s.indices[first:end]) {
		ok, err := w.refreshOnce(w.ctx, group)
		if err != nil {
			return 0, err
		}
		if !ok {
			return 0, nil
		}
	}
	all := map[int][]copyOf{}
	for _, group := range groupsOf(s.indices[first:end]) {
		for from := 0; from < len(ids); from += lookupSize {
			part, ok, err := w.searchIDs(w.ctx, group, ids[from:min(from+lookupSize, len(ids))])
			if err != nil {
				return 0, err
			}
			if !ok {
				return 0, nil
			}
			for id, copies := range part {
				for _, c := range copies {
					at, known := position[c.index]
					if !known {
						return 0, nil // an alias or the like: be asked by name
					}
					c.position = at
					for _, event := range byID[id] {
						all[event] = append(all[event], c)
					}
				}
			}
		}
	}
	for event, copies := range all {
		found[event] = append(found[event], copies...)
	}
	return end, nil
}
