package backfill

import (
	"testing"
	"time"

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

func TestParseMoment(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 30, 40, 0, time.UTC)
	for _, c := range []struct {
		text string
		end  bool
		want time.Time
	}{
		{"", true, time.Time{}},
		{"2026-01-31", false, time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)},
		{"2026-01-31", true, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)},
		{"2026-01-31T12:00:00+01:00", true, time.Date(2026, 1, 31, 11, 0, 0, 0, time.UTC)},
		{"48h", false, time.Date(2026, 3, 8, 12, 30, 0, 0, time.UTC)},
		{"2d", false, time.Date(2026, 3, 8, 12, 30, 0, 0, time.UTC)},
	} {
		got, err := ParseMoment(c.text, c.end, now)
		require.NoError(t, err, c.text)
		assert.Equal(t, c.want, got, c.text)
	}
	for _, text := range []string{"yesterday", "-2d", "2026-13-01"} {
		_, err := ParseMoment(text, false, now)
		assert.Error(t, err, text)
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
