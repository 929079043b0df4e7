package moment

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	now := time.Date(2026, 3, 29, 3, 30, 0, 0, time.FixedZone("CEST", 7200))
	for text, want := range map[string]struct{ start, end string }{
		"2026-01-31":                {"2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"},
		"2024-02-28":                {"2024-02-28T00:00:00Z", "2024-02-29T00:00:00Z"},
		"2026-01-31T12:00:00+02:00": {"2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"},
		"2026-01-31T12:00:00":       {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"},
		"720h":                      {"2026-02-27T01:30:00Z", "2026-02-27T01:30:00Z"},
		"30d":                       {"2026-02-27T01:30:00Z", "2026-02-27T01:30:00Z"},
		"0s":                        {"2026-03-29T01:30:00Z", "2026-03-29T01:30:00Z"},
	} {
		start, err := Parse(text, now)
		require.NoError(t, err, text)
		assert.Equal(t, want.start, start.Format(time.RFC3339Nano), text)
		end, err := ParseEnd(text, now)
		require.NoError(t, err, text)
		assert.Equal(t, want.end, end.Format(time.RFC3339Nano), text)
	}
	for _, text := range []string{"", "-1h", "-3d", "30", "d", "1.5d", "31.01.2026", "2026-02-30", "yesterday", "end", "9999999999999d", "106752d"} {
		_, err := Parse(text, now)
		assert.ErrorContains(t, err, "must be a day (2026-01-31)", text)
		_, err = ParseEnd(text, now)
		assert.Error(t, err, text)
	}
}
