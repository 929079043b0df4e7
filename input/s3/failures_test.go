package s3

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/registry"
)

func texts(errs []error) []string {
	list := make([]string, len(errs))
	for i, err := range errs {
		list[i] = err.Error()
	}
	slices.Sort(list)
	return list
}

func TestTransportFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * 24 * time.Hour)
		b := newBucket()
		good, bad := trailKey("111122223333", "eu-west-1", time.Now(), "good"), trailKey("111122223333", "eu-west-1", time.Now(), "bad")
		b.put(good, "good")
		b.put(bad, "bad")
		var tries atomic.Int64
		b.openFault = func(key string) error {
			if key == bad {
				tries.Add(1)
				return transport(key)
			}
			return nil
		}
		st := store()
		in := testInput(t, b, testConfig(), st, false)
		got := follow(t, in)
		assert.Equal(t, []string{"good"}, got())
		assert.EqualValues(t, 1, tries.Load())
		time.Sleep(2 * time.Minute)
		assert.Empty(t, got())
		assert.EqualValues(t, 2, tries.Load(), "with the next pass")
		time.Sleep(2 * time.Hour)
		assert.Greater(t, tries.Load(), int64(4))
		time.Sleep(48 * time.Hour)
		assert.Greater(t, tries.Load(), int64(40), "for ever")
		assert.Less(t, tries.Load(), int64(60), "with pauses of an hour")
		require.NoError(t, in.Close())
		assert.EqualValues(t, 1, in.Stats().Failing)

		// Its day is long behind the cursor, and another process goes on with it.
		b.openFault = nil
		in = testInput(t, b, testConfig(), st, false)
		got = follow(t, in)
		time.Sleep(time.Hour + 2*time.Minute)
		assert.Equal(t, []string{"bad"}, got())
		require.NoError(t, in.Close())
		assert.Zero(t, in.Stats().Failing)
	})
}

func TestBrokenContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * 24 * time.Hour)
		b := newBucket()
		key := trailKey("111122223333", "eu-west-1", time.Now(), "a")
		b.put(key, "1", "2", "3")
		b.breakContent(key, true)
		st := store()
		in := testInput(t, b, testConfig(), st, false)
		got := follow(t, in)
		assert.Equal(t, []string{"1", "2", "3"}, got(), "what can be read is delivered")
		time.Sleep(10 * 24 * time.Hour)
		got()
		assert.Equal(t, contentTries, b.count("open"), "then it rests")
		assert.EqualValues(t, 1, in.Stats().Failing, "never done in silence")
		assert.LessOrEqual(t, b.count("head"), 11, "and is looked at once a day")
		b.put(key, "1", "2", "3", "4")
		time.Sleep(25 * time.Hour)
		assert.Equal(t, []string{"1", "2", "3", "4"}, got(), "it has changed")
		assert.Zero(t, in.Stats().Failing)

		b.breakContent(key, true)
		other := trailKey("111122223333", "eu-west-1", time.Now(), "b")
		b.put(other, "5")
		b.breakContent(other, true)
		time.Sleep(time.Hour)
		b.put(other, "5", "6")
		time.Sleep(3 * time.Minute)
		assert.Contains(t, got(), "6", "a change that a listing shows is seen at once")
		require.NoError(t, in.Close())
	})
}

func TestOnceTellsWhatIsLeft(t *testing.T) {
	b, st, cfg := newBucket(), store(), testConfig()
	var keys []string
	for i := range 4 {
		keys = append(keys, trailKey("111122223333", "eu-west-1", time.Now(), fmt.Sprint(i)))
		b.put(keys[i], fmt.Sprint(i))
	}
	b.breakContent(keys[0], true)
	b.openFault = func(key string) error {
		switch key {
		case keys[1]:
			return transport(key)
		case keys[2]:
			return noKey(key) // deleted since it was listed
		}
		return nil
	}
	for range 5 { // each run tries again, whatever the pauses
		list, errs := readAll(t, testInput(t, b, cfg, st, true))
		assert.Subset(t, []string{"0", "3"}, list)
		assert.Contains(t, list, "0")
		require.Len(t, errs, 2, "%v", errs)
		assert.Contains(t, texts(errs)[0], keys[1])
		assert.Contains(t, texts(errs)[1], "the content is broken")
	}
	b.breakContent(keys[0], false)
	b.openFault = nil
	list, errs := readAll(t, testInput(t, b, cfg, st, true))
	assert.Equal(t, []string{"0", "1"}, list)
	assert.Empty(t, errs)
	assert.Empty(t, pass(t, b, cfg, st))
}

func TestListingFails(t *testing.T) {
	b, st, cfg := newBucket(), store(), testConfig()
	for _, account := range []string{"111122223333", "444455556666"} {
		key := trailKey(account, "eu-west-1", time.Now(), "a")
		b.put(key, account)
	}
	b.listFault = func(l listing) error {
		if strings.Contains(l.Prefix, "111122223333") && l.Delimiter == "" {
			return transport(l.Prefix)
		}
		return nil
	}
	list, errs := readAll(t, testInput(t, b, cfg, st, true))
	assert.Equal(t, []string{"444455556666"}, list, "the others go on")
	require.Len(t, errs, 1)
	b.listFault = func(l listing) error { return transport(l.Prefix) }
	list, errs = readAll(t, testInput(t, b, cfg, st, true))
	assert.Empty(t, list)
	require.NotEmpty(t, errs)
	b.listFault = nil
	assert.Equal(t, []string{"111122223333"}, pass(t, b, cfg, st))
}

// Everything fails: only so many failures are remembered, nothing is lost, and the state stays small.
func TestTooManyFailures(t *testing.T) {
	b, cfg := newBucket(), testConfig()
	const total = 2500
	for i := range total {
		key := trailKey("111122223333", "eu-west-1", time.Now().Add(-time.Duration(i)*time.Second), fmt.Sprint(i))
		b.put(key, fmt.Sprint(i))
	}
	for _, layout := range []string{"cloudtrail", "flat", "ordered"} {
		t.Run(layout, func(t *testing.T) {
			st := store()
			cfg.Layout, cfg.LexicographicalOrdering = layout, false
			if layout == "ordered" {
				cfg.Layout, cfg.LexicographicalOrdering = "flat", true
			}
			b.openFault = transport
			for range 3 {
				in := testInput(t, b, cfg, st, true)
				list, errs := readAll(t, in)
				assert.Empty(t, list)
				assert.LessOrEqual(t, len(errs), 3)
				assert.Contains(t, errs[len(errs)-2].Error(), "1000 objects could not be read")
				assert.LessOrEqual(t, in.Stats().Failing, int64(maxFailed+cfg.NumberOfWorkers))
			}
			_, bytes := stateBytes(t, st)
			assert.Less(t, bytes, 600<<10, "1000 entries of half a kilobyte")
			b.openFault = nil
			assert.Len(t, pass(t, b, cfg, st), total)
			assert.Empty(t, pass(t, b, cfg, st))
		})
	}
}

func TestStoreFails(t *testing.T) {
	b, cfg := newBucket(), testConfig()
	cfg.DeleteAfterRead = true
	key := trailKey("111122223333", "eu-west-1", time.Now(), "a")
	b.put(key, "1")
	var memory registry.Memory
	in := testInput(t, b, cfg, memory.Input("in"), true)
	batch, err := in.Read(t.Context())
	require.NoError(t, err)
	memory.Fail(errors.New("disk full"))
	batch.Ack(nil)
	for err == nil || !input.IsFatal(err) {
		_, err = in.Read(t.Context())
	}
	assert.ErrorContains(t, err, "disk full")
	_ = in.Close()
	assert.True(t, b.has(key), "nothing is deleted that is not durable")
	memory.Fail(nil)
	assert.Equal(t, []string{"1"}, pass(t, b, cfg, memory.Input("in")))
	assert.False(t, b.has(key))
}

func TestTwoInputsOnOneBucket(t *testing.T) {
	b, cfg := newBucket(), testConfig()
	var memory registry.Memory
	key := trailKey("111122223333", "eu-west-1", time.Now(), "a")
	b.put(key, "1")
	assert.Equal(t, []string{"1"}, pass(t, b, cfg, memory.Input("one")))
	assert.Equal(t, []string{"1"}, pass(t, b, cfg, memory.Input("two")))
	for range 3 {
		assert.Empty(t, pass(t, b, cfg, memory.Input("one")))
		assert.Empty(t, pass(t, b, cfg, memory.Input("two")))
	}
	// One id that is given another bucket begins there, and knows the first one when it comes back.
	other := cfg
	other.BucketARN = "arn:aws:s3:::other"
	assert.Equal(t, []string{"1"}, pass(t, b, other, memory.Input("one")))
	assert.Empty(t, pass(t, b, cfg, memory.Input("one")))
}

func TestFlatBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * 24 * time.Hour)
		b, st, cfg := newBucket(), store(), testConfig()
		b.most = 10
		assert.Empty(t, pass(t, b, cfg, st))
		n := 0
		put := func(key string) { n++; b.put(key, fmt.Sprintf("%s %d", key, n)) }
		for i := range 100 {
			put(fmt.Sprint(i * 7919 % 1000))
		}
		assert.Len(t, pass(t, b, cfg, st), 100)
		put("0-before all")
		put("zz-behind all")
		put("0") // overwritten
		assert.Equal(t, []string{"0 103", "0-before all 101", "zz-behind all 102"}, pass(t, b, cfg, st))
		for range 40 {
			time.Sleep(3 * time.Hour)
			put(fmt.Sprint("k", n*31%17, "-", n))
			assert.Len(t, pass(t, b, cfg, st), 1)
		}
		in := testInput(t, b, cfg, st, true)
		_, _ = readAll(t, in)
		assert.LessOrEqual(t, in.Stats().Remembered, int64(17), "a day, in parts of an hour")
		// What is found once is remembered.
		key := trailKey("111122223333", "eu-west-1", time.Now(), "a")
		b.put(key, "trail")
		assert.Equal(t, []string{"trail"}, pass(t, b, cfg, st))
		put("other")
		assert.Len(t, pass(t, b, cfg, st), 1)
	})
}
