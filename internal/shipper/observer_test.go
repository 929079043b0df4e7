package shipper

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/output"
)

// witness writes down what it is told. The flow under test has one worker and one input.
type witness struct {
	received, stored, refused int
	read                      []error
	ended                     []error
}

func (w *witness) Received(_ *Source, b *input.Batch) { w.received += len(b.Records) }
func (w *witness) ReadFailed(_ *Source, err error)    { w.read = append(w.read, err) }
func (w *witness) Ended(_ *Source, err error)         { w.ended = append(w.ended, err) }

func (w *witness) Written(_ *Source, events []*ecs.Event, res output.Result, refused *output.BatchError) {
	w.stored += res.Stored + res.Duplicate
	if refused != nil {
		w.refused += len(refused.Failures)
	}
	if w.stored+w.refused < len(events) {
		panic("a verdict is missing")
	}
}

type outputFunc func(context.Context, []*ecs.Event) (output.Result, error)

func (f outputFunc) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	return f(ctx, events)
}
func (outputFunc) Close() error { return nil }

func TestObserver(t *testing.T) {
	in := newInput("one", []string{"a", "b", "drop", "fail"}, []string{"bad"})
	broken := errors.New("broken file")
	in.errs = []error{broken}
	w := &witness{}
	out := outputFunc(func(_ context.Context, events []*ecs.Event) (output.Result, error) {
		if events[0].Meta.ID == "bad" {
			return output.Result{}, &output.BatchError{Failures: []output.Failure{{Permanent: true, Type: "no", Reason: "no"}}}
		}
		return output.Result{Stored: len(events)}, nil
	})
	s := newShipper(t, out, &letterBox{}, func(o *Options) {
		o.Observer, o.Config.NumberOfWorkers = w, 1
	}, in)
	require.NoError(t, s.Run(t.Context()))
	assert.Equal(t, &witness{received: 5, stored: 2, refused: 1, read: []error{broken}, ended: []error{nil}}, w)
}
