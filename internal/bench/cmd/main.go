// Command cmd measures Trailbeat beside the baselines and prints the tables of docs/performance.md. Run it in the
// repository: go run ./internal/bench/cmd, or internal/bench/bench.sh, which also builds the binary that it measures.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/internal/bench"
)

type options struct {
	root, only, ratios, binary, profile, child string
	rounds                                     int
	bytes                                      float64
	loss, floods                               float64
	quick, record, check, growth, cores        bool
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", ".", "`DIR` of the repository")
	flag.StringVar(&o.only, "only", "", "measure only the baselines and these, by `KEYS` with commas between them")
	flag.IntVar(&o.rounds, "rounds", 0, "`N` runs of each case, of which the median counts (default 5, with -quick 3)")
	flag.Float64Var(&o.bytes, "bytes", 0, "unpacked `BYTES` of each corpus (default 10e6, with -quick 4e6)")
	flag.BoolVar(&o.quick, "quick", false, "leave out the stages and the processes, and with -check the baselines that are not ours; fewer bytes and rounds: for CI")
	flag.BoolVar(&o.record, "record", false, "write the ratios to the file of -ratios")
	flag.BoolVar(&o.check, "check", false, "fail where a ratio lost more than -loss against the file of -ratios")
	flag.Float64Var(&o.loss, "loss", 0.15, "the `SHARE` of its speed that a case may lose before -check fails")
	flag.StringVar(&o.ratios, "ratios", "internal/bench/ratios.json", "`FILE` of the recorded ratios")
	flag.StringVar(&o.binary, "binary", "", "also measure the command map of this `FILE`, a process against processes of the baselines")
	flag.StringVar(&o.profile, "profile", "", "instead of measuring, run the case of -only for some seconds and write its CPU profile to `FILE`")
	flag.Float64Var(&o.floods, "floods", 0, "instead of measuring, map this `SHARE` of the floods (1: all of them), and fail where a byte costs more than 3 usual ones")
	flag.StringVar(&o.child, "child", "", "for -binary: map the files named with this `BASELINE`")
	flag.BoolVar(&o.growth, "growth", false, "instead of all this, compare 1, 10 and 100 times a tenth of -bytes")
	flag.BoolVar(&o.cores, "cores", false, "instead of all this, compare two cores with one, by processes of -binary and -rounds pairs of them")
	flag.Parse()
	if o.rounds == 0 {
		o.rounds = 5
		if o.quick {
			o.rounds = 3
		}
	}
	if o.bytes == 0 {
		o.bytes = 10e6
		if o.quick {
			o.bytes = 4e6
		}
	}
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (o *options) run() error {
	if o.child != "" {
		return bench.Child(o.child, flag.Args())
	}
	src, err := bench.Open(o.root)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "trailbeat-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.floods > 0 {
		over, err := src.WriteFloods(os.Stdout, o.only, o.floods, 3, dir)
		if err == nil && len(over) > 0 {
			err = errors.New(strings.Join(over, "\n  "))
		}
		return err
	}
	if o.cores {
		return src.Cores(os.Stdout, o.binary, dir, o.rounds)
	}
	corpora := []*bench.Corpus{src.Large(int(o.bytes)), src.Small(int(o.bytes))}
	if o.growth {
		corpora = nil
		for _, times := range []float64{0.1, 1, 10} {
			corpora = append(corpora, src.Large(int(times*o.bytes)), src.Small(int(times*o.bytes)))
		}
	}
	for i, c := range corpora {
		sub := fmt.Sprintf("%s/%d", dir, i)
		if err := errors.Join(os.Mkdir(sub, 0o700), c.WriteTo(sub)); err != nil {
			return err
		}
	}
	cases, closeAll, err := bench.Cases(dir)
	if err != nil {
		return err
	}
	defer closeAll()
	cases = o.choose(cases)
	if o.profile != "" {
		return o.writeProfile(&cases[len(cases)-1], corpora[0])
	}
	results, err := bench.Measure(cases, corpora, o.rounds, func(round int) { fmt.Fprintf(os.Stderr, "round %d of %d\n", round, o.rounds) })
	if err != nil {
		return err
	}
	fmt.Printf("%s, %s/%s, %d CPUs, records from the %s, medians of %d runs in turns\n", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), src.Name, o.rounds)
	bench.WriteTable(os.Stdout, results)
	if !o.quick && !o.growth && o.only == "" {
		bench.WriteShares(os.Stdout, results)
	}
	if o.binary != "" && !o.growth {
		if err := bench.Processes(os.Stdout, o.binary, corpora, o.rounds); err != nil {
			return err
		}
	}
	return o.compare(bench.RatiosOf(src.Name+" on "+bench.Processor(), results), cases, corpora)
}

// choose leaves the cases that the flags ask for. The limit always stays, as all others are compared with it.
func (o *options) choose(all []bench.Case) []bench.Case {
	var chosen []bench.Case
	for _, c := range all {
		stage := strings.HasPrefix(c.Key, "stage-") || c.Key == "agents"
		wanted := !o.quick || !stage
		if o.growth {
			wanted = slices.Contains([]string{"split", "full", "full-sqlite", "ship-discard"}, c.Key)
		}
		if o.only != "" {
			wanted = strings.Contains(","+o.only+",", ","+c.Key+",")
		}
		if c.Key == bench.KeyNaive || c.Key == "gunzip" {
			wanted = !o.growth && (!o.quick || !o.check)
		}
		if wanted || c.Key == bench.KeyLimit {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

func (o *options) compare(now bench.Ratios, cases []bench.Case, corpora []*bench.Corpus) error {
	if o.check {
		recorded, err := bench.ReadRatios(o.ratios, now.Source)
		if errors.Is(err, bench.ErrNotRecorded) {
			fmt.Printf("\nNothing was compared: %s\n", err) // a machine without the reference data can still see that all cases run
			return nil
		}
		if err != nil {
			return err
		}
		lost, err := now.Losses(recorded, o.loss)
		if err != nil {
			return err
		}
		if len(lost) > 0 {
			fmt.Printf("\nSlower than recorded, measured again:\n  %s\n", lines(lost))
			if lost, err = bench.Again(lost, cases, corpora, now.Source, recorded, 3*o.rounds, o.loss, func(int) {}); err != nil {
				return err
			}
		}
		if len(lost) > 0 {
			return fmt.Errorf("slower than recorded by more than %.0f %%, twice:\n  %s", 100*o.loss, lines(lost))
		}
		fmt.Printf("\nNo ratio lost more than %.0f %%.\n", 100*o.loss)
	}
	if o.record {
		return now.Write(o.ratios)
	}
	return nil
}

func lines(lost []bench.Loss) string {
	var text []string
	for _, l := range lost {
		text = append(text, l.String())
	}
	return strings.Join(text, "\n  ")
}

// profileTime is how long a profile goes on.
const profileTime = 8 * time.Second

func (o *options) writeProfile(c *bench.Case, corpus *bench.Corpus) error {
	if _, err := c.Run(corpus); err != nil { // what is only done once is left out
		return err
	}
	f, err := os.Create(o.profile)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	for began := time.Now(); time.Since(began) < profileTime; {
		if _, err := c.Run(corpus); err != nil {
			return err
		}
	}
	pprof.StopCPUProfile()
	return f.Close()
}
