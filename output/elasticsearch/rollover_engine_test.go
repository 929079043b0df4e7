package elasticsearch

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/stack"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

const streamName = "logs-aws.cloudtrail-default"

// dated events state a time of their own, as those of CloudTrail do.
func dated(first, n int, at time.Time) []*ecs.Event {
	events := outputtest.NewEvents(first, n)
	for _, ev := range events {
		ev.Timestamp, ev.Meta.Dated = at.UTC().Format("2006-01-02T15:04:05.000Z"), true
	}
	return events
}

func rollOver(t testing.TB, engine stack.Engine) {
	t.Helper()
	engine.Must(t, "POST", "/"+streamName+"/_rollover", "")
}

// onlyOnce checks that n documents are stored, none of them in two indices.
func onlyOnce(t *testing.T, engine stack.Engine, n int) {
	t.Helper()
	counts := map[string]int{}
	for _, d := range engine.Documents(t, streamName) {
		counts[d.ID]++
	}
	assert.Len(t, counts, n)
	for id, count := range counts {
		assert.Equal(t, 1, count, id)
	}
}

// indicesOf lists the backing indices, oldest first.
func indicesOf(t testing.TB, engine stack.Engine) []string {
	t.Helper()
	out := open(t, engine.URL)
	defer out.Close()
	s, err := out.refresh(t.Context(), streamName)
	require.NoError(t, err)
	return s.indices
}

func TestTheSameRecordsAfterRollovers(t *testing.T) {
	for _, rollovers := range []int{1, 3} {
		for name, events := range map[string]func() []*ecs.Event{
			"dated":   func() []*ecs.Event { return dated(0, 500, time.Now()) },
			"old":     func() []*ecs.Event { return dated(0, 500, time.Now().AddDate(-1, 0, 0)) },
			"undated": func() []*ecs.Event { return outputtest.NewEvents(0, 500) },
			"ahead":   func() []*ecs.Event { return dated(0, 500, time.Now().Add(48*time.Hour)) },
		} {
			if rollovers > 1 && name != "old" {
				continue // as with one, and rollovers take their time
			}
			t.Run(fmt.Sprintf("%d rollovers, %s", rollovers, name), func(t *testing.T) {
				eachEngine(t, func(t *testing.T, engine stack.Engine) {
					setup(t, engine, oneNode())
					running := open(t, engine.URL) // knows the state before the rollovers
					defer running.Close()
					res, err := running.Write(t.Context(), events()[:400])
					require.NoError(t, err)
					require.Equal(t, output.Result{Stored: 400}, res)
					for range rollovers {
						rollOver(t, engine)
					}
					// Nothing was refreshed: only a realtime look finds the documents.
					res, err = running.Write(t.Context(), events())
					require.NoError(t, err)
					assert.Equal(t, output.Result{Stored: 100, Duplicate: 400}, res)
					onlyOnce(t, engine, 500)

					restarted := open(t, engine.URL) // asks for it anew
					defer restarted.Close()
					rollOver(t, engine)
					for range 2 {
						res, err = restarted.Write(t.Context(), events())
						require.NoError(t, err)
						assert.Equal(t, output.Result{Duplicate: 500}, res)
					}
					onlyOnce(t, engine, 500)
				})
			})
		}
	}
}

// A run that died between storing and looking leaves two copies. The records come again.
func TestSecondCopyOfADeadRunIsRemoved(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		setup(t, engine, oneNode())
		off := open(t, engine.URL, func(c *Config) { c.DeduplicateAcrossRollover = DeduplicateOff })
		defer off.Close()
		events := dated(0, 50, time.Now())
		for range 3 {
			res, err := off.Write(t.Context(), events)
			require.NoError(t, err)
			require.Equal(t, output.Result{Stored: 50}, res, "without a look they are stored again")
			rollOver(t, engine)
		}
		res, err := off.Write(t.Context(), events[:25])
		require.NoError(t, err)
		require.Equal(t, output.Result{Stored: 25}, res)

		out := open(t, engine.URL)
		defer out.Close()
		res, err = out.Write(t.Context(), events)
		require.NoError(t, err)
		assert.Equal(t, output.Result{Duplicate: 50}, res)
		onlyOnce(t, engine, 50)
	})
}

func TestRolloversWhileShipping(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		setup(t, engine, oneNode())
		out := open(t, engine.URL, func(c *Config) { c.BulkMaxSize, c.Worker = 50, 2 })
		other := open(t, engine.URL, func(c *Config) { c.BulkMaxSize = 80 })
		defer out.Close()
		defer other.Close()
		_, err := out.Write(t.Context(), dated(0, 1, time.Now()))
		require.NoError(t, err)

		const total = 3000
		var storedAll atomic.Int64
		stop := make(chan struct{})
		var rolling, shipping sync.WaitGroup
		rolling.Go(func() {
			for n := 0; n < 12; n++ {
				select {
				case <-stop:
					return
				default:
					rollOver(t, engine)
				}
			}
		})
		// Two shippers, each with two workers, send all records, in different orders and each part twice.
		for i, o := range []*Output{out, other} {
			for half := range 2 {
				shipping.Go(func() {
					for part := half * 10; part < half*10+10; part++ {
						n := part
						if i == 1 {
							n = 19 - part
						}
						for range 2 {
							storedAll.Add(int64(insist(t, o, dated(n*total/20, total/20, time.Now())).Stored))
						}
					}
				})
			}
		}
		shipping.Wait()
		close(stop)
		rolling.Wait()
		onlyOnce(t, engine, total)
		t.Logf("%d backing indices, %d counted as stored for %d documents", len(indicesOf(t, engine)), storedAll.Load()+1, total)
	})
}

// insist writes until it succeeds, as the flow does: an index that was made a moment ago may not have its shard yet.
func insist(t *testing.T, out *Output, events []*ecs.Event) output.Result {
	for {
		res, err := out.Write(t.Context(), events)
		if err == nil || output.IsFatal(err) || t.Context().Err() != nil {
			assert.NoError(t, err)
			return res
		}
	}
}

func TestIndexPastItsRetentionIsNoObstacle(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		setup(t, engine, oneNode())
		out := open(t, engine.URL)
		defer out.Close()
		old := dated(0, 10, time.Now())
		_, err := out.Write(t.Context(), old)
		require.NoError(t, err)
		rollOver(t, engine)
		_, err = out.Write(t.Context(), dated(10, 10, time.Now()))
		require.NoError(t, err)
		rollOver(t, engine)
		_, err = out.Write(t.Context(), dated(20, 10, time.Now()))
		require.NoError(t, err)
		engine.Must(t, "DELETE", "/"+indicesOf(t, engine)[0], "")

		res, err := out.Write(t.Context(), dated(0, 30, time.Now()))
		require.NoError(t, err)
		assert.Equal(t, output.Result{Stored: 10, Duplicate: 20}, res, "what retention took is stored anew")
		onlyOnce(t, engine, 30)
	})
}

// BenchmarkRollover measures what the look costs, beside the request itself.
func BenchmarkRollover(b *testing.B) {
	for _, kind := range engines {
		b.Run(kind, func(b *testing.B) {
			engine := stack.Find(b, kind)
			for _, indices := range []int{2, 11} {
				engine.Purge(b, "logs-aws.cloudtrail", "trailbeat-")
				setup(b, engine, oneNode())
				fill := open(b, engine.URL)
				for i := range indices - 1 {
					for k := range 3 {
						_, err := fill.Write(b.Context(), dated((10*i+k)*1600, 1600, time.Now().AddDate(-1, 0, 0)))
						require.NoError(b, err)
					}
					rollOver(b, engine)
				}
				_ = fill.Close()
				next := 1_000_000
				for _, test := range []struct {
					name  string
					mode  string
					at    time.Time
					fresh bool
				}{
					{"off", DeduplicateOff, time.Now(), false},
					{"fresh", DeduplicateAuto, time.Now(), true},
					{"late", DeduplicateAuto, time.Now(), false},
					{"history", DeduplicateAuto, time.Now().AddDate(-2, 0, 0), false},
				} {
					b.Run(fmt.Sprintf("%d-indices/%s", indices, test.name), func(b *testing.B) {
						var requests atomic.Int64
						conf := DefaultConfig()
						conf.Hosts, conf.DeduplicateAcrossRollover = []string{engine.URL}, test.mode
						out, err := New(conf, Options{Wrap: func(rt http.RoundTripper) http.RoundTripper {
							return roundTripper(func(r *http.Request) (*http.Response, error) { requests.Add(1); return rt.RoundTrip(r) })
						}})
						require.NoError(b, err)
						defer out.Close()
						s, err := out.refresh(b.Context(), streamName)
						require.NoError(b, err)
						aged := &stream{indices: s.indices}
						for i := range s.until { // as if the rollovers lay an hour apart, the last one an hour or a minute ago
							at := time.Now().Add(-time.Duration(len(s.until)-i) * time.Hour)
							if !test.fresh {
								at = at.Add(time.Hour)
							}
							aged.until = append(aged.until, at.UTC().Format(secondsLayout))
						}
						if !test.fresh {
							aged.until[len(aged.until)-1] = after
						}
						out.streams.set(streamName, aged)
						_, err = out.Server(b.Context())
						require.NoError(b, err)
						requests.Store(0)
						for b.Loop() {
							b.StopTimer()
							events := dated(next, 1600, test.at)
							next += 1600
							b.StartTimer()
							_, err := out.Write(b.Context(), events)
							require.NoError(b, err)
						}
						b.ReportMetric(float64(requests.Load())/float64(b.N), "requests/op")
					})
				}
			}
			engine.Purge(b, "logs-aws.cloudtrail", "trailbeat-")
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// streamFake answers as a data stream with these backing indices.
func streamFake(indices []string, made time.Time) (streams, settings string) {
	var list []string
	ages := map[string]any{}
	for i, index := range indices {
		list = append(list, fmt.Sprintf(`{"index_name":%q}`, index))
		at := made.Add(time.Duration(i-len(indices)+1) * 24 * time.Hour)
		ages[index] = map[string]any{"settings": map[string]string{"index.creation_date": fmt.Sprint(at.UnixMilli())}}
	}
	text, _ := json.Marshal(ages)
	return `{"data_streams":[{"indices":[` + strings.Join(list, ",") + `]}]}`, string(text)
}

// TestLookThatFails breaks the connection after the documents were stored and before they were looked for. They are not
// delivered then, and when they come again the newer copies go.
func TestLookThatFails(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		setup(t, engine, oneNode())
		var broken atomic.Bool
		conf := DefaultConfig()
		conf.Hosts = []string{engine.URL}
		out, err := New(conf, Options{Wrap: func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if broken.Load() && strings.HasSuffix(r.URL.Path, "/_mget") {
					if r.Body != nil {
						_ = r.Body.Close()
					}
					return nil, errors.New("cut")
				}
				return next.RoundTrip(r)
			})
		}})
		require.NoError(t, err)
		defer out.Close()
		_, err = out.Write(t.Context(), dated(0, 100, time.Now()))
		require.NoError(t, err)
		rollOver(t, engine)

		broken.Store(true)
		res, err := out.Write(t.Context(), dated(0, 200, time.Now()))
		require.ErrorContains(t, err, "cut")
		require.False(t, output.IsFatal(err))
		assert.Zero(t, res)
		assert.Len(t, engine.Documents(t, streamName), 300, "for now they are there twice")

		broken.Store(false)
		res, err = out.Write(t.Context(), dated(0, 200, time.Now()))
		require.NoError(t, err)
		assert.Equal(t, output.Result{Duplicate: 200}, res)
		onlyOnce(t, engine, 200)
	})
}
