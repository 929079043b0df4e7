package elasticsearch

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/stack"
	"github.com/trailbeat/trailbeat/output"
)

func TestGroupsOfIndices(t *testing.T) {
	assert.Empty(t, groupsOf(nil))
	long := strings.Repeat("x", 1400)
	names := []string{"a", long, "b", long, long, long, "c"}
	var sizes []int
	for _, group := range groupsOf(names) {
		sizes = append(sizes, len(group))
		assert.LessOrEqual(t, len(pathOf(group)), maxPath)
	}
	assert.Equal(t, []int{4, 3}, sizes)
	assert.Len(t, groupsOf([]string{strings.Repeat("x", 5000), "a"}), 2, "one that is too long travels alone")
}

func TestSettledIndicesAreSearchedAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		setup(t, engine, oneNode())
		writer := open(t, engine.URL)
		defer writer.Close()
		long := time.Now().AddDate(-1, 0, 0)
		for i := range 7 {
			_, err := writer.Write(t.Context(), dated(100*i, 100, long))
			require.NoError(t, err)
			if i < 6 {
				rollOver(t, engine)
			}
		}
		for name, refuse := range map[string]string{"may refresh": "", "may not refresh": "/_refresh"} {
			t.Run(name, func(t *testing.T) {
				var mu sync.Mutex
				counts := map[string]int{}
				conf := DefaultConfig()
				conf.Hosts = []string{engine.URL}
				out, err := New(conf, Options{Wrap: func(next http.RoundTripper) http.RoundTripper {
					return roundTripper(func(r *http.Request) (*http.Response, error) {
						verb := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/'):]
						mu.Lock()
						counts[verb]++
						mu.Unlock()
						if verb == refuse {
							return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Request: r, Body: io.NopCloser(
								strings.NewReader(`{"error":{"type":"security_exception","reason":"no"},"status":403}`))}, nil
						}
						return next.RoundTrip(r)
					})
				}})
				require.NoError(t, err)
				defer out.Close()
				for range 2 {
					res, err := out.Write(t.Context(), dated(0, 700, long))
					require.NoError(t, err)
					assert.Equal(t, output.Result{Duplicate: 700}, res)
				}
				assert.Equal(t, 2, counts["/_bulk"], "for those in the write index")
				if refuse != "" {
					assert.Zero(t, counts["/_search"])
					assert.Equal(t, 2*7, counts["/_mget"])
					return
				}
				assert.Equal(t, 1, counts["/_refresh"])
				assert.Equal(t, 2, counts["/_search"])
				assert.Equal(t, 2*2, counts["/_mget"], "the one before the write index, and that itself for what was found")
			})
		}
		onlyOnce(t, engine, 700)

		// Retention takes two of them while the output believes that they are there.
		gone := indicesOf(t, engine)[:2]
		_, err := writer.Write(t.Context(), dated(0, 700, long))
		require.NoError(t, err)
		for _, index := range gone {
			engine.Must(t, "DELETE", "/"+index, "")
		}
		res, err := writer.Write(t.Context(), dated(0, 700, long))
		require.NoError(t, err)
		assert.Equal(t, output.Result{Stored: 200, Duplicate: 500}, res)
		onlyOnce(t, engine, 700)
	})
}
