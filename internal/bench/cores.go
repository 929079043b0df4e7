package bench

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Cores measures, by the clock, how many times as fast the command map of binary is on two cores as on one: pairs of runs in turns. dir is for
// the files. It wants a machine of two cores or more that does nothing else.
func (s *Source) Cores(w io.Writer, binary, dir string, pairs int) error {
	fmt.Fprintf(w, "`trailbeat map` on two cores, %d pairs in turns\n\n| | by the clock, one core = 1 | lowest to highest | CPU time, one core = 1 |\n|---|---:|---:|---:|\n", pairs)
	for i, shape := range []struct {
		corpus *Corpus
		times  int
	}{{s.Large(320e6), 1}, {s.Large(40e6), 8}, {s.Small(10e6), 40}} {
		sub := filepath.Join(dir, fmt.Sprint("cores", i))
		if err := os.Mkdir(sub, 0o700); err != nil {
			return fmt.Errorf("making room for the corpus: %w", err)
		}
		if err := shape.corpus.WriteTo(sub); err != nil {
			return err
		}
		argv := []string{binary, "map", "--no-progress"}
		for range shape.times {
			for _, f := range shape.corpus.Files {
				argv = append(argv, f.Name)
			}
		}
		if _, _, err := runOn(2, argv); err != nil { // for the files to be in memory
			return err
		}
		var clock, used []float64
		for range pairs {
			one, usedByOne, err := runOn(1, argv)
			if err != nil {
				return err
			}
			two, usedByTwo, err := runOn(2, argv)
			if err != nil {
				return err
			}
			clock, used = append(clock, one/two), append(used, usedByTwo/usedByOne)
		}
		fmt.Fprintf(w, "| %s, %d times | %.2f | %.2f to %.2f | %.2f |\n", shape.corpus.Label, shape.times, median(clock), slices.Min(clock), slices.Max(clock), median(used))
		if err := os.RemoveAll(sub); err != nil {
			return fmt.Errorf("removing the corpus: %w", err)
		}
	}
	return nil
}
