package integrity

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
)

type checkFunc = func(context.Context, Range, func(Finding)) error

// past is a source in which some hours are not complete.
type past struct {
	lacks map[time.Time]int64
	fail  error
	seen  []Range
}

func (p *past) audit(_ context.Context, r Range, found func(Finding)) error {
	p.seen = append(p.seen, r)
	if p.fail != nil {
		return p.fail
	}
	for h := r.From; h.Before(r.To); h = h.Add(time.Hour) {
		n := p.lacks[h]
		found(Finding{Account: "111122223333", Region: "eu-west-1", From: h, To: h.Add(time.Hour), Complete: n == 0, Events: &Events{Source: 100, Stored: 100 - n, Missing: n}})
	}
	return nil
}

func TestChecker(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 40, 0, 0, time.UTC)
	at := func(hour int) time.Time { return time.Date(2026, 11, 21, hour, 0, 0, 0, time.UTC) }
	p := &past{lacks: map[time.Time]int64{at(6): 3, at(7): 1}}
	written := map[string]string{}
	cfg := DefaultConfig()
	cfg.Start = 4 * time.Hour
	opt := Options{
		Config: cfg, Checks: map[string]checkFunc{CheckAudit: p.audit}, State: filepath.Join(t.TempDir(), "integrity.json"),
		Now: func() time.Time { return now },
		Write: func(_ context.Context, events []*ecs.Event) error {
			for _, ev := range events {
				assert.Equal(t, "logs-trailbeat.integrity-default", ev.Meta.Index)
				written[ev.Meta.ID] = string(ev.AppendJSON(nil))
			}
			return nil
		},
	}
	c, err := New(opt)
	require.NoError(t, err)
	require.NoError(t, c.Check(t.Context()))
	assert.Equal(t, []Range{{at(5), at(9)}}, p.seen)
	s := c.Status()
	assert.Equal(t, at(9), s.Until)
	require.Len(t, s.Open, 2)
	assert.Equal(t, OpenHour{Hour: at(6), Check: CheckAudit, Account: "111122223333", Region: "eu-west-1", Missing: 3, Reason: "missing", Since: now}, s.Open[0])
	assert.Equal(t, map[bool]int64{true: 2, false: 2}, s.Found[CheckAudit])
	assert.Len(t, written, 4)
	for _, doc := range written {
		assert.Contains(t, doc, `"dataset":"trailbeat.integrity"`)
	}

	// An hour later the new one is looked at, and those that were not complete. What is as it was is no new document.
	now = now.Add(time.Hour)
	p.seen, p.lacks[at(7)] = nil, 0
	c, err = New(opt) // a restart
	require.NoError(t, err)
	require.NoError(t, c.Check(t.Context()))
	assert.Equal(t, []Range{{at(6), at(8)}, {at(9), at(10)}}, p.seen)
	require.Len(t, c.Status().Open, 1)
	assert.Equal(t, now.Add(-time.Hour), c.Status().Open[0].Since)
	assert.Len(t, written, 6, "the hour that is complete now, and the new one")

	// A check that fails leaves all as it was.
	now = now.Add(time.Hour)
	p.fail = errors.New("the bucket is away")
	require.ErrorIs(t, c.Check(t.Context()), p.fail)
	s = c.Status()
	assert.Contains(t, s.Error, "the bucket is away")
	assert.Equal(t, at(10), s.Until)
	assert.EqualValues(t, 1, s.Failed)
	p.fail, p.seen = nil, nil
	require.NoError(t, c.Check(t.Context()))
	assert.Equal(t, []Range{{at(6), at(7)}, {at(10), at(11)}}, p.seen)
	assert.Empty(t, c.Status().Error)

	// At some time an hour is looked at no more. It stays told for a while.
	now = now.Add(cfg.RetryFor)
	p.seen, p.lacks[at(6)] = nil, 0
	require.NoError(t, c.Check(t.Context()))
	assert.Equal(t, at(11), p.seen[0].From)
	assert.Len(t, c.Status().Open, 1)
}

// Documents that cannot be stored are made again.
func TestDocumentsThatAreNotStored(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 40, 0, 0, time.UTC)
	p := &past{}
	down := errors.New("the cluster is away")
	opt := Options{
		Config: DefaultConfig(), Checks: map[string]checkFunc{CheckAudit: p.audit}, State: filepath.Join(t.TempDir(), "integrity.json"),
		Now: func() time.Time { return now }, Write: func(context.Context, []*ecs.Event) error { return down },
	}
	c, err := New(opt)
	require.NoError(t, err)
	require.ErrorIs(t, c.Check(t.Context()), down)
	assert.True(t, c.Status().Until.IsZero())
	down = nil
	require.NoError(t, c.Check(t.Context()))
	assert.Len(t, p.seen, 2)
	assert.Equal(t, p.seen[0], p.seen[1])
}

// A digest that lies in two hours is looked at with the one that it was found in, and is open until it is proven.
func TestDigestsOverHours(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 40, 0, 0, time.UTC)
	altered := true
	verify := func(_ context.Context, r Range, found func(Finding)) error {
		from := r.From.Add(-20 * time.Minute)
		found(Finding{Input: "trail", Account: "1", Region: "eu", From: from, To: from.Add(time.Hour), Digest: "k", Result: "valid",
			Files: map[string]int64{"valid": 3, "missing": 2}, Complete: !altered})
		return nil
	}
	cfg := DefaultConfig()
	cfg.Start = time.Hour
	c, err := New(Options{
		Config: cfg, Checks: map[string]checkFunc{CheckVerify: verify}, State: filepath.Join(t.TempDir(), "s.json"),
		Now: func() time.Time { return now },
	})
	require.NoError(t, err)
	require.NoError(t, c.Check(t.Context()))
	require.Len(t, c.Status().Open, 1)
	assert.EqualValues(t, 2, c.Status().Open[0].Missing)
	assert.Equal(t, 8, c.Status().Open[0].Hour.Hour())
	altered = false
	require.NoError(t, c.Check(t.Context()))
	assert.Empty(t, c.Status().Open)
}

func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &past{}
		c, err := New(Options{
			Config: DefaultConfig(), Checks: map[string]checkFunc{CheckAudit: p.audit}, State: filepath.Join(t.TempDir(), "s.json"),
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			c.Run(ctx)
		}()
		time.Sleep(5*time.Hour + time.Minute)
		synctest.Wait()
		assert.EqualValues(t, 6, c.Status().Checks)
		assert.Len(t, p.seen, 6)
		cancel()
		<-ended
	})
}

func TestConfig(t *testing.T) {
	assert.NoError(t, DefaultConfig().Validate())
	c := Config{Enabled: true, Interval: time.Second, Start: -1, RetryFor: -1, DataStream: "Logs"}
	err := fmt.Sprint(c.Validate())
	for _, option := range []string{"enabled:", "interval:", "delay:", "start:", "retry_for:", "data_stream:"} {
		assert.Contains(t, err, option)
	}
}
