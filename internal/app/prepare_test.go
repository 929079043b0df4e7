package app

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// Nothing is written before the place is prepared, however often that fails, and it is prepared once.
func TestLateOutput(t *testing.T) {
	w := &world{}
	fatal := &output.FatalError{Err: errors.New("the template belongs to somebody else")}
	answers := []error{errors.New("the server is down"), fatal, nil}
	tries := 0
	out := &lateOutput{Output: &fakeOutput{w, fakeConfig{}}, prepare: func(context.Context) error {
		tries++
		return answers[tries-1]
	}}
	events := []*ecs.Event{{Message: "a"}}
	for _, want := range answers[:2] {
		res, err := out.Write(t.Context(), events)
		assert.Equal(t, output.Result{}, res)
		assert.ErrorIs(t, err, want)
		assert.Empty(t, w.docs)
	}
	for range 2 {
		res, err := out.Write(t.Context(), events)
		require.NoError(t, err)
		assert.Equal(t, output.Result{Stored: 1}, res)
	}
	assert.Equal(t, 3, tries)
	assert.Len(t, w.docs, 2)
}
