package bench

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Benchmarks run every case on both corpora, and report what one second of processor time does: BenchmarkCase/large/full.
// For ratios use the program in cmd, which measures in turns.
func BenchmarkCase(b *testing.B) {
	src := source(b)
	cases, closeAll, err := Cases(b.TempDir())
	require.NoError(b, err)
	b.Cleanup(closeAll)
	for _, size := range []struct {
		name   string
		corpus *Corpus
	}{{"large", src.Large(10e6)}, {"small", src.Small(10e6)}} {
		require.NoError(b, size.corpus.WriteTo(b.TempDir()))
		for _, c := range cases {
			b.Run(size.name+"/"+c.Key, func(b *testing.B) {
				_, err := c.Run(size.corpus) // what is only done once is not measured
				require.NoError(b, err)
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				start := cpuTime()
				for b.Loop() {
					if _, err := c.Run(size.corpus); err != nil {
						b.Fatal(err)
					}
				}
				used := (cpuTime() - start).Seconds()
				runtime.ReadMemStats(&after)
				records := float64(b.N * c.records(size.corpus))
				b.ReportMetric(0, "ns/op") // the clock says nothing on a machine that is shared
				b.ReportMetric(records/used, "records/cpu-s")
				b.ReportMetric(records*float64(size.corpus.Unpacked)/float64(size.corpus.Records)/used, "bytes/cpu-s")
				b.ReportMetric(float64(after.Mallocs-before.Mallocs)/records, "allocs/record")
			})
		}
	}
}

// Every case must work, whatever it costs.
func TestCases(t *testing.T) {
	src := source(t)
	cases, closeAll, err := Cases(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(closeAll)
	for _, corpus := range []*Corpus{src.Small(4e5), src.Large(4e5)} {
		require.NoError(t, corpus.WriteTo(t.TempDir()))
		for _, c := range cases {
			_, err := c.Run(corpus)
			require.NoError(t, err, "%s on %s", c.Key, corpus.Label)
		}
	}
}
