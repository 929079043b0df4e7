package progress

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
)

func TestFaults(t *testing.T) {
	expired := explained{input.KindExpired, ""}
	now := time.Now()
	pass := func(f *Faults, all bool) (say []string, over int) {
		errs, gone := f.Pass(now, all)
		for _, err := range errs {
			say = append(say, err.Error())
		}
		return say, len(gone)
	}
	var f Faults
	assert.True(t, f.Note("folders failed", expired, now))
	for i := range 3 {
		assert.False(t, f.Note("folders failed", fmt.Errorf("folder %d: %w", i, expired), now), "the same kind")
	}
	assert.True(t, f.Note("objects failed", expired, now), "something else")
	assert.True(t, f.Note("folders failed", explained{input.KindNetwork, ""}, now), "for another reason")
	say, over := pass(&f, false)
	require.Equal(t, []string{"3 more folders failed (expired), they are tried again; the last: folder 2: it broke"}, say)
	assert.Zero(t, over)

	f.Note("folders failed", expired, now)
	say, over = pass(&f, false)
	assert.Empty(t, say, "not so soon again")
	assert.Equal(t, 2, over, "the other two")
	now = now.Add(saidEvery)
	f.Note("folders failed", expired, now)
	say, _ = pass(&f, false)
	require.Len(t, say, 1)
	assert.Contains(t, say[0], "2 more")
	f.Note("folders failed", expired, now)
	say, _ = pass(&f, true)
	assert.Len(t, say, 1, "all of it at the end")
	_, over = pass(&f, false)
	assert.Equal(t, 1, over)
	assert.True(t, f.Note("folders failed", expired, now), "a new time")

	f = Faults{Quiet: time.Minute}
	f.Note("x", expired, now)
	pass(&f, false)
	_, over = pass(&f, false)
	assert.Zero(t, over)
	now = now.Add(time.Minute)
	_, over = pass(&f, false)
	assert.Equal(t, 1, over)
}
