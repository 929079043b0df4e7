package aws

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseStart(t *testing.T) {
	now := time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"": "", "beginning": "", "2026-01-31": "2026-01-31T00:00:00Z", "2026-01-31T12:00:00+02:00": "2026-01-31T10:00:00Z",
		"2026-01-31T12:00:00": "2026-01-31T12:00:00Z", "720h": "2026-02-27T01:30:00Z", "30d": "2026-02-27T01:30:00Z", "0s": "2026-03-29T01:30:00Z",
	} {
		at, err := ParseStart(text, now)
		require.NoError(t, err, text)
		if want == "" {
			assert.True(t, at.IsZero())
			continue
		}
		assert.Equal(t, want, at.Format(time.RFC3339), text)
	}
	for _, text := range []string{"-1h", "-3d", "30", "d", "1.5d", "31.01.2026", "end"} {
		_, err := ParseStart(text, now)
		assert.Error(t, err, text)
	}
}
