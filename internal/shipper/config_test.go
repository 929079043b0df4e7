package shipper

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConfigDefaultsAreValid(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	require.NoError(t, DefaultBackoff().Validate())
	assert.Equal(t, runtime.GOMAXPROCS(0), DefaultConfig().workers())
	assert.Equal(t, 3, Config{NumberOfWorkers: 3}.workers())
}

func TestConfigValidateNamesEveryOption(t *testing.T) {
	err := Config{NumberOfWorkers: -1, ShutdownTimeout: -time.Second, RateLimit: -1}.Validate()
	require.Error(t, err)
	assert.Equal(t, "number_of_workers: must be >= 0 (0: one per CPU), is -1\n"+
		"shutdown_timeout: must be >= 0, is -1s\n"+
		"rate_limit: must be >= 0 (0: no limit), is -1", err.Error())

	err = Backoff{Init: 0, Max: -1}.Validate()
	require.ErrorContains(t, err, "init: must be > 0, is 0s")
	require.ErrorContains(t, err, "max: must not be below init (0s), is -1ns")
}

func TestBackoffCeiling(t *testing.T) {
	b := Backoff{Init: time.Second, Max: 10 * time.Second}
	for n, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second} {
		assert.Equal(t, want, b.ceiling(n), n)
	}
	assert.Equal(t, 10*time.Second, b.ceiling(1_000_000), "no overflow")
}

func TestFullJitterStaysBelowTheCeiling(t *testing.T) {
	assert.Zero(t, fullJitter(0))
	var low, high int
	for range 1000 {
		d := fullJitter(time.Second)
		require.True(t, d >= 0 && d <= time.Second)
		if d < 500*time.Millisecond {
			low++
		} else {
			high++
		}
	}
	assert.Positive(t, low)
	assert.Positive(t, high)
}
