package processor_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/condition"
	"github.com/trailbeat/trailbeat/pipeline/processor"
)

func sampleOf(change func(*processor.Sample)) processor.Spec {
	o := processor.DefaultSample()
	o.ID, o.Rate = "some", 10
	if change != nil {
		change(&o)
	}
	return processor.Spec{Options: &o}
}

// kept runs events with these ids through the processor and gives those that stay.
func kept(t *testing.T, spec processor.Spec, n int, id func(int) string) (stay []string, list *processor.List, last ecs.Event) {
	t.Helper()
	list, err := processor.Build([]processor.Spec{spec}, processor.Env{})
	require.NoError(t, err)
	chain := processor.Join(list)
	for i := range n {
		var ev ecs.Event
		ev.Event.ID, ev.Event.Action = id(i), []string{"GetObject", "PutObject"}[i%2]
		if err := chain.Run(&ev); err != nil {
			require.ErrorIs(t, err, processor.ErrDrop)
			continue
		}
		stay, last = append(stay, ev.Event.ID), ev
	}
	return stay, list, last
}

func eventID(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012d", uint32(i*2654435761), i) }

// One in ten stays, the same ones with every run and every version: who reads a day again must find the same events. The three
// were computed apart from this code.
func TestSampleKeepsAPart(t *testing.T) {
	stay, list, last := kept(t, sampleOf(nil), 20000, eventID)
	assert.InDelta(t, 2000, len(stay), 200)
	assert.Equal(t, []string{eventID(2), eventID(18), eventID(19)}, stay[:3])
	again, _, _ := kept(t, sampleOf(nil), 20000, eventID)
	assert.Equal(t, stay, again)
	v, ok := last.Get("labels.sample_rate")
	assert.True(t, ok)
	assert.Equal(t, "10", v)
	assert.Equal(t, []processor.Stat{{ID: "some", Processor: "sample", Filters: true, Dropped: 20000 - int64(len(stay))}}, list.Stats())
}

func TestSampleOptions(t *testing.T) {
	all, _, _ := kept(t, sampleOf(func(o *processor.Sample) { o.Rate = 1 }), 100, eventID)
	assert.Len(t, all, 100)
	nameless, _, _ := kept(t, sampleOf(nil), 100, func(int) string { return "" })
	assert.Len(t, nameless, 100, "nothing tells which of them was meant")
	some, _, last := kept(t, sampleOf(func(o *processor.Sample) {
		o.When, o.RateField = &condition.Config{Equals: condition.Fields{"event.action": {"GetObject"}}}, ""
	}), 10000, eventID)
	assert.InDelta(t, 5500, len(some), 150, "those that do not meet the condition stay")
	_, marked := last.Get("labels.sample_rate")
	assert.False(t, marked)
	together, _, _ := kept(t, sampleOf(func(o *processor.Sample) { o.KeyField = "event.action" }), 100, eventID)
	assert.Contains(t, []int{0, 50, 100}, len(together), "events with the same value stay or go together")

	for want, change := range map[string]func(*processor.Sample){
		"rate: must be >= 1":   func(o *processor.Sample) { o.Rate = 0 },
		"key_field: is empty":  func(o *processor.Sample) { o.KeyField = "" },
		"rate_field: \"a..b\"": func(o *processor.Sample) { o.RateField = "a..b" },
	} {
		assert.ErrorContains(t, sampleOf(change).Options.Validate(), want)
	}
}
