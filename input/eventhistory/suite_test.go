package eventhistory

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
	"github.com/trailbeat/trailbeat/input/inputtest"
	"github.com/trailbeat/trailbeat/internal/registry"
)

// The newest events come first, so what is put behind the others is older: it came late. With lookback 0 all of it is of the past.
func TestContract(t *testing.T) {
	for _, c := range []struct {
		once     bool
		page     int
		lookback time.Duration
	}{{true, 50, time.Hour}, {true, 7, time.Hour}, {false, 50, time.Hour}, {false, 5, time.Hour}, {true, 50, 0}, {true, 4, 0}} {
		t.Run(fmt.Sprintf("once=%v/%d events a page/lookback %s", c.once, c.page, c.lookback), func(t *testing.T) {
			t.Parallel()
			inputtest.Run(t, inputtest.Harness{Ends: c.once, New: func(t *testing.T) inputtest.Source {
				var server awstest.Server
				h := server.History()
				h.Page = c.page
				store := new(registry.Memory).Input("in")
				cfg := testConfig(&server)
				cfg.BatchMaxRecords, cfg.MaxBatchesInFlight = 7, 20
				cfg.ScanFrequency, cfg.Lookback = 2*time.Millisecond, c.lookback
				at, step := time.Now().Add(-10*time.Minute), -time.Second
				if c.lookback == 0 {
					step = time.Second
				}
				n := 0
				return inputtest.Source{
					Seed: func(records []string) {
						for _, r := range records {
							if n++; c.lookback == 0 && n > 60 {
								at = time.Now() // what comes later happened later
							}
							h.Put("us-east-1", awstest.HistoryEvent{ID: fmt.Sprint("event-", n), At: at, Text: r})
							at = at.Add(step)
						}
					},
					Open: func() input.Input {
						in, err := New(cfg, Deps{ID: "in", Store: store, Once: c.once})
						require.NoError(t, err)
						return in
					},
				}
			}})
		})
	}
}
