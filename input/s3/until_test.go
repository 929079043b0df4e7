package s3

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readUntil gives the keys of the objects that one pass reads.
func readUntil(t *testing.T, b *fakeBucket, cfg Config, until time.Time, change ...func(*Deps)) []string {
	t.Helper()
	deps := Deps{ID: "in", Store: store(), Once: true, Until: until}
	for _, c := range change {
		c(&deps)
	}
	in, err := open(cfg, deps, b, newReader(b))
	require.NoError(t, err)
	var keys []string
	for {
		batch, err := in.Read(t.Context())
		if err != nil {
			require.EqualError(t, err, "EOF")
			break
		}
		keys = append(keys, batch.Records[0].Origin.Key)
		batch.Ack(nil)
	}
	require.NoError(t, in.Close())
	return keys
}

// What was delivered after the end is left out, and listing ends with its day.
func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * 24 * time.Hour)
		b, cfg := newBucket(), testConfig()
		b.most = 2
		folder := "AWSLogs/111122223333/CloudTrail/eu-west-1/"
		end := time.Now().UTC().Truncate(24 * time.Hour).Add(-10*24*time.Hour + 90*time.Minute)
		name := func(at time.Time) string {
			return folder + at.Format("2006/01/02/") + "111122223333_CloudTrail_eu-west-1_" + at.Format("20060102T1504") + "Z_a.json.gz"
		}
		var want []string
		for i := -3; i <= 3; i++ {
			at := end.Add(time.Duration(i) * 30 * time.Minute)
			b.put(name(at), fmt.Sprint(i))
			if i <= 0 {
				want = append(want, name(at))
			}
		}
		odd := folder + end.Format("2006/01/02/") + "zzz.json.gz" // of that day, nobody knows when
		b.put(odd, "odd")
		for i := range 20 {
			b.put(name(end.AddDate(0, 0, 1+i/4).Add(time.Duration(i)*time.Minute)), "late")
		}
		assert.ElementsMatch(t, append(want, odd), readUntil(t, b, cfg, end))
		few := b.count("list")
		assert.Len(t, readUntil(t, b, cfg, time.Time{}), 28)
		assert.Greater(t, b.count("list")-few, few, "without an end all of it is listed")

		flat := newBucket()
		flat.putAt(end.Add(-time.Hour), "a.json", "1")
		flat.putAt(end.Add(time.Hour), "b.json", "2")
		flat.putAt(end, "c.json", "3")
		assert.ElementsMatch(t, []string{"a.json", "c.json"}, readUntil(t, flat, cfg, end))
		byName := func(d *Deps) { d.UntilByName = true }
		assert.ElementsMatch(t, []string{"a.json", "b.json", "c.json"}, readUntil(t, flat, cfg, end, byName), "it may have been copied")
		assert.ElementsMatch(t, append(want, odd), readUntil(t, b, cfg, end, byName))
		only := func(d *Deps) { d.Wanted = func(key string) bool { return key == odd } }
		assert.Equal(t, []string{odd}, readUntil(t, b, cfg, end, only))
	})
}

// What reads a bucket once more leaves it as it is, and does not read the copies.
func TestReadOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, cfg := newBucket(), testConfig()
		cfg.BackupToBucketARN, cfg.BackupToBucketPrefix, cfg.DeleteAfterBackup = cfg.BucketARN, "copies/", true
		key := "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/02/111122223333_CloudTrail_eu-west-1_20260102T0305Z_a.json.gz"
		b.put(key, "1")
		b.put("copies/"+key, "1")
		assert.Equal(t, []string{key}, readUntil(t, b, cfg, time.Time{}, func(d *Deps) { d.ReadOnly = true }))
		assert.True(t, b.has(key))
		assert.Zero(t, b.count("copy"))
	})
}
