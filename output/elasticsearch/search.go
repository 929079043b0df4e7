package elasticsearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

var _ output.Searcher = (*Output)(nil)

const (
	// windowDocuments is how many documents are read in one go, and in memory. What fails is read again from the start of its window.
	windowDocuments = 100_000
	// windowPage is the most that servers give in one answer without being told otherwise.
	windowPage = 10_000
	// windowSplit is the most parts that a window is cut into.
	windowSplit = 64
	// windowTries is how often a window is read before its error counts.
	windowTries = 6
	// windowReaders read side by side.
	windowReaders = 2
)

// window is a part of the time that is searched, in milliseconds: from the first on, and before the other. undated are the
// documents without a time.
type window struct {
	from, to int64
	undated  bool
}

// search is one call of Stored.
type search struct {
	*Output
	sel  output.Selection
	path string // of the index, escaped
	each func([]output.Stored) error

	mu    sync.Mutex // around each, and what is below
	known map[string]string
}

// Stored implements [output.Searcher]. It cuts the time into windows of bounded size and reads each with a scroll, in the order of the
// index: both engines know that, it needs the privilege read and no more, and it costs no sorting. A window whose reading breaks off
// is read again, so that each document comes once.
func (o *Output) Stored(ctx context.Context, sel output.Selection, each func([]output.Stored) error) error {
	if sel.Index == "" {
		sel.Index = o.index
	}
	s := &search{Output: o, sel: sel, path: "/" + url.PathEscape(sel.Index), each: each, known: map[string]string{}}
	if err := s.run(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("reading what %q holds: %w", sel.Index, err)
	}
	return nil
}

func (s *search) run(ctx context.Context) error {
	// Without the right to refresh, what was stored a moment ago is found with the next refresh of the index.
	if _, err := s.client.call(ctx, http.MethodPost, s.path+"/_refresh", nil); err != nil {
		return err
	}
	windows, err := s.bounds(ctx)
	if err != nil || len(windows) == 0 {
		return err
	}
	var (
		mu      sync.Mutex
		more    = sync.NewCond(&mu)
		busy    int
		failure error
		readers sync.WaitGroup
	)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range windowReaders {
		readers.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			for {
				for len(windows) == 0 && busy > 0 && failure == nil {
					more.Wait()
				}
				if len(windows) == 0 || failure != nil {
					return
				}
				w := windows[len(windows)-1]
				windows = windows[:len(windows)-1]
				busy++
				mu.Unlock()
				parts, err := s.persist(ctx, w)
				mu.Lock()
				busy--
				windows = append(windows, parts...)
				if err != nil && failure == nil {
					failure = err
					cancel()
				}
				more.Broadcast()
			}
		})
	}
	readers.Wait()
	return failure
}

// bounds are the windows to begin with. None: there is nothing.
func (s *search) bounds(ctx context.Context) ([]window, error) {
	body := append([]byte(`{"size":0,"track_total_hits":false,"query":`), s.query(window{}, false)...)
	body = append(body, `,"aggs":{"first":{"min":{"field":"@timestamp"}},"last":{"max":{"field":"@timestamp"}}}}`...)
	a, err := s.client.call(ctx, http.MethodPost, s.path+"/_search?allow_partial_search_results=false&filter_path=timed_out,_shards.failed,aggregations", body)
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusNotFound:
		return nil, nil
	case a.status != http.StatusOK:
		return nil, s.refused(a)
	}
	var answer struct {
		searched
		Aggregations struct{ First, Last struct{ Value *float64 } }
	}
	if err := json.Unmarshal(a.body, &answer); err != nil {
		return nil, &RequestError{Status: a.status, Reason: notAnAnswer(a)}
	}
	if err := answer.complete(); err != nil {
		return nil, err
	}
	var list []window
	if s.sel.From.IsZero() && s.sel.To.IsZero() {
		list = append(list, window{undated: true})
	}
	if first, last := answer.Aggregations.First.Value, answer.Aggregations.Last.Value; first != nil && last != nil {
		list = append(list, window{from: int64(*first), to: int64(*last) + 1})
	}
	return list, nil
}

// refused explains a status.
func (s *search) refused(a answer) error {
	err := statusError(a)
	if a.status == http.StatusForbidden {
		return fmt.Errorf("%w; grant read on %q to the credentials", err, s.sel.Index)
	}
	return err
}

// query is that of a window, or of the whole selection.
func (s *search) query(w window, bounded bool) []byte {
	q := []byte(`{"bool":{"filter":[`)
	and := func() {
		if q[len(q)-1] != '[' {
			q = append(q, ',')
		}
	}
	switch {
	case bounded && w.undated:
	case bounded:
		q = fmt.Appendf(q, `{"range":{"@timestamp":{"gte":%d,"lt":%d,"format":"epoch_millis"}}}`, w.from, w.to)
	default:
		if from := s.sel.From; !from.IsZero() {
			q = fmt.Appendf(q, `{"range":{"@timestamp":{"gte":%d,"format":"epoch_millis"}}}`, millis(from))
		}
		if to := s.sel.To; !to.IsZero() {
			and()
			q = fmt.Appendf(q, `{"range":{"@timestamp":{"lt":%d,"format":"epoch_millis"}}}`, millis(to))
		}
	}
	if len(s.sel.Accounts) > 0 {
		and()
		recipient, own := terms("aws.cloudtrail.recipient_account_id", s.sel.Accounts), terms("cloud.account.id", s.sel.Accounts)
		q = fmt.Appendf(q, `{"bool":{"should":[%s,{"bool":{"filter":[%s],"must_not":[{"exists":{"field":"aws.cloudtrail.recipient_account_id"}}]}}],"minimum_should_match":1}}`,
			recipient, own)
	}
	if len(s.sel.Regions) > 0 {
		and()
		q = append(q, terms("cloud.region", s.sel.Regions)...)
	}
	q = append(q, ']')
	if bounded && w.undated {
		q = append(q, `,"must_not":[{"exists":{"field":"@timestamp"}}]`...)
	}
	return append(q, `}}`...)
}

// millis rounds up: documents are dated to the millisecond.
func millis(t time.Time) int64 {
	ms := t.UnixMilli()
	if time.UnixMilli(ms).Before(t) {
		ms++
	}
	return ms
}

func terms(field string, values []string) []byte {
	q := fmt.Appendf(nil, `{"terms":{%q:[`, field)
	for i, v := range values {
		if i > 0 {
			q = append(q, ',')
		}
		q = ecs.AppendString(q, v)
	}
	return append(q, `]}}`...)
}

// persist reads a window, again where that may help.
func (s *search) persist(ctx context.Context, w window) ([]window, error) {
	wait := s.conf.Backoff.Init
	for try := 1; ; try++ {
		parts, list, err := s.window(ctx, w)
		if err == nil && len(list) > 0 {
			s.mu.Lock()
			err = s.each(list)
			s.mu.Unlock()
			return nil, err
		}
		if err == nil || !passing(err) || try == windowTries || ctx.Err() != nil {
			return parts, err
		}
		s.log.WarnContext(ctx, "a search broke off and is begun again", "error.message", err)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
		wait = min(2*wait, s.conf.Backoff.Max)
	}
}

// errPartial says that a search did not look everywhere.
var errPartial = errors.New("parts of the index could not be searched")

// passing says that an error may go by itself.
func passing(err error) bool {
	var refused *RequestError
	switch {
	case errors.As(err, &refused):
		return refused.Status == http.StatusTooManyRequests || refused.Status >= 500 || refused.Status == http.StatusOK
	default:
		return !output.IsFatal(err)
	}
}

// searched is what an answer says of the search.
type searched struct {
	TimedOut *bool `json:"timed_out"`
	Shards   *struct {
		Failed int `json:"failed"`
	} `json:"_shards"`
}

func (a *searched) complete() error {
	if a.TimedOut == nil || *a.TimedOut || a.Shards == nil || a.Shards.Failed > 0 {
		return errPartial
	}
	return nil
}

type storedPage struct {
	searched
	ID   string `json:"_scroll_id"`
	Hits struct {
		Total struct {
			Value int64 `json:"value"`
		} `json:"total"`
		Hits []struct {
			ID     string       `json:"_id"`
			Fields storedFields `json:"fields"`
		} `json:"hits"`
	} `json:"hits"`
}

type storedFields struct {
	Time      []string `json:"@timestamp"`
	Recipient []string `json:"aws.cloudtrail.recipient_account_id"`
	Account   []string `json:"cloud.account.id"`
	Region    []string `json:"cloud.region"`
}

// storedPath keeps answers to what is read of them.
const storedPath = "&filter_path=_scroll_id,timed_out,_shards.failed,hits.total.value,hits.hits._id,hits.hits.fields"

// window reads one window, or, where it holds too much, gives its parts instead.
func (s *search) window(ctx context.Context, w window) (parts []window, list []output.Stored, err error) {
	body := fmt.Appendf(nil, `{"size":%d,"track_total_hits":true,"_source":false,"sort":["_doc"],"query":%s,"docvalue_fields":[`+
		`{"field":"@timestamp","format":"epoch_millis"},"aws.cloudtrail.recipient_account_id","cloud.account.id","cloud.region"]}`,
		windowPage, s.query(w, true))
	scroll := &Scroll{out: s.Output}
	defer func() {
		if scroll.id != "" {
			_ = scroll.Close(context.WithoutCancel(ctx)) // it goes by itself after a while
		}
	}()
	path := s.path + "/_search?allow_partial_search_results=false&scroll=" + scrollKeep + storedPath
	for {
		a, err := s.client.call(ctx, http.MethodPost, path, body)
		switch {
		case err != nil:
			return nil, nil, err
		case a.status == http.StatusNotFound && scroll.id != "":
			return nil, nil, ErrScrollGone
		case a.status != http.StatusOK:
			return nil, nil, s.refused(a)
		}
		var page storedPage
		if err := json.Unmarshal(a.body, &page); err != nil {
			return nil, nil, &RequestError{Status: a.status, Reason: notAnAnswer(a)}
		}
		scroll.id = page.ID
		if err := page.complete(); err != nil {
			return nil, nil, err
		}
		if n := page.Hits.Total.Value; n > windowDocuments && !w.undated && w.to-w.from > 1 {
			return w.split(n), nil, nil
		}
		list = s.take(list, &page)
		switch n := int64(len(list)); {
		case n == page.Hits.Total.Value:
			return nil, list, nil
		case len(page.Hits.Hits) == 0:
			return nil, nil, fmt.Errorf("%w: it tells of %d documents and gave %d", errPartial, page.Hits.Total.Value, n)
		}
		path, body = "/_search/scroll?"+storedPath[1:], fmt.Appendf(nil, `{"scroll":%q,"scroll_id":%q}`, scrollKeep, scroll.id)
	}
}

// split cuts a window of n documents into equal parts.
func (w window) split(n int64) (parts []window) {
	width := w.to - w.from
	count := min(n/windowDocuments*2+2, windowSplit, width)
	for i := range count {
		parts = append(parts, window{from: w.from + width/count*i, to: w.from + width/count*(i+1)})
	}
	parts[count-1].to = w.to
	return parts
}

func (s *search) take(list []output.Stored, page *storedPage) []output.Stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range page.Hits.Hits {
		hit := &page.Hits.Hits[i]
		doc := output.Stored{ID: hit.ID, Region: s.keep(hit.Fields.Region)}
		doc.Account = output.AccountOf(s.keep(hit.Fields.Recipient), s.keep(hit.Fields.Account))
		if len(hit.Fields.Time) > 0 {
			if f, err := strconv.ParseFloat(hit.Fields.Time[0], 64); err == nil { // with digits behind the point where the field has nanoseconds
				doc.Time = time.UnixMilli(int64(f)).UTC()
			}
		}
		list = append(list, doc)
	}
	return list
}

// keep gives one string for all that are equal. The lock is held.
func (s *search) keep(values []string) string {
	if len(values) == 0 {
		return ""
	}
	if k, ok := s.known[values[0]]; ok {
		return k
	}
	if len(s.known) < 10_000 {
		s.known[values[0]] = values[0]
	}
	return values[0]
}

// Copies implements [output.Searcher]. What a search does not find is asked for in the write index by its _id as well, which sees
// what was stored a moment ago.
func (o *Output) Copies(ctx context.Context, index string, ids []string) ([]int, error) {
	if index == "" {
		index = o.index
	}
	counts := make([]int, len(ids))
	for from := 0; from < len(ids); from += lookupSize {
		if err := o.copies(ctx, index, ids[from:min(from+lookupSize, len(ids))], counts[from:]); err != nil {
			return nil, fmt.Errorf("looking for documents in %q: %w", index, err)
		}
	}
	return counts, nil
}

func (o *Output) copies(ctx context.Context, index string, ids []string, counts []int) error {
	found, ok, err := o.searchIDs(ctx, []string{index}, ids)
	switch {
	case isGone(err):
		return nil
	case err != nil:
		return err
	case !ok:
		return errPartial
	}
	var rest []int
	for i, id := range ids {
		if counts[i] = len(found[id]); counts[i] == 0 {
			rest = append(rest, i)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	list, err := o.multiGet(ctx, o.writeIndex(ctx, index), rest, func(i int) string { return ids[i] })
	var refused *RequestError
	if isGone(err) || deniedBy(err) != nil || errors.As(err, &refused) && !passing(err) {
		return nil // the search is what there is
	}
	if err != nil {
		return err
	}
	for n, i := range rest {
		if list[n].found {
			counts[i] = 1
		}
	}
	return nil
}

// writeIndex is the newest index of a data stream, or the name itself where that is none, or may not be looked at.
func (o *Output) writeIndex(ctx context.Context, name string) string {
	a, err := o.client.call(ctx, http.MethodGet, "/_data_stream/"+url.PathEscape(name), nil)
	if err != nil || a.status != http.StatusOK {
		return name
	}
	var found struct {
		Streams []struct {
			Indices []struct {
				Name string `json:"index_name"`
			} `json:"indices"`
		} `json:"data_streams"`
	}
	if json.Unmarshal(a.body, &found) != nil || len(found.Streams) != 1 || len(found.Streams[0].Indices) == 0 {
		return name
	}
	list := found.Streams[0].Indices
	return list[len(list)-1].Name
}
