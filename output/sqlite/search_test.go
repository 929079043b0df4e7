package sqlite

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

func TestSearch(t *testing.T) {
	o := opened(t, filepath.Join(t.TempDir(), "trailbeat.db"))
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	add := func(id, time, account, recipient, region, index string) {
		ev := &ecs.Event{Timestamp: time}
		ev.Meta.ID, ev.Meta.Index = id, index
		ev.Cloud.Account.ID, ev.AWS.CloudTrail.RecipientAccountID, ev.Cloud.Region = account, recipient, region
		_, err := o.Write(t.Context(), []*ecs.Event{ev})
		require.NoError(t, err)
	}
	add("before", "2026-11-01T11:59:59.999Z", "1", "2", "eu", "")
	add("first", "2026-11-01T12:00:00Z", "1", "2", "eu", "")
	add("half", "2026-11-01T12:00:00.500Z", "1", "", "us", "")
	add("last", "2026-11-01T12:00:59.999999999Z", "1", "2", "us", "")
	add("after", "2026-11-01T12:01:00.000Z", "1", "2", "eu", "")
	add("none", "", "", "", "", "")
	add("other", "2026-11-01T12:00:00Z", "1", "2", "eu", "logs-other")

	find := func(sel output.Selection) map[string]output.Stored {
		found := map[string]output.Stored{}
		require.NoError(t, o.Stored(t.Context(), sel, func(list []output.Stored) error {
			for _, d := range list {
				assert.NotContains(t, found, d.ID)
				found[d.ID] = d
			}
			return nil
		}))
		return found
	}
	ids := func(sel output.Selection) (list []string) {
		for id := range find(sel) {
			list = append(list, id)
		}
		return list
	}
	all := find(output.Selection{})
	assert.Len(t, all, 6)
	assert.Equal(t, output.Stored{ID: "half", Time: at.Add(500 * time.Millisecond), Account: "1", Region: "us"}, all["half"])
	assert.Equal(t, output.Stored{ID: "first", Time: at, Account: "2", Region: "eu"}, all["first"])
	assert.True(t, all["none"].Time.IsZero())
	minute := output.Selection{From: at, To: at.Add(time.Minute)}
	assert.ElementsMatch(t, []string{"first", "half", "last"}, ids(minute))
	assert.ElementsMatch(t, []string{"half", "last"}, ids(output.Selection{From: at.Add(time.Nanosecond), To: at.Add(time.Minute)}))
	assert.ElementsMatch(t, []string{"first"}, ids(output.Selection{From: at, To: at.Add(500 * time.Millisecond)}))
	minute.Accounts = []string{"2", "3"}
	assert.ElementsMatch(t, []string{"first", "last"}, ids(minute))
	minute.Regions = []string{"us"}
	assert.ElementsMatch(t, []string{"last"}, ids(minute))
	assert.ElementsMatch(t, []string{"other"}, ids(output.Selection{Index: "logs-other"}))
	assert.Empty(t, ids(output.Selection{Index: "logs-absent"}))

	counts, err := o.Copies(t.Context(), "", []string{"first", "absent", "other", "none"})
	require.NoError(t, err)
	assert.Equal(t, []int{1, 0, 0, 1}, counts)

	enough := errors.New("enough")
	assert.ErrorIs(t, o.Stored(t.Context(), output.Selection{}, func([]output.Stored) error { return enough }), enough)
}
