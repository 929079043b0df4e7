package s3

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/registry"
)

func TestTimeOf(t *testing.T) {
	s := scope{prefix: "p/AWSLogs/111122223333/CloudTrail/eu-west-1/", account: "111122223333", kind: "CloudTrail", region: "eu-west-1"}
	tests := []struct {
		name, key string
		want      string
		exact, ok bool
	}{
		{"a log file", "2026/01/31/111122223333_CloudTrail_eu-west-1_20260131T2359Z_abc.json.gz", "2026-01-31T23:59:00Z", true, true},
		{"another day in the name", "2026/01/31/111122223333_CloudTrail_eu-west-1_20260201T0000Z_abc.json.gz", "2026-01-31T00:00:00Z", false, true},
		{"a digest, by the name of its trail", "2026/01/31/111122223333_CloudTrail_eu-west-1_trail_eu-west-1_20260131T235959Z.json.gz", "2026-01-31T00:00:00Z", false, true},
		{"another name", "2026/01/31/a.json", "2026-01-31T00:00:00Z", false, true},
		{"no such day", "2026/02/30/a.json", "", false, false},
		{"no day", "a.json", "", false, false},
		{"the folder of a day", "2026/01/31/", "", false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			at, exact, ok := s.timeOf(s.prefix + test.key)
			assert.Equal(t, test.ok, ok)
			assert.Equal(t, test.exact, exact)
			if ok {
				assert.Equal(t, test.want, at.Format(time.RFC3339))
			}
		})
	}
	at := time.Date(2026, 1, 31, 23, 59, 30, 0, time.FixedZone("", 3600))
	assert.Equal(t, s.prefix+"2026/01/31/111122223333_CloudTrail_eu-west-1_20260131T2259", s.position(at, true))
	assert.Equal(t, s.prefix+"2026/01/31/", s.position(at, false))
}

func store() input.Store { return new(registry.Memory).Input("in") }

// A file that comes late is found wherever its key sorts to, and nothing is read twice.
func TestLateAtEveryPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * 24 * time.Hour)
		b, st, cfg := newBucket(), store(), testConfig()
		now := time.Now().Truncate(time.Minute)
		var want []string
		for i := range 50 { // a file every half hour, two of each minute
			at := now.Add(-time.Duration(i) * 30 * time.Minute)
			for _, suffix := range []string{"m", "n"} {
				key := trailKey("111122223333", "eu-west-1", at, suffix)
				b.put(key, key)
				want = append(want, key)
			}
		}
		slices.Sort(want)
		assert.Equal(t, want, pass(t, b, cfg, st))
		for i := range 48 {
			at := now.Add(-time.Duration(i)*30*time.Minute + 1*time.Minute)
			for n, late := range []time.Time{at.Add(-time.Minute), at.Add(-time.Minute), at} {
				key := trailKey("111122223333", "eu-west-1", late, string("azq"[n])) // before, behind, between those of its minute
				b.put(key, key)
				assert.Equal(t, []string{key}, pass(t, b, cfg, st), "%d", i)
			}
		}
		assert.Empty(t, pass(t, b, cfg, st))
		assert.Equal(t, len(want)+3*48, b.count("open"))
	})
}

// What the lookback promises, to the minute.
func TestLookbackIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30*24*time.Hour + 7*time.Hour)
		b, st, cfg := newBucket(), store(), testConfig()
		cfg.Lookback = 2 * time.Hour
		put := func(age time.Duration, suffix string) string {
			key := trailKey("111122223333", "eu-west-1", time.Now().Add(-age), suffix)
			b.put(key, key)
			return key
		}
		for i := range 10 {
			put(time.Duration(i)*time.Hour, "x")
		}
		require.Len(t, pass(t, b, cfg, st), 10)
		for i := range 200 {
			time.Sleep(time.Duration(i%7) * 11 * time.Minute)
			key := put(2*time.Hour-time.Duration(i)*30*time.Second, fmt.Sprint(i))
			require.Equal(t, []string{key}, pass(t, b, cfg, st))
		}
		put(9*time.Hour, "much too late")
		assert.Empty(t, pass(t, b, cfg, st), "what comes later than that is not looked for")
		in := testInput(t, b, cfg, st, true)
		_, _ = readAll(t, in)
		assert.Less(t, in.Stats().Remembered, int64(60), "only what is behind the cursor is remembered")
	})
}

// follow reads without end and acknowledges everything.
func follow(t *testing.T, in *Input) (got func() []string) {
	return followTelling(t, in, new([]string))
}

// followTelling also notes the errors that Read tells; look at them after a call of got.
func followTelling(t *testing.T, in *Input, told *[]string) (got func() []string) {
	records := make(chan string, 100_000)
	go func() {
		for {
			b, err := in.Read(t.Context())
			if err != nil {
				if input.IsFatal(err) || errors.Is(err, os.ErrClosed) || t.Context().Err() != nil {
					return
				}
				*told = append(*told, err.Error())
				continue
			}
			for _, r := range b.Records {
				records <- string(r.Raw)
			}
			b.Ack(nil)
		}
	}()
	return func() []string {
		synctest.Wait()
		list := []string{}
		for {
			select {
			case r := <-records:
				list = append(list, r)
			default:
				slices.Sort(list)
				return list
			}
		}
	}
}

func TestFollowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(365*24*time.Hour + 23*time.Hour + 50*time.Minute)
		b := newBucket()
		in := testInput(t, b, testConfig(), store(), false)
		got := follow(t, in)
		put := func(account, region string, age time.Duration, suffix string) string {
			key := trailKey(account, region, time.Now().Add(-age), suffix)
			b.put(key, key)
			return key
		}
		assert.Empty(t, got(), "an empty bucket")

		first := put("111122223333", "eu-west-1", 0, "a")
		time.Sleep(2 * time.Minute)
		assert.Equal(t, []string{first}, got())

		// Over midnight UTC, with a late one of the day before.
		time.Sleep(8 * time.Minute)
		today := put("111122223333", "eu-west-1", 0, "b")
		yesterday := put("111122223333", "eu-west-1", 5*time.Minute, "c")
		time.Sleep(2 * time.Minute)
		assert.Equal(t, []string{yesterday, today}, got())

		// An account that is new is found with the next pass, a region within a quarter of an hour.
		account := put("444455556666", "us-east-1", 0, "a")
		time.Sleep(2 * time.Minute)
		assert.Equal(t, []string{account}, got())
		region := put("444455556666", "us-west-2", 0, "a")
		time.Sleep(17 * time.Minute)
		assert.Equal(t, []string{region}, got())

		// Late by more than the part that every pass covers: within an hour.
		late := put("111122223333", "eu-west-1", 3*time.Hour, "a")
		time.Sleep(time.Hour + 2*time.Minute)
		assert.Equal(t, []string{late}, got())

		// A quiet bucket costs a few calls.
		calls := b.count("list")
		time.Sleep(20 * time.Minute) // 10 passes; 2 accounts, 3 regions, and the looks for kinds and regions
		assert.LessOrEqual(t, b.count("list")-calls, 10*4+2*8)
		assert.Empty(t, got())

		// Days later.
		time.Sleep(100 * time.Hour)
		next := put("111122223333", "eu-west-1", 0, "z")
		time.Sleep(2 * time.Minute)
		assert.Equal(t, []string{next}, got())
		require.NoError(t, in.Close())
		assert.LessOrEqual(t, in.Stats().Remembered, int64(6))
	})
}

// Folders take turns, and a pass ends in time, so that much in one holds up no other.
func TestBacklogHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(400 * 24 * time.Hour)
		b := newBucket()
		cfg := testConfig()
		cfg.NumberOfWorkers = 1
		for i := range 5000 {
			key := trailKey("111122223333", "eu-west-1", time.Now().Add(-time.Duration(i)*time.Minute), "a")
			b.put(key, key)
		}
		for i := range 3 {
			key := trailKey("999922223333", "eu-west-1", time.Now().Add(-time.Duration(i)*time.Minute), "a")
			b.put(key, key)
		}
		in := testInput(t, b, cfg, store(), false)
		n, fresh, seen := 0, "", 0
		for seen < 5004 {
			batch, err := in.Read(t.Context())
			require.NoError(t, err)
			time.Sleep(time.Second) // a slow output: 83 minutes for all of it
			key := string(batch.Records[0].Raw)
			batch.Ack(nil)
			if seen++; seen == 1500 { // something new in an account that is new, too
				fresh = trailKey("000022223333", "eu-west-1", time.Now(), "a")
				b.put(fresh, fresh)
			}
			if key[:20] == "AWSLogs/999922223333" {
				n++
				assert.LessOrEqual(t, seen, 1100)
			}
			if key == fresh {
				assert.Less(t, seen, 1500+1200)
				fresh = ""
			}
		}
		assert.Equal(t, 3, n)
		assert.Empty(t, fresh)
		require.NoError(t, in.Close())
		assert.Equal(t, 5004, b.count("open"), "nothing twice")
	})
}

func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * 24 * time.Hour)
		b := newBucket()
		now := time.Now().Truncate(time.Minute)
		var keys []string
		for i := range 10 {
			key := trailKey("111122223333", "eu-west-1", now.Add(-time.Duration(10-i)*24*time.Hour), "a")
			b.put(key, key)
			keys = append(keys, key)
		}
		tests := map[string]struct {
			set  func(*Config)
			want []string
		}{
			"beginning": {func(c *Config) { c.StartTimestamp = "beginning" }, keys},
			"default":   {func(*Config) {}, keys},
			"days":      {func(c *Config) { c.StartTimestamp = "3d" }, keys[7:]},
			"duration":  {func(c *Config) { c.StartTimestamp = "48h" }, keys[8:]},
			"time":      {func(c *Config) { c.StartTimestamp = now.Add(-72 * time.Hour).Format(time.RFC3339) }, keys[7:]},
			"day":       {func(c *Config) { c.StartTimestamp = now.Add(-48 * time.Hour).Format(time.DateOnly) }, keys[8:]},
			"older":     {func(c *Config) { c.IgnoreOlder = 25 * time.Hour }, keys[9:]},
			"both":      {func(c *Config) { c.IgnoreOlder, c.StartTimestamp = 96*time.Hour, "48h" }, keys[8:]},
		}
		for name, test := range tests {
			for _, layout := range []string{"auto", "flat"} {
				t.Log(name, layout)
				cfg := testConfig()
				cfg.Layout = layout
				test.set(&cfg)
				bucket := b
				if layout == "flat" { // by the time of the last change
					bucket = newBucket()
					for i, key := range keys {
						bucket.putAt(now.Add(-time.Duration(10-i)*24*time.Hour), fmt.Sprint(9-i), key)
					}
				}
				assert.Equal(t, test.want, pass(t, bucket, cfg, store()))
			}
		}

		// A duration does not move on with the next start.
		st, cfg := store(), testConfig()
		cfg.StartTimestamp = "48h"
		require.Len(t, pass(t, b, cfg, st), 2)
		time.Sleep(10 * time.Hour)
		late := trailKey("999922223333", "eu-west-1", now.Add(-47*time.Hour), "a")
		b.put(late, late)
		assert.Equal(t, []string{late}, pass(t, b, cfg, st), "an account that is new is read from the same time on")
	})
}

func TestNamesFromTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * 24 * time.Hour)
		b, st, cfg := newBucket(), store(), testConfig()
		now := time.Now().Truncate(time.Minute)
		odd := []string{
			trailKey("111122223333", "eu-west-1", now.AddDate(50, 0, 0), "a"),
			"AWSLogs/111122223333/CloudTrail/eu-west-1/readme.json",
			"AWSLogs/111122223333/CloudTrail/eu-west-1/0/a.json",
		}
		for _, key := range odd {
			b.put(key, key)
		}
		slices.Sort(odd)
		b.put("AWSLogs/111122223333/CloudTrail/eu-west-1/") // a folder, made by hand
		assert.Equal(t, odd, pass(t, b, cfg, st))
		for i := range 5 {
			time.Sleep(13 * time.Hour)
			key := trailKey("111122223333", "eu-west-1", time.Now(), fmt.Sprint(i))
			b.put(key, key)
			assert.Equal(t, []string{key}, pass(t, b, cfg, st))
		}
	})
}

// Digests: the name of the trail comes before the time.
func TestDigests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * 24 * time.Hour)
		b, st, cfg := newBucket(), store(), testConfig()
		var got, want []string
		for hour := range 72 {
			time.Sleep(time.Hour)
			at := time.Now().UTC()
			for _, trail := range []string{"zeta", "alpha"} {
				if hour%5 == 0 && trail == "alpha" {
					at = at.Add(-20 * time.Hour) // late
				}
				key := fmt.Sprintf("AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/%s111122223333_CloudTrail-Digest_eu-west-1_%s_eu-west-1_%s.json.gz",
					at.Format(dayLayout), trail, at.Format("20060102T150405Z"))
				if !b.has(key) {
					want = append(want, key)
				}
				b.put(key, key)
			}
			got = append(got, pass(t, b, cfg, st)...)
		}
		slices.Sort(want)
		slices.Sort(got)
		assert.Equal(t, want, got)
		in := testInput(t, b, cfg, st, true)
		_, _ = readAll(t, in)
		assert.Less(t, in.Stats().Remembered, int64(4*48))
	})
}

func TestDamagedState(t *testing.T) {
	b, cfg := newBucket(), testConfig()
	key := trailKey("111122223333", "eu-west-1", time.Now(), "a")
	b.put(key, key)
	st := store()
	require.Len(t, pass(t, b, cfg, st), 1)
	var parts []string
	require.NoError(t, st.Each("", func(key string, _ json.RawMessage) error { parts = append(parts, key); return nil }))
	for _, part := range parts {
		if part == "s3/trail/origin" {
			continue
		}
		var old json.RawMessage
		_, err := st.Get(part, &old)
		require.NoError(t, err)
		for _, bad := range []any{"2:AAAA", 7, "x"} {
			require.NoError(t, st.Put(part, bad))
			in := testInput(t, b, cfg, st, true)
			var last error
			for last == nil {
				_, last = in.Read(t.Context())
			}
			assert.False(t, errors.Is(last, io.EOF), "%s with %v: never begun anew in silence", part, bad)
			assert.True(t, input.IsFatal(last))
		}
		require.NoError(t, st.Put(part, old))
	}
	assert.Empty(t, pass(t, b, cfg, st))
}
