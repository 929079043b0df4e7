package bench

import (
	"fmt"
	"math"
	"runtime"
	"slices"
)

// Result is what a case costs on one corpus.
type Result struct {
	Case   *Case
	Corpus *Corpus
	// RecordsPerSecond and BytesPerSecond (unpacked) are per second of processor time: the median of all runs.
	RecordsPerSecond, BytesPerSecond float64
	// Allocs per record: the least of all runs, as others may allocate beside it.
	Allocs float64
	// OfLimit is how fast the case is, 1 being the limit. Each run is compared with the runs of the limit just before and
	// after it. Median, lowest and highest of all runs.
	OfLimit, Lowest, Highest float64
}

// OfNaive is how many times faster r is than naive, which was measured in the same rounds.
func (r *Result) OfNaive(naive *Result) float64 { return r.OfLimit / naive.OfLimit }

// run is one measured run, by record.
type run struct{ seconds, allocs float64 }

// leastRun is how much processor time a measured run takes at least, in seconds: a case that is quicker works through its
// corpus several times.
const leastRun = 0.12

// Measure runs the cases in turns, rounds times, with the limit between any two. One round more at the start is not
// counted: caches fill in it. progress is called before each round.
func Measure(cases []Case, corpora []*Corpus, rounds int, progress func(round int)) ([]*Result, error) {
	at := slices.IndexFunc(cases, func(c Case) bool { return c.Key == KeyLimit })
	if at < 0 {
		return nil, fmt.Errorf("measuring: the case %q is missing", KeyLimit)
	}
	limit := &cases[at]
	type series struct {
		*Result
		times  int
		runs   []run
		ratios []float64
	}
	var all []*series
	for _, corpus := range corpora {
		for i := range cases {
			all = append(all, &series{Result: &Result{Case: &cases[i], Corpus: corpus}, times: 1})
		}
	}
	for round := range rounds + 1 {
		progress(round)
		var before run
		var of *Corpus // what before was measured on
		times := 1     // of the limit on that
		for _, s := range all {
			if of != s.Corpus {
				first, err := once(limit, s.Corpus, 1) // the corpus comes into the caches
				if err != nil {
					return nil, err
				}
				times = repeats(first, s.Corpus)
				if before, err = once(limit, s.Corpus, times); err != nil {
					return nil, err
				}
				of = s.Corpus
			}
			r, err := once(s.Case, s.Corpus, s.times)
			if err != nil {
				return nil, err
			}
			if round == 0 { // once more, as the first run may have filled caches
				if r, err = once(s.Case, s.Corpus, 1); err != nil {
					return nil, err
				}
				s.times = repeats(r, s.Corpus)
				continue
			}
			after, err := once(limit, s.Corpus, times)
			if err != nil {
				return nil, err
			}
			s.runs = append(s.runs, r)
			s.ratios = append(s.ratios, (before.seconds+after.seconds)/2/r.seconds)
			before = after
		}
	}
	var results []*Result
	for _, s := range all {
		var seconds, allocs []float64
		for _, r := range s.runs {
			seconds, allocs = append(seconds, r.seconds), append(allocs, r.allocs)
		}
		used := median(seconds)
		s.RecordsPerSecond, s.Allocs = 1/used, slices.Min(allocs)
		s.BytesPerSecond = s.RecordsPerSecond * float64(s.Corpus.Unpacked) / float64(s.Corpus.Records)
		s.OfLimit, s.Lowest, s.Highest = median(s.ratios), slices.Min(s.ratios), slices.Max(s.ratios)
		results = append(results, s.Result)
	}
	return results, nil
}

// repeats is how often a corpus is worked through, when one record of it costs r.
func repeats(r run, corpus *Corpus) int {
	return max(1, int(math.Ceil(leastRun/(r.seconds*float64(corpus.Records)))))
}

// once runs a case so many times. The garbage of those before is taken away first, at nobody's cost.
func once(c *Case, corpus *Corpus, times int) (run, error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := cpuTime()
	for range times {
		if _, err := c.Run(corpus); err != nil {
			return run{}, fmt.Errorf("measuring %s on %s: %w", c.Key, corpus.Label, err)
		}
	}
	used := cpuTime() - start
	runtime.ReadMemStats(&after)
	records := float64(times * c.records(corpus))
	return run{used.Seconds() / records, float64(after.Mallocs-before.Mallocs) / records}, nil
}

func median(v []float64) float64 {
	sorted := slices.Sorted(slices.Values(v))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}
