package sketch

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExactWhileAllFit(t *testing.T) {
	top := New(4)
	for _, key := range []string{"a", "b", "a", "c", "a", "b"} {
		top.Add([]byte(key), 2)
	}
	assert.Equal(t, []Count{{"a", 6, 0}, {"b", 4, 0}, {"c", 2, 0}}, Merge(9, top))
	assert.Equal(t, []Count{{"a", 6, 0}}, Merge(1, top))
	assert.EqualValues(t, 12, top.Total())
	top.Reset()
	assert.Empty(t, Merge(9, top))
	assert.Zero(t, top.Total())
}

// What the algorithm promises holds for a stream of far more names than counters.
func TestBounds(t *testing.T) {
	const capacity = 64
	rnd := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rnd, 1.2, 1, 20_000)
	first, second := New(capacity), New(capacity)
	truth := map[string]int64{}
	for i := range 50_000 {
		key := fmt.Sprint(zipf.Uint64())
		n := int64(1 + rnd.IntN(3))
		truth[key] += n
		[]*Top{first, second}[i%2].Add([]byte(key), n)
		require.LessOrEqual(t, len(first.heap), capacity)
	}
	total := first.Total() + second.Total()
	found := map[string]bool{}
	for _, c := range Merge(10_000, first, second) {
		found[c.Key] = true
		require.GreaterOrEqual(t, c.Count, truth[c.Key], c.Key)
		require.LessOrEqual(t, c.Count-c.Over, truth[c.Key], c.Key)
	}
	for key, n := range truth {
		if n > total/capacity {
			assert.True(t, found[key], "%s makes up %d of %d", key, n, total)
		}
	}
	for _, top := range []*Top{first, second} {
		for i, e := range top.heap {
			require.Equal(t, i, e.at)
			require.LessOrEqual(t, top.heap[0].count, e.count)
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	for _, names := range []int{20, 100_000} {
		keys := make([][]byte, names)
		for i := range keys {
			keys[i] = fmt.Appendf(nil, "arn:aws:iam::111122223333:role/name-%d", i)
		}
		b.Run(fmt.Sprint(names), func(b *testing.B) {
			top := New(128)
			b.ReportAllocs()
			for i := range b.N {
				top.Add(keys[i%len(keys)], 1)
			}
		})
	}
}
