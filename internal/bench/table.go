package bench

import (
	"fmt"
	"io"
)

// WriteTable writes the results as a table in Markdown for each corpus.
func WriteTable(w io.Writer, results []*Result) {
	for from := 0; from < len(results); {
		to := from
		for to < len(results) && results[to].Corpus == results[from].Corpus {
			to++
		}
		writeTable(w, results[from:to])
		from = to
	}
}

func writeTable(w io.Writer, results []*Result) {
	c := results[0].Corpus
	var naive *Result
	for _, r := range results {
		if r.Case.Key == KeyNaive {
			naive = r
		}
	}
	fmt.Fprintf(w, "\n%s (%d records, %.1f MB unpacked)\n\n", c.Label, c.Records, float64(c.Unpacked)/1e6)
	fmt.Fprintln(w, "| | × naive | of limit | lowest to highest | records per CPU second | MB per CPU second | allocations per record |")
	fmt.Fprintln(w, "|---|---:|---:|---:|---:|---:|---:|")
	group := ""
	for _, r := range results {
		if r.Case.Group != group {
			group = r.Case.Group
			fmt.Fprintf(w, "| *%s* | | | | | | |\n", group)
		}
		times := "–"
		if naive != nil {
			times = fmt.Sprintf("%.1f", r.OfNaive(naive))
		}
		fmt.Fprintf(w, "| %s | %s | %.2f | %.2f to %.2f | %s | %.0f | %.2f |\n", r.Case.Name, times, r.OfLimit, r.Lowest, r.Highest,
			thousands(r.RecordsPerSecond), r.BytesPerSecond/1e6, r.Allocs)
	}
}

// thousands rounds to what means something.
func thousands(v float64) string {
	if v >= 99_500 {
		return fmt.Sprintf("%.0f k", v/1e3)
	}
	return fmt.Sprintf("%.1f k", v/1e3)
}

// WriteShares writes which share of the full mapping each stage takes: the difference between a row and the one before it.
func WriteShares(w io.Writer, results []*Result) {
	find := func(corpus *Corpus, key string) *Result {
		for _, r := range results {
			if r.Corpus == corpus && r.Case.Key == key {
				return r
			}
		}
		return nil
	}
	for i, first := range results {
		if first.Case.Key != KeyNaive {
			continue
		}
		full, gunzip, split := find(first.Corpus, "full"), find(first.Corpus, "gunzip"), find(first.Corpus, "split")
		if full == nil || gunzip == nil || split == nil {
			continue
		}
		fmt.Fprintf(w, "\nWhere the time of the full mapping goes, %s:\n\n| stage | share |\n|---|---:|\n", first.Corpus.Label)
		share := func(name string, cost float64) {
			fmt.Fprintf(w, "| %s | %.0f %% |\n", name, 100*cost*full.OfLimit)
		}
		share("gunzip", 1/gunzip.OfLimit)
		share("+ split", 1/split.OfLimit-1/gunzip.OfLimit)
		before := 0.0
		for _, r := range results[i:] {
			if r.Corpus != first.Corpus || r.Case.Group != groupStages || r.Case.Key == "agents" {
				continue
			}
			share(r.Case.Name, 1/r.OfLimit-before)
			before = 1 / r.OfLimit
		}
		fmt.Fprintf(w, "| sum | %.0f %% |\n", 100*(1/split.OfLimit+before)*full.OfLimit)
	}
}
