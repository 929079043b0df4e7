package s3

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
)

func expired(target string) error {
	return &aws.Error{Call: aws.Call{Doing: "listing", Target: target}, Class: aws.ClassExpired, Hint: "give new keys", Err: errors.New("expired")}
}

// When keys expire every folder fails. That is one line, and then a count now and then, and not a line for each folder and pass.
func TestExpiredKeysAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * 24 * time.Hour)
		b, cfg := newBucket(), testConfig()
		for i := range 40 {
			b.put(trailKey(fmt.Sprintf("%012d", i+1), "eu-west-1", time.Now(), "a"), fmt.Sprint(i))
		}
		var log strings.Builder
		in, err := open(cfg, Deps{ID: "in", Store: store(), Logger: slog.New(slog.NewTextHandler(&log, nil))}, b, newReader(b))
		require.NoError(t, err)
		var told []string
		got := followTelling(t, in, &told)
		assert.Len(t, got(), 40)
		assert.Equal(t, input.StateWaiting, in.Report().State)
		assert.False(t, in.Report().NextPoll.IsZero())

		b.mu.Lock()
		b.listFault = func(l listing) error { return expired(l.Prefix) }
		b.mu.Unlock()
		time.Sleep(9 * time.Minute)
		got()
		require.Len(t, told, 2, "the first, and how many more there were in that pass")
		assert.Contains(t, told[0], "give new keys")
		assert.Regexp(t, `^\d\d more folders could not be listed \(expired\)`, told[1])
		assert.Equal(t, input.StateFailing, in.Report().State)
		assert.Equal(t, "give new keys", in.Report().LastErrorHint)
		assert.Greater(t, in.Report().Errors[input.KindExpired], int64(100))
		time.Sleep(time.Hour)
		got()
		assert.Greater(t, len(told), 4)
		assert.LessOrEqual(t, len(told), 9, "one in ten minutes")

		told = nil
		b.mu.Lock()
		b.listFault = nil
		b.mu.Unlock()
		b.put(trailKey("000000000001", "eu-west-1", time.Now(), "b"), "new")
		time.Sleep(5 * time.Minute)
		assert.Equal(t, []string{"new"}, got())
		assert.Empty(t, told)
		assert.Contains(t, log.String(), "error.type=expired")
		assert.Equal(t, input.StateWaiting, in.Report().State)

		b.mu.Lock()
		b.listFault = func(l listing) error { return expired(l.Prefix) }
		b.mu.Unlock()
		time.Sleep(3 * time.Minute)
		got()
		assert.Len(t, told, 2, "a new time is told at once")
		require.NoError(t, in.Close())
	})
}
