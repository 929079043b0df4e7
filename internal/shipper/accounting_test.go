package shipper

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCountsCheck(t *testing.T) {
	tests := map[string]struct {
		counts Counts
		want   string
	}{
		"nothing":     {},
		"balanced":    {counts: Counts{Received: 21, Indexed: 1, Duplicate: 2, Filtered: 3, DeadLettered: 4, InFlight: 5, Returned: 6}},
		"one lost":    {counts: Counts{Received: 2, Indexed: 1}, want: "does not balance"},
		"one twice":   {counts: Counts{Received: 1, Indexed: 1, Duplicate: 1}, want: "does not balance"},
		"negative":    {counts: Counts{Received: 0, Indexed: 1, InFlight: -1}, want: "negative"},
		"read errors": {counts: Counts{Received: 1, Indexed: 1, ReadErrors: 7}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := test.counts.Check()
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestAccountingBalancesAtEveryStep(t *testing.T) {
	a := newAccounting([]string{"one", "two"})
	changes := 0
	a.watch = func(s Snapshot) {
		changes++
		assert.NoError(t, s.Check())
	}
	var wg sync.WaitGroup
	for _, id := range []string{"one", "two", "one"} {
		wg.Go(func() {
			for range 100 {
				a.receive(id, 10)
				a.settle(id, Counts{Indexed: 3, Filtered: 1})
				a.readError(id)
				a.settle(id, Counts{Duplicate: 1, DeadLettered: 2, Returned: 3})
				assert.NoError(t, a.Snapshot().Check())
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 1200, changes)
	s := a.Snapshot()
	assert.Equal(t, "received=3000 indexed=900 duplicate=300 filtered=300 dead_lettered=600 in_flight=0 returned=900", s.String())
	assert.Equal(t, s.String(), a.String())
	require.Len(t, s.Inputs, 2)
	assert.Equal(t, "one", s.Inputs[0].ID)
	assert.EqualValues(t, 2000, s.Inputs[0].Received)
	assert.EqualValues(t, 100, s.Inputs[1].ReadErrors)
}

func TestSnapshotCheckComparesInputsWithTotal(t *testing.T) {
	s := Snapshot{Total: Counts{Received: 2, Indexed: 2}, Inputs: []InputCounts{{ID: "a", Counts: Counts{Received: 1, Indexed: 1}}}}
	require.ErrorContains(t, s.Check(), "the inputs sum up to")
	s.Inputs[0].Received = 7
	require.ErrorContains(t, s.Check(), `input "a"`)
}

func TestCountsLogAsGroup(t *testing.T) {
	var buf bytes.Buffer
	slog.New(slog.NewTextHandler(&buf, nil)).Info("done", "events", Counts{Received: 2, Indexed: 2})
	assert.Contains(t, buf.String(), "events.received=2 events.indexed=2 events.duplicate=0")
}
