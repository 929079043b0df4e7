package s3

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPutAway(t *testing.T) {
	tests := map[string]struct {
		set             func(*Config)
		deleted, copied bool
	}{
		"delete":         {func(c *Config) { c.DeleteAfterRead = true }, true, false},
		"copy":           {func(c *Config) { c.BackupToBucketARN, c.BackupToBucketPrefix = "arn:aws:s3:::backup", "b/" }, false, true},
		"copy elsewhere": {func(c *Config) { c.NonAWSBackupToBucketName, c.BackupToBucketPrefix = "backup", "b/" }, false, true},
		"copy and delete": {func(c *Config) {
			c.BackupToBucketARN, c.BackupToBucketPrefix, c.DeleteAfterBackup = "arn:aws:s3:::backup", "b/", true
		}, true, true},
		"copy, then delete": {func(c *Config) {
			c.BackupToBucketARN, c.BackupToBucketPrefix, c.DeleteAfterRead = "arn:aws:s3:::backup", "b/", true
		}, true, true},
	}
	for name, test := range tests {
		for _, layout := range []string{"cloudtrail", "flat"} {
			t.Run(name+"/"+layout, func(t *testing.T) {
				b, st, cfg := newBucket(), store(), testConfig()
				cfg.Layout = layout
				test.set(&cfg)
				key := trailKey("111122223333", "eu-west-1", time.Now(), "a")
				b.put(key, "1")
				in := testInput(t, b, cfg, st, true)
				batch, err := in.Read(t.Context())
				require.NoError(t, err)
				assert.True(t, b.has(key))
				assert.Empty(t, b.copies)
				batch.Ack(nil)
				require.NoError(t, in.Close())
				assert.Equal(t, !test.deleted, b.has(key))
				assert.Equal(t, test.copied, b.copies["backup/b/"+key] == "1")
				assert.Empty(t, pass(t, b, cfg, st))
			})
		}
	}
}

func TestPutAwayFails(t *testing.T) {
	b, st, cfg := newBucket(), store(), testConfig()
	cfg.DeleteAfterBackup, cfg.BackupToBucketARN = true, "arn:aws:s3:::backup"
	var keys []string
	for i := range 20 {
		keys = append(keys, trailKey("111122223333", "eu-west-1", time.Now(), fmt.Sprintf("%02d", i)))
		b.put(keys[i], fmt.Sprint(i))
	}
	b.delFault = func(string) error { return errors.New("access denied") }
	list, errs := readAll(t, testInput(t, b, cfg, st, true))
	assert.Len(t, list, 20)
	require.Len(t, errs, 1)
	assert.ErrorContains(t, errs[0], "20 objects were read but could not be copied or deleted")
	assert.Equal(t, 20, b.count("copy"))

	// The next start goes on with it, and neither reads nor copies again.
	b.delFault = nil
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Now().AddDate(100, 0, 0))) // behind any pause
		in := testInput(t, b, cfg, st, false)
		got := follow(t, in)
		time.Sleep(time.Hour)
		assert.Empty(t, got())
		for _, key := range keys {
			assert.False(t, b.has(key))
		}
		assert.Equal(t, 20, b.count("copy"))
		assert.Zero(t, in.Stats().Waiting)
		require.NoError(t, in.Close())
	})
}

func TestOverwrittenIsNotDeleted(t *testing.T) {
	b, st, cfg := newBucket(), store(), testConfig()
	cfg.DeleteAfterRead, cfg.Layout = true, "flat"
	b.put("a", "1")
	in := testInput(t, b, cfg, st, true)
	batch, err := in.Read(t.Context())
	require.NoError(t, err)
	b.put("a", "2")
	batch.Ack(nil)
	require.NoError(t, in.Close())
	assert.True(t, b.has("a"))
	assert.Equal(t, []string{"2"}, pass(t, b, cfg, st))
	assert.False(t, b.has("a"))
}

// Copies in the bucket that is read are not read.
func TestCopiesAreNotRead(t *testing.T) {
	for _, layout := range []string{"auto", "flat"} {
		b, st, cfg := newBucket(), store(), testConfig()
		cfg.Layout = layout
		cfg.BackupToBucketARN, cfg.BackupToBucketPrefix = cfg.BucketARN, "copies/"
		key := trailKey("111122223333", "eu-west-1", time.Now(), "a")
		b.put(key, "1")
		b.put("copies/"+key, "1")
		assert.Equal(t, []string{"1"}, pass(t, b, cfg, st))
		assert.Empty(t, pass(t, b, cfg, st))
	}
}
