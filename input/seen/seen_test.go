package seen

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSeen(t *testing.T) {
	key := func(i int) Key { return KeyOf(fmt.Sprint(i), int64(i)*1000) }
	s := New(100)
	for i := range 120 {
		require.True(t, s.Add(key(i)))
	}
	assert.False(t, s.Add(key(99)))
	assert.True(t, s.Add(key(100)), "beyond the limit nothing is remembered")
	assert.Equal(t, 100, s.Len())
	assert.True(t, s.Has(key(7)))
	s.Remove(key(7))
	assert.False(t, s.Has(key(7)))
	s.Remove(key(7))
	assert.Equal(t, 99, s.Len())
	assert.True(t, s.Add(key(7)))
	s.Forget(60_000)
	assert.Equal(t, 40, s.Len())
	assert.True(t, s.Add(key(59)))
	assert.False(t, s.Add(key(60)))

	saved := s.Save(70_000, map[Key]struct{}{key(80): {}})
	again := New(100)
	again.Load(saved)
	assert.Equal(t, 29, again.Len())
	assert.True(t, again.Add(key(80)))
	assert.False(t, again.Add(key(70)))
	again.Load(Saved{Version: 1, Events: "no base64"})
	again.Load(Saved{Version: 9})

	large := New(SavedMax + 5)
	for i := range SavedMax + 5 {
		large.Add(key(i))
	}
	again = New(2 * SavedMax)
	again.Load(large.Save(0, nil))
	assert.Equal(t, SavedMax, again.Len())
	assert.False(t, again.Add(key(5)), "the newest are kept")
	assert.True(t, again.Add(key(4)))
}

func TestSince(t *testing.T) {
	s := New(10)
	for at := range int64(6) {
		s.Add(KeyOf("event", at*30_000))
	}
	later := s.Since(60_000)
	require.Equal(t, 4, later.Len())
	require.False(t, later.Has(KeyOf("event", 30_000)))
	require.True(t, later.Has(KeyOf("event", 60_000)))
	later.Remove(KeyOf("event", 60_000))
	require.True(t, s.Has(KeyOf("event", 60_000)), "the sets share nothing")
}
