package bench

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLosses(t *testing.T) {
	ratios := func(source string, full float64) Ratios {
		return Ratios{Source: source, OfLimit: map[string]map[string]float64{"a": {"full": full, KeyNaive: full, "stage-parse": full}}}
	}
	lost, err := ratios("x", 0.86).Losses(ratios("x", 1), 0.15)
	require.NoError(t, err)
	require.Empty(t, lost)
	lost, err = ratios("x", 0.84).Losses(ratios("x", 1), 0.15)
	require.NoError(t, err)
	require.Len(t, lost, 1)
	require.Equal(t, "full on a: 0.840 of the limit, recorded 1.000 (-16 %)", lost[0].String())
	_, err = ratios("x", 1).Losses(ratios("y", 1), 0.15)
	require.ErrorContains(t, err, "other records")
	_, err = ratios("x", 1).Losses(Ratios{Source: "x"}, 0.15)
	require.ErrorContains(t, err, "no corpus")
}

func TestRatiosAreKept(t *testing.T) {
	results := []*Result{{Case: &Case{Key: "full"}, Corpus: &Corpus{Label: "a"}, OfLimit: 0.41249}}
	name := filepath.Join(t.TempDir(), "ratios.json")
	require.NoError(t, RatiosOf("x", results).Write(name))
	results[0].Corpus = &Corpus{Label: "b"}
	require.NoError(t, RatiosOf("x", results).Write(name))
	require.NoError(t, RatiosOf("y", results).Write(name))
	got, err := ReadRatios(name, "x")
	require.NoError(t, err)
	require.Equal(t, Ratios{Source: "x", OfLimit: map[string]map[string]float64{"a": {"full": 0.412}, "b": {"full": 0.412}}}, got)
	_, err = ReadRatios(name, "z")
	require.ErrorIs(t, err, ErrNotRecorded)
	_, err = ReadRatios(name+".not", "x")
	require.ErrorContains(t, err, "-record")
}

// A case that was slow once is measured again before it counts.
func TestAgain(t *testing.T) {
	corpus := source(t).Small(2e5)
	cases, err := baselineCases(nil, "")
	require.NoError(t, err)
	cases[0].Key = "full" // which is slow
	lost := []Loss{{Label: corpus.Label, Key: "full"}}
	for then, want := range map[float64]int{1e-9: 0, 1e9: 1} {
		before := Ratios{Source: "x", OfLimit: map[string]map[string]float64{corpus.Label: {"full": then}}}
		still, err := Again(lost, cases, []*Corpus{corpus, {Label: "another"}}, "x", before, 1, 0.15, func(int) {})
		require.NoError(t, err)
		require.Len(t, still, want)
	}
}

// Whatever the machine does meanwhile, the limit compared with itself is about 1.
func TestMeasure(t *testing.T) {
	corpus := source(t).Small(3e5)
	cases, err := baselineCases(nil, "")
	require.NoError(t, err)
	rounds := 0
	results, err := Measure(cases, []*Corpus{corpus}, 2, func(int) { rounds++ })
	require.NoError(t, err)
	require.Equal(t, 3, rounds)
	require.Len(t, results, 2)
	require.Positive(t, results[0].RecordsPerSecond)
	require.Less(t, results[0].OfLimit, results[1].OfLimit)
	require.Greater(t, results[0].Allocs, 50.0, "encoding/json into maps allocates a lot")
	var table strings.Builder
	WriteTable(&table, results)
	require.Contains(t, table.String(), "| naive: encoding/json into maps, 40 fields | 1.0 |")
	_, err = Measure(cases[:1], []*Corpus{corpus}, 1, func(int) {})
	require.ErrorContains(t, err, "is missing")
}

func TestMedian(t *testing.T) {
	require.Equal(t, 2.0, median([]float64{3, 1, 2}))
	require.Equal(t, 1.5, median([]float64{2, 1}))
}
