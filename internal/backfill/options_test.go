package backfill

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]Rate{
		"": {}, "200": {Objects: 200}, "200/s": {Objects: 200}, "2.5 objects/s": {Objects: 2.5}, "20MB": {Bytes: 20e6},
		"1MiB/s": {Bytes: 1 << 20}, "200, 20 mb/s": {Objects: 200, Bytes: 20e6}, "100b": {Bytes: 100},
	} {
		got, err := ParseRate(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"fast", "0", "-1", "10 parsecs", "20MB/h", ","} {
		_, err := ParseRate(text)
		assert.ErrorContains(t, err, "must be objects (200) or bytes (20MB) a second", text)
	}
}

func TestDaysAreStoredInFewBytes(t *testing.T) {
	var days []dayPlan
	for d := range day(1000) {
		days = append(days, dayPlan{19000 + d, 288, 4_000_000, 0, 0, 0})
	}
	text := pack(days)
	t.Logf("%d bytes for %d days", len(text), len(days))
	got, err := unpack(text)
	require.NoError(t, err)
	assert.Equal(t, days, got)
	_, err = unpack(text[:len(text)-4])
	assert.Error(t, err)
	assert.Equal(t, [][3]int{{10, 2, 1}, {12, 1, 2}, {20, 1, 1}}, packDone(map[day]status{10: 1, 11: 1, 12: 2, 20: 1}))
}
