package shipper

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// seenMeta is an output that looks at what comes beside the documents.
type seenMeta struct {
	mu   sync.Mutex
	meta map[string]ecs.Meta
}

func (o *seenMeta) Write(_ context.Context, events []*ecs.Event) (output.Result, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, ev := range events {
		raw := string(ev.Meta.Raw)
		o.meta[raw] = ecs.Meta{Dated: ev.Meta.Dated}
	}
	return output.Result{Stored: len(events)}, nil
}

func (o *seenMeta) Close() error { return nil }

// Only a time of the record itself tells an output since when the record can have been stored.
func TestRawAndDated(t *testing.T) {
	out := &seenMeta{meta: map[string]ecs.Meta{}}
	s := newShipper(t, out, &letterBox{}, func(o *Options) {
		o.Processor = processFunc(func(raw []byte, ev *ecs.Event) error {
			if string(raw) == "dated" {
				ev.Timestamp = "2024-05-06T07:08:09.000Z"
			}
			return nil
		})
	}, newInput("one", []string{"dated", "undated"}, []string{"undated 2"}))
	require.NoError(t, s.Run(t.Context()))
	assert.Equal(t, map[string]ecs.Meta{"dated": {Dated: true}, "undated": {}, "undated 2": {}}, out.meta)
}
