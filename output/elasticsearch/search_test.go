package elasticsearch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/stack"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

// searchable is a server with documents at given milliseconds, which knows what a search here asks for. upset is called before each
// page that follows another, and answers in its place where it returns true.
type searchable struct {
	*httptest.Server
	upset func(w http.ResponseWriter) bool
	first func(w http.ResponseWriter) bool // before the first page of a window

	mu      sync.Mutex
	times   []int64
	scrolls map[string][]int // documents that are left
	opened  int
	closed  int
}

func newSearchable(t *testing.T, times ...int64) *searchable {
	s := &searchable{times: times, scrolls: map[string][]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *searchable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set(productHeader, "Elasticsearch")
	body, _ := io.ReadAll(r.Body)
	switch {
	case r.Method == http.MethodDelete:
		s.closed++
		_, _ = io.WriteString(w, `{}`)
	case strings.HasSuffix(r.URL.Path, "/_refresh"):
		_, _ = io.WriteString(w, `{}`)
	case r.URL.Path == "/_search/scroll":
		var ask struct {
			ID string `json:"scroll_id"`
		}
		_ = json.Unmarshal(body, &ask)
		if s.upset != nil && s.upset(w) {
			return
		}
		s.page(w, ask.ID, len(s.times))
	case strings.Contains(string(body), `"aggs"`):
		if len(s.times) == 0 {
			_, _ = io.WriteString(w, `{"timed_out":false,"_shards":{"failed":0},"aggregations":{"first":{"value":null},"last":{"value":null}}}`)
			return
		}
		fmt.Fprintf(w, `{"timed_out":false,"_shards":{"failed":0},"aggregations":{"first":{"value":%d.0},"last":{"value":%d.0}}}`, slices.Min(s.times), slices.Max(s.times))
	case r.URL.Query().Has("scroll"):
		if s.first != nil && s.first(w) {
			return
		}
		var ask struct {
			Query struct {
				Bool struct {
					Filter []struct {
						Range map[string]struct{ Gte, Lt int64 }
					}
				}
			}
		}
		if err := json.Unmarshal(body, &ask); err != nil {
			panic(err)
		}
		var found []int
		for _, f := range ask.Query.Bool.Filter {
			in := f.Range["@timestamp"]
			for i, at := range s.times {
				if at >= in.Gte && at < in.Lt {
					found = append(found, i)
				}
			}
		}
		s.opened++
		id := fmt.Sprint("scroll ", s.opened)
		s.scrolls[id] = found
		s.page(w, id, len(found))
	default:
		panic(r.URL.String())
	}
}

// page gives what is left of a scroll, ten thousand at most.
func (s *searchable) page(w http.ResponseWriter, id string, total int) {
	left := s.scrolls[id]
	if total == len(s.times) { // of a later page
		total = len(left) + s.given(id)
	}
	n := min(len(left), windowPage)
	hits := make([]string, n)
	for i, doc := range left[:n] {
		hits[i] = fmt.Sprintf(`{"_id":"%d","fields":{"@timestamp":["%d"],"cloud.account.id":["1"],"cloud.region":["eu"]}}`, doc, s.times[doc])
	}
	s.scrolls[id] = left[n:]
	s.scrolls["given "+id] = append(s.scrolls["given "+id], left[:n]...)
	fmt.Fprintf(w, `{"_scroll_id":%q,"timed_out":false,"_shards":{"failed":0},"hits":{"total":{"value":%d},"hits":[%s]}}`, id, total, strings.Join(hits, ","))
}

func (s *searchable) given(id string) int { return len(s.scrolls["given "+id]) }

func quick(c *Config) { c.Backoff = BackoffConfig{Init: time.Millisecond, Max: time.Millisecond} }

// found gives the ids that a search finds, and fails where one comes twice.
func found(t *testing.T, o *Output, sel output.Selection) []string {
	t.Helper()
	seen := map[string]bool{}
	require.NoError(t, o.Stored(t.Context(), sel, func(list []output.Stored) error {
		for _, d := range list {
			assert.False(t, seen[d.ID], d.ID)
			seen[d.ID] = true
		}
		return nil
	}))
	ids := make([]string, 0, len(seen))
	for id := range seen {
		ids = append(ids, id)
	}
	return ids
}

// Windows that hold too much are cut, down to a millisecond that holds too much and is read as it is.
func TestSearchCutsWindows(t *testing.T) {
	var times []int64
	for i := range windowDocuments + 5 {
		times = append(times, 1_000)
		if i%2 == 0 {
			times = append(times, int64(2_000+i))
		}
	}
	s := newSearchable(t, times...)
	o := open(t, s.URL, quick)
	defer o.Close()
	assert.Len(t, found(t, o, output.Selection{}), len(times))
	assert.Equal(t, s.opened, s.closed, "no scroll is left open")
}

// A window whose reading breaks off is read again, and its documents come once.
func TestSearchBeginsWindowsAgain(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"forgotten": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound); _, _ = io.WriteString(w, `{}`) },
		"busy": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"error":{"type":"es_rejected_execution_exception","reason":"full"},"status":429}`)
		},
		"partial": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"_scroll_id":"x","timed_out":false,"_shards":{"failed":1},"hits":{"total":{"value":1},"hits":[]}}`)
		},
		"timed out": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"_scroll_id":"x","timed_out":true,"_shards":{"failed":0},"hits":{"total":{"value":1},"hits":[]}}`)
		},
		"short": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"_scroll_id":"x","timed_out":false,"_shards":{"failed":0},"hits":{"total":{"value":25000},"hits":[]}}`)
		},
		"cut off": func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"_scroll_id":"x","hits":`) },
	} {
		t.Run(name, func(t *testing.T) {
			times := make([]int64, 25_000)
			for i := range times {
				times[i] = int64(i)
			}
			s := newSearchable(t, times...)
			left := 3
			s.upset = func(w http.ResponseWriter) bool {
				if left == 0 {
					return false
				}
				left--
				answer(w)
				return true
			}
			o := open(t, s.URL, quick)
			defer o.Close()
			assert.Len(t, found(t, o, output.Selection{}), len(times))
			assert.Zero(t, left)
		})
	}
}

func TestSearchGivesUp(t *testing.T) {
	s := newSearchable(t, 1, 2, 3)
	tries := 0
	s.first = func(w http.ResponseWriter) bool {
		tries++
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":{"type":"security_exception","reason":"action is unauthorized"},"status":403}`)
		return true
	}
	o := open(t, s.URL, quick)
	defer o.Close()
	err := o.Stored(t.Context(), output.Selection{From: time.UnixMilli(1)}, func([]output.Stored) error { return nil })
	require.ErrorContains(t, err, `grant read on "logs-aws.cloudtrail-default"`)
	assert.Equal(t, 1, tries, "no right comes by itself")

	s.first = nil
	enough := errors.New("enough")
	assert.ErrorIs(t, o.Stored(t.Context(), output.Selection{}, func([]output.Stored) error { return enough }), enough)
}

// What is stored is found by its time and by its _id, in all backing indices, also right after it was written.
func TestSearchEngines(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		o := open(t, engine.URL)
		defer o.Close()
		assert.Empty(t, found(t, o, output.Selection{}), "no data stream")
		counts, err := o.Copies(t.Context(), "", []string{"a"})
		require.NoError(t, err)
		assert.Equal(t, []int{0}, counts)

		setup(t, engine, oneNode())
		_, err = o.Write(t.Context(), outputtest.NewEvents(0, 1500))
		require.NoError(t, err)
		engine.Must(t, "POST", "/logs-aws.cloudtrail-default/_rollover", "")
		other := open(t, engine.URL, func(c *Config) { c.DeduplicateAcrossRollover = DeduplicateOff })
		defer other.Close()
		_, err = other.Write(t.Context(), outputtest.NewEvents(1499, 501))
		require.NoError(t, err)

		// The one that is there twice is given twice.
		copies := map[string]int{}
		docs := map[string]output.Stored{}
		require.NoError(t, o.Stored(t.Context(), output.Selection{}, func(list []output.Stored) error {
			for _, d := range list {
				copies[d.ID]++
				docs[d.ID] = d
			}
			return nil
		}))
		assert.Len(t, copies, 2000)
		last := outputtest.NewEvent(1499)
		assert.Equal(t, 2, copies[last.Meta.ID])
		at, err := time.Parse(time.RFC3339Nano, last.Timestamp)
		require.NoError(t, err)
		assert.Equal(t, output.Stored{ID: last.Meta.ID, Time: at, Account: "111122223333", Region: "eu-west-1"}, docs[last.Meta.ID])

		assert.Len(t, found(t, o, output.Selection{From: at.Add(time.Millisecond), To: at.Add(10 * time.Second)}), 9)
		assert.Empty(t, found(t, o, output.Selection{Accounts: []string{"999922223333"}}))
		assert.Len(t, found(t, o, output.Selection{To: at, Accounts: []string{"111122223333"}, Regions: []string{"eu-west-1", "x"}}), 1499)

		_, err = o.Write(t.Context(), outputtest.NewEvents(5000, 1))
		require.NoError(t, err)
		counts, err = o.Copies(t.Context(), "", []string{outputtest.NewEvent(5000).Meta.ID, "absent", last.Meta.ID, outputtest.NewEvent(3).Meta.ID})
		require.NoError(t, err)
		assert.Equal(t, []int{1, 0, 2, 1}, counts, "a document that is not refreshed yet is found by its _id")
	})
}
