package aws

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The other forms are those of the package moment.
func TestParseStart(t *testing.T) {
	now := time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "beginning": {}, "2026-01-31": time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), "30d": time.Date(2026, 2, 27, 1, 30, 0, 0, time.UTC),
		"720h": time.Date(2026, 2, 27, 1, 30, 0, 0, time.UTC),
	} {
		at, err := ParseStart(text, now)
		require.NoError(t, err, text)
		assert.Equal(t, want, at, text)
	}
	_, err := ParseStart("end", now)
	assert.EqualError(t, err, `must be beginning, a day (2026-01-31), a time (2026-01-31T12:00:00Z) or a duration before now (12h, 30d), is "end"`)
}
