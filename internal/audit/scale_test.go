package audit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// manySearch makes its documents up: all of n events but those that are absent.
type manySearch struct {
	n      int
	absent map[int]bool
}

func (m *manySearch) Stored(_ context.Context, _ output.Selection, each func([]output.Stored) error) error {
	list := make([]output.Stored, 0, 10_000)
	for i := range m.n {
		if !m.absent[i] {
			list = append(list, output.Stored{ID: idOf(i), Time: manyTime(i, m.n), Account: "111122223333", Region: "eu-west-1"})
		}
		if len(list) == cap(list) || i == m.n-1 {
			if err := each(list); err != nil {
				return err
			}
			list = list[:0]
		}
	}
	return nil
}

func (m *manySearch) Copies(_ context.Context, _ string, ids []string) ([]int, error) {
	return make([]int, len(ids)), nil
}

// manyTime spreads n events over 30 days.
func manyTime(i, n int) time.Time {
	return base.Add(30 * 24 * time.Hour / time.Duration(n) * time.Duration(i))
}

// Memory does not grow with the number of events: TRAILBEAT_TEST_AUDIT_EVENTS=10000000 go test -count=1 -v -run TestManyEvents ./internal/audit
func TestManyEvents(t *testing.T) {
	n, buffer := 100_000, 5_000
	if text := os.Getenv("TRAILBEAT_TEST_AUDIT_EVENTS"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(t, err)
		buffer = 0
	}
	search := &manySearch{n: n, absent: map[int]bool{}}
	for len(search.absent) < 50 {
		search.absent[rand.IntN(n)] = true
	}
	var lost []string
	a := newAudit(t, search, func(o *Options) {
		o.BufferEntries = buffer
		o.Difference = func(d Difference) error { lost = append(lost, d.ID); return nil }
	})
	began := time.Now()
	writer := a.Output()
	var writers sync.WaitGroup
	const part = 500
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		writers.Go(func() {
			events := make([]*ecs.Event, part)
			for i := range events {
				events[i] = new(ecs.Event)
			}
			for from := range next {
				list := events[:min(part, n-from)]
				for i, ev := range list {
					ev.Reset()
					ev.Timestamp = manyTime(from+i, n).Format(time.RFC3339Nano)
					ev.AWS.CloudTrail.RecipientAccountID, ev.Cloud.Region = "111122223333", "eu-west-1"
					ev.Log.File.Path = fmt.Sprintf("/logs/%d.json.gz", from)
					ev.Meta.ID, ev.Meta.Index, ev.Meta.Dated, ev.Meta.Raw = idOf(from+i), "logs", true, rawOf(from+i)
				}
				_, err := writer.Write(t.Context(), list)
				assert.NoError(t, err)
			}
		})
	}
	for from := 0; from < n; from += part {
		next <- from
	}
	close(next)
	writers.Wait()
	read := time.Since(began)
	r, err := a.Compare(t.Context())
	require.NoError(t, err)
	t.Logf("%d events: noted in %s, compared in %s, %d runs, %d bytes on disk for the source, peak of the process %s", n,
		read.Round(time.Millisecond), (time.Since(began) - read).Round(time.Millisecond), len(a.source.ends), a.source.ends[len(a.source.ends)-1], peakRSS())
	assert.Equal(t, Counts{Records: int64(n), Events: int64(n), Stored: int64(n - 50), Missing: 50}, r.Total)
	var want []string
	for i := range search.absent {
		want = append(want, idOf(i))
	}
	slices.Sort(want)
	slices.Sort(lost)
	assert.Equal(t, want, lost)
}

// peakRSS is VmHWM of this process, where the system tells.
func peakRSS() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	value, _, _ := strings.Cut(rest, "\n")
	return strings.Join(strings.Fields(value), " ")
}
