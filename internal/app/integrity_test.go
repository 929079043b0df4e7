package app

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/integrity"
	"github.com/trailbeat/trailbeat/internal/verify/verifytest"
)

// The digests of a bucket, one of which names a file that is gone, and a file that no digest names.
func TestIntegrityVerifies(t *testing.T) {
	key, err := verifytest.NewKey()
	require.NoError(t, err)
	store := &verifytest.Store{Own: "trail-bucket"}
	trail := &verifytest.Trail{Sink: store, Key: key, Bucket: "trail-bucket", Account: "111122223333", Region: "eu-west-1", Name: "events"}
	begin := time.Date(2026, 3, 1, 0, 1, 31, 0, time.UTC)
	digests, err := trail.Run(begin, 12, 2)
	require.NoError(t, err)
	store.Remove("trail-bucket", digests[5].Logs[0].Key)
	_, err = trail.Log(begin.Add(7*time.Hour + 20*time.Minute))
	require.NoError(t, err)

	closed := 0
	kind := Input{Files: func(context.Context, any, InputEnv) (*Files, error) {
		return &Files{Store: store, Keys: verifytest.Keys{"eu-west-1": {key}}, Close: func() error { closed++; return nil }}, nil
	}}
	s := &settings{inputs: []inputSetting{{InputConfig: InputConfig{ID: "trail"}, kind: kind}}, Config: DefaultConfig()}
	c := &integrityChecks{s: s, run: &wiring{io: IO{Stdout: io.Discard, Stderr: io.Discard}, log: slog.New(slog.DiscardHandler)}}
	assert.Contains(t, c.all(), integrity.CheckVerify)
	assert.NotContains(t, c.all(), integrity.CheckAudit, "the input cannot be read again")

	var complete int
	bad := map[string]integrity.Finding{}
	from := begin.Truncate(time.Hour).Add(3 * time.Hour)
	require.NoError(t, c.verify(t.Context(), integrity.Range{From: from, To: from.Add(6 * time.Hour)}, func(f integrity.Finding) {
		assert.Equal(t, "trail", f.Input)
		assert.Equal(t, "111122223333", f.Account)
		if f.Complete {
			complete++
		} else {
			bad[f.Reason] = f
		}
	}))
	assert.Equal(t, 1, closed)
	assert.GreaterOrEqual(t, complete, 5)
	require.Len(t, bad, 2, "%+v", bad)
	assert.Equal(t, map[string]int64{"valid": 1, "missing": 1}, bad["log files missing"].Files)
	assert.Equal(t, digests[5].Key, bad["log files missing"].Digest)
	assert.Equal(t, map[string]int64{"not_covered": 1}, bad["no_digest"].Files)
	assert.Equal(t, begin.Add(7*time.Hour).Truncate(time.Hour), bad["no_digest"].From)
}
