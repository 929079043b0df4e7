package top

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/locked"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/terminal"
)

var now = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// sample has something in every section, and text that wants to be obeyed.
func sample() (*api.Status, *api.Series) {
	return &api.Status{
			Now: now, State: api.StateBlocked, Program: api.Program{Name: "trailbeat", Version: "1.2.3", Agent: "here\x1b[2J", Uptime: 3725},
			Problems: []api.Problem{{
				Where: "output", Text: "connection refused", Hint: "start the cluster, or set output.elasticsearch.hosts to one that runs and that this machine can reach",
				Since: now.Add(-90 * time.Second), Blocking: true,
			}},
			Flow: api.Flow{Received: 1000, Indexed: 700, Duplicate: 100, Filtered: 50, DeadLettered: 50, InFlight: 60, Returned: 40, ReadErrors: 2},
			Rate: api.Rate{Received: 130, Indexed: 100, Duplicate: 20, Filtered: 3},
			Lag:  api.Lag{Events: 700, P50: 4.2, P95: 61, Max: 200},
			Inputs: []api.Input{{
				ID: "trail", State: "failing", Flow: api.Flow{Received: 1000}, Unit: "log_event", Read: 12, Bytes: 4200000, Waiting: 9, NextPoll: now.Add(30 * time.Second),
				LastObject: "s3://bucket/\x07key", LastObjectTime: now.Add(-time.Second),
				LastError: "AccessDenied: not authorized", LastErrorHint: "allow s3:GetObject", LastErrorTime: now.Add(-5 * time.Second),
			}},
			Output:  api.Output{Type: "elasticsearch", Down: true, Since: now.Add(-90 * time.Second), Error: "connection refused", Batches: 12, Sent: 850, Retried: 3},
			Outputs: []api.Output{{Name: "cheap", Type: "file", Batches: 3, Sent: 150}},
			Rules: []api.Rule{
				{Name: "reads", Kind: "sample", Output: "discard", Events: 50},
				{Name: "data\x1b events", Kind: api.RuleOfRouting, Output: "cheap", Dataset: "data", Namespace: "x", Events: 150},
			},
			DeadLetters: api.DeadLetters{
				Place: "/data/dead_letters.ndjson", Total: 50, Reasons: []api.LetterReason{{Type: "mapper_parsing_exception", Count: 50, Reason: "failed to parse field [x]"}},
			},
			Places: []api.Place{
				{Account: "123456789012", Region: "eu-west-1", Events: 650, Rate: 90, Lag: api.Lag{Events: 650, P50: 4, P95: 60}, LastEvent: now.Add(-4 * time.Second)},
				{Account: "other", Region: "other", Events: 50},
			},
			Top: api.Top{Seconds: 900, Actions: api.List{Total: 200, Items: []api.Item{{Name: "AssumeRole", Detail: "sts", Count: 150}, {Name: "\x1b]0;owned\x07", Count: 50}}}},
		}, &api.Series{
			Indexed: []int64{0, 10, 20}, Duplicate: []int64{0, 0, 20}, Filtered: []int64{0, 0, 0}, DeadLettered: []int64{0, 0, 0},
		}
}

func TestView(t *testing.T) {
	status, series := sample()
	text := View(status, series, Screen{Width: 120})
	for _, want := range []string{
		"trailbeat 1.2.3  here [2J  up 1h02m", " BLOCKED\n",
		"received 1000\n  = 700 indexed + 100 duplicate + 50 filtered + 50 dead letters\n    + 60 in flight + 40 returned\n",
		"2 errors while reading", "rate 123/s", " ▃█\n", "4.2s median, 1m01s p95, 3m20s at most",
		"  default (elasticsearch): 850 sent", "  cheap (file): 150 sent in 3 batches", "       50  reads (sample) -> discard",
		"      150  data  events (routing) -> cheap, dataset data, namespace x",
		"output (1m30s ago): connection refused", "-> start the cluster", "12 log events, 4.20 MB, 9 waiting, next look in 30s",
		"last s3://bucket/ key (1.0s ago)", "5.0s ago: AccessDenied", "-> allow s3:GetObject", "down since 1m30s ago",
		"123456789012   eu-west-1", "50 of this run, in /data/dead_letters.ndjson", "50  mapper_parsing_exception: failed to parse field [x]",
		"150  75.0 %  AssumeRole (sts)", "]0;owned",
	} {
		assert.Contains(t, text, want)
	}
	assert.NotContains(t, text, "balance")
	assert.NotContains(t, text, "\x1b")
	status.Flow.Indexed++
	assert.Contains(t, View(status, series, Screen{Width: 120}), "do not balance")
}

// Nothing is wider or higher than the screen, with colours or without, and the hint is there in full.
func TestViewFits(t *testing.T) {
	status, series := sample()
	for _, width := range []int{40, 57, 80, 200} {
		for _, height := range []int{0, 5, 12, 24, 80} {
			text := View(status, series, Screen{Width: width, Height: height})
			lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			for _, line := range lines {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), width, line)
			}
			if height > 0 {
				assert.LessOrEqual(t, len(lines), height)
			}
			if height == 0 || height > 60 {
				assert.Contains(t, strings.Join(strings.Fields(text), " "), "set output.elasticsearch.hosts to one that runs and that this machine can reach")
				assert.Contains(t, text, "AssumeRole")
			} else if height < 20 {
				assert.Contains(t, text, "(more below")
			}
			painted := View(status, series, Screen{Width: width, Height: height, Style: terminal.Style{On: true}})
			assert.Contains(t, painted, "\x1b[31mBLOCKED\x1b[0m")
		}
	}
	// All that can be missing is missing.
	assert.Contains(t, View(&api.Status{}, nil, Screen{}), "received 0")
}

// fake answers, and may fail from the n-th question on.
type fake struct {
	asked, failAt int
}

func (f *fake) Status(context.Context) (*api.Status, error) {
	f.asked++
	if f.failAt > 0 && f.asked >= f.failAt {
		return nil, errors.New("connection refused")
	}
	s, _ := sample()
	s.Flow.Received = int64(f.asked)
	return s, nil
}

func (f *fake) Series(context.Context, string) (*api.Series, error) {
	_, s := sample()
	return s, nil
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var out locked.Buffer
		from := &fake{failAt: 3}
		done := make(chan error)
		go func() {
			done <- Run(ctx, Options{From: from, Out: &out, Size: func() (int, int) { return 80, 24 }})
		}()
		synctest.Wait()
		assert.Contains(t, out.String(), "received 1\x1b[K")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Contains(t, out.String(), "received 2\x1b[K")
		assert.NotContains(t, out.String(), "no answer")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Contains(t, out.String(), "no answer; this is of ")
		cancel()
		require.NoError(t, <-done)
		text := out.String()
		assert.True(t, strings.HasPrefix(text, enter))
		assert.True(t, strings.HasSuffix(text, leave), "the terminal is as it was")
	})
	// Who does not answer at all leaves the terminal alone.
	var out bytes.Buffer
	require.ErrorContains(t, Run(t.Context(), Options{From: &fake{failAt: 1}, Out: &out}), "refused")
	assert.Empty(t, out.String())
}
