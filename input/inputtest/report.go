package inputtest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
)

// testReport looks at what an input tells of itself, if it does.
func testReport(t *testing.T, h Harness) {
	s, want := seeded(t, h)
	in := s.Open()
	told, ok := in.(input.Reporter)
	if !ok {
		t.Skip("the input tells nothing of itself")
	}
	r := told.Report()
	bounded(t, r)
	assert.Equal(t, input.StateStarting, r.State)
	assert.NotEmpty(t, r.Source)
	assert.Zero(t, r.Records)
	assert.Empty(t, r.LastError)

	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // whenever, from wherever
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_ = told.Report()
			}
		}
	}()
	batches := take(t, h, in, len(want))
	close(stop)
	<-stopped
	r = told.Report()
	bounded(t, r)
	assert.EqualValues(t, len(want), r.Records)
	assert.Positive(t, r.Listed)
	assert.Positive(t, r.InFlight)
	assert.Positive(t, r.Bytes)
	assert.NotEmpty(t, r.LastObject)
	assert.False(t, r.LastObjectTime.IsZero())
	assert.Empty(t, r.LastError)

	for _, b := range batches {
		b.Ack(nil)
	}
	require.NoError(t, in.Close())
	r = told.Report()
	bounded(t, r)
	assert.Equal(t, input.StateEnded, r.State)
	assert.True(t, r.NextPoll.IsZero())
	assert.Empty(t, r.LastError)
	assert.Zero(t, r.Failed)
	if h.Ends { // otherwise it may wait for more in what it has read to the end
		assert.Positive(t, r.Read)
		assert.Zero(t, r.InFlight)
	}
}

// testReportReturned looks at what it tells when a batch comes back.
func testReportReturned(t *testing.T, h Harness) {
	s, want := seeded(t, h)
	in := s.Open()
	told, ok := in.(input.Reporter)
	if !ok {
		t.Skip("the input tells nothing of itself")
	}
	for i, b := range take(t, h, in, len(want)) {
		if i == 0 {
			b.Ack(fmt.Errorf("writing: %w", errDown))
		} else {
			b.Ack(nil)
		}
	}
	_ = in.Close() // it may say that something came back
	r := told.Report()
	bounded(t, r)
	assert.Positive(t, r.Errors[input.KindReturned], "%+v", r)
	assert.Equal(t, input.KindReturned, r.LastErrorKind)
	assert.Contains(t, r.LastError, errDown.Error())
	assert.Positive(t, r.Failed)
}

// bounded looks at what metrics are labelled with.
func bounded(t *testing.T, r input.Report) {
	t.Helper()
	assert.Contains(t, input.Units(), r.Unit)
	assert.Contains(t, input.States(), r.State)
	assert.Len(t, r.Errors, len(input.ErrorKinds()))
	for kind := range r.Errors {
		assert.Contains(t, input.ErrorKinds(), kind)
	}
	if r.LastError != "" {
		assert.Contains(t, input.ErrorKinds(), r.LastErrorKind)
	}
	for _, n := range []int64{r.Listed, r.InFlight, r.Read, r.Failed, r.Failing, r.Skipped, r.Missing, r.Records, r.Bytes, r.Calls, r.Throttled} {
		assert.GreaterOrEqual(t, n, int64(0))
	}
	assert.GreaterOrEqual(t, r.Waiting, int64(-1))
}
