package eventhistory

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

func TestBackfillAndFollow(t *testing.T) {
	bubble(t, "all of 90 days, then what comes", func(t *testing.T, b *bench) {
		b.cfg.Regions, b.h.Regions = nil, []string{"us-east-1", "eu-west-1", "ap-south-1", "eu-south-1"}
		for i := range 3000 {
			b.event(b.h.Regions[i%4], time.Duration(i)*42*time.Minute, 0) // 87 days
		}
		b.h.Quota, b.cfg.APISleep = 2, 500*time.Millisecond
		b.open()
		got := b.read(30 * time.Minute)
		same(t, b.ids, got)
		s := b.in.Stats()
		assert.EqualValues(t, 4, s.Streams)
		assert.Zero(t, s.Past)
		assert.Zero(t, s.Throttled)
		for range 5 {
			b.event("eu-south-1", 0, 5*time.Minute)
			b.event("us-east-1", 0, 14*time.Minute)
			got = append(got, b.read(10*time.Minute)...)
		}
		got = append(got, b.read(time.Hour)...)
		same(t, b.ids, got)
		assert.NoError(t, b.in.Close())
		assert.Empty(t, b.once(), "nothing twice after an orderly stop")
	})
}

func TestOnce(t *testing.T) {
	bubble(t, "all regions, then only what is new", func(t *testing.T, b *bench) {
		b.cfg.Regions, b.h.Regions = nil, []string{"us-east-1", "eu-west-1", "af-south-1"}
		for i := range 500 {
			b.event(b.h.Regions[i%3], time.Duration(i)*4*time.Hour, 0)
		}
		same(t, b.ids, b.once())
		assert.Empty(t, b.once())
		time.Sleep(3 * 24 * time.Hour) // nothing runs
		var more []string
		for i := range 60 {
			more = append(more, b.event("eu-west-1", time.Duration(i)*time.Hour, 0))
		}
		same(t, more, b.once())
	})
	bubble(t, "what is older than 90 days is gone", func(t *testing.T, b *bench) {
		b.event("us-east-1", 91*24*time.Hour, 0)
		want := b.event("us-east-1", 89*24*time.Hour, 0)
		assert.Equal(t, []string{want}, b.once())
		assert.NotContains(t, b.log.String(), "forgot", "nobody asked for it")
		time.Sleep(100 * 24 * time.Hour)
		want = b.event("us-east-1", 24*time.Hour, 0)
		assert.Equal(t, []string{want}, b.once())
		contains(t, b.log.String(), "a part of the past was not read before the event history forgot it", "hours=240")
	})
}

func TestWhatIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   []int
	}{
		"all":               {func(*Config) {}, []int{0, 1, 2, 3}},
		"start, a duration": {func(c *Config) { c.StartTimestamp = "30d" }, []int{0, 1, 2}},
		"start, a time":     {func(c *Config) { c.StartTimestamp = "1999-12-30" }, []int{0, 1}},
		"from now on":       {func(c *Config) { c.StartTimestamp = "0s" }, nil},
		"not too old":       {func(c *Config) { c.IgnoreOlder = 48 * time.Hour }, []int{0, 1}},
		"only the newest":   {func(c *Config) { c.IgnoreOlder = 2 * time.Minute }, []int{0}},
		"one attribute": {func(c *Config) {
			c.LookupAttributes = []Attribute{{"EventName", "name-1"}, {"EventId", "event-00004"}}
		}, []int{1, 3}},
		"insights": {func(c *Config) { c.EventCategories = []string{"insight"} }, []int{4}},
		"both":     {func(c *Config) { c.EventCategories = []string{"insight", "management"} }, []int{0, 1, 2, 3, 4}},
	} {
		bubble(t, name, func(t *testing.T, b *bench) {
			for i, before := range []time.Duration{time.Minute, 24 * time.Hour, 20 * 24 * time.Hour, 60 * 24 * time.Hour, time.Hour} {
				b.h.Put("us-east-1", awstest.HistoryEvent{
					ID: fmt.Sprintf("event-%05d", i+1), At: time.Now().Add(-before), Insight: i == 4, Text: fmt.Sprintf(`{"eventID":"%d"}`, i),
					Attributes: map[string]string{"EventName": fmt.Sprint("name-", i)},
				})
			}
			c.change(&b.cfg)
			var want []string
			for _, i := range c.want {
				want = append(want, fmt.Sprintf("event-%05d", i+1))
			}
			same(t, want, b.once())
		})
	}
	bubble(t, "start_timestamp is changed later", func(t *testing.T, b *bench) {
		old := b.event("us-east-1", 60*24*time.Hour, 0)
		recent := b.event("us-east-1", 5*24*time.Hour, 0)
		b.cfg.StartTimestamp = "10d"
		assert.Equal(t, []string{recent}, b.once())
		b.cfg.StartTimestamp = "beginning"
		assert.Equal(t, []string{old}, b.once())
		b.cfg.StartTimestamp = "10d"
		assert.Empty(t, b.once())
	})
	bubble(t, "another account", func(t *testing.T, b *bench) {
		want := b.event("us-east-1", 60*24*time.Hour, 0)
		assert.Equal(t, []string{want}, b.once())
		c := b.checkpointOf("us-east-1/management")
		assert.Equal(t, "123456789012", c.Account)
		c.Account = "210987654321"
		require.NoError(t, b.deps.Store.Put("history/us-east-1/management", c))
		assert.Equal(t, []string{want}, b.once(), "nothing of this account was read")
		contains(t, b.log.String(), "the checkpoint is of another account")
	})
}

func TestRecord(t *testing.T) {
	bubble(t, "what is handed out", func(t *testing.T, b *bench) {
		b.h.Put("us-east-1", awstest.HistoryEvent{ID: "e-1", At: time.Now(), Text: `{"eventID":  "e-1"}`})
		b.h.Put("us-east-1", awstest.HistoryEvent{ID: "e-2", At: time.Now(), Text: `{"eventID":"e-`})
		b.h.Put("us-east-1", awstest.HistoryEvent{ID: "e-3", At: time.Now(), Attributes: map[string]string{"EventName": "GetUser"}})
		b.open()
		batch, err := b.in.Read(t.Context())
		require.NoError(t, err)
		require.Len(t, batch.Records, 3)
		empty, cut, good := batch.Records[0], batch.Records[1], batch.Records[2]
		assert.Equal(t, input.Record{
			Raw: []byte(`{"eventID":  "e-1"}`), SourceID: "e-1", Origin: &input.Origin{InputID: "in", InputType: "aws-cloudtrail", Region: "us-east-1"},
		}, good)
		assert.Contains(t, cut.Fault, "the event is truncated")
		assert.Equal(t, "the event is empty", empty.Fault)
		assert.Contains(t, string(empty.Raw), `"EventName":"GetUser"`, "what is left of it")
		batch.Ack(nil)
		assert.EqualValues(t, 2, b.in.Stats().EventsDamaged)
		require.NoError(t, b.in.Close())
	})
}
