package sizing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
)

// processor drops each third record.
type processor struct{ n int }

func (p *processor) Process(raw []byte, ev *ecs.Event) error {
	if p.n++; p.n%3 == 0 {
		return errors.New("dropped")
	}
	ev.Meta.ID, ev.Message = "an-id", string(raw)
	return nil
}

func container(records int) []byte {
	var text bytes.Buffer
	text.WriteString(`{"Records":[`)
	for i := range records {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"eventID":"%d"}`, i)
	}
	text.WriteString("]}")
	return text.Bytes()
}

func packed(t *testing.T, data []byte) []byte {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	_, err := z.Write(data)
	require.NoError(t, errors.Join(err, z.Close()))
	return buf.Bytes()
}

func TestMeasure(t *testing.T) {
	plain, small := container(3000), packed(t, container(300))
	r, err := Measure(t.Context(), []File{{"plain", plain}, {"packed", small}}, Options{Processor: &processor{}})
	require.NoError(t, err)
	require.Equal(t, 2, r.Files)
	require.Equal(t, 3300, r.Records)
	require.Equal(t, 1100, r.Dropped)
	require.EqualValues(t, len(plain)+len(small), r.PackedBytes)
	require.Equal(t, 3, r.Requests, "one full, one of the rest of its file, one of the other file")
	require.Less(t, r.SentBytes, r.BodyBytes)
	require.Equal(t, leastTurns, r.Turns)
	require.Len(t, r.Stages, 5)
	sum, shares := 0.0, 0.0
	for _, s := range r.Stages {
		require.GreaterOrEqual(t, s.Microseconds, 0.0)
		sum, shares = sum+s.Microseconds, shares+s.Share
	}
	require.InDelta(t, r.Microseconds, sum, 1e-9)
	require.InDelta(t, 1, shares, 1e-9)
	require.Positive(t, r.RecordsPerSecond())
}

func TestMeasureFails(t *testing.T) {
	_, err := Measure(t.Context(), []File{{"empty", []byte(`{"Records":[]}`)}}, Options{Processor: &processor{}})
	require.ErrorIs(t, err, ErrNoRecords)
	whole := packed(t, container(100))
	_, err = Measure(t.Context(), []File{{"cut", whole[:len(whole)/2]}}, Options{Processor: &processor{}})
	require.ErrorContains(t, err, `reading "cut"`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Measure(ctx, []File{{"plain", container(3)}}, Options{Processor: &processor{}})
	require.ErrorIs(t, err, context.Canceled)
}

func TestPlan(t *testing.T) {
	r := &Result{Files: 10, Records: 1000, PackedBytes: 150_000, SentBytes: 300_000, BodyBytes: 2_000_000, Requests: 10, Microseconds: 20}
	p := r.Plan(86_400_000) // a thousand a second
	require.InDelta(t, 0.02*Overhead, p.AverageCores, 1e-9)
	require.Equal(t, 1, p.Cores)
	require.InDelta(t, 1000*Peak*150*8, p.InPerSecond, 1e-6)
	require.InDelta(t, 1000*Peak*300*8, p.OutPerSecond, 1e-6)
	require.InDelta(t, 864_000, p.ObjectsPerDay, 1e-6)
	require.InDelta(t, 864_000, p.RequestsPerDay, 1e-6)
	require.InDelta(t, 172.8e9, p.StoredPerDay, 1)
	require.EqualValues(t, BaseMemory+WorkerMemory, p.Memory)
	more := r.Plan(100 * 86_400_000)
	require.InDelta(t, 14, more.Cores, 1)
}
