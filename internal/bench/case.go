package bench

import "fmt"

// Case is one thing to measure.
type Case struct {
	// Group and Name of the row in the table.
	Group, Name string
	// Key is the name in ratios.json and of the benchmark.
	Key string
	// Run works through a corpus once. Its files are on disk. It gives the number of bytes that came out.
	Run func(c *Corpus) (out int, err error)
	// Copies says that Run reads all copies of the files that are on disk, so that a start weighs less.
	Copies bool
}

// records is how many records one Run works through.
func (c *Case) records(corpus *Corpus) int {
	if c.Copies {
		return corpus.Copies() * corpus.Records
	}
	return corpus.Records
}

// The keys of the baselines.
const (
	KeyNaive = "naive"
	KeyLimit = "limit"
)

// The groups, in the order of the table.
const (
	groupBaselines = "baselines"
	groupReading   = "reading"
	groupMapping   = "mapping"
	groupStages    = "stages (of records that are split already; each with all before it)"
	groupOutput    = "full mapping and output"
	groupShipper   = "whole shipper, from files"
)

// Cases makes all cases. dir is a directory for what they write. The func closes what they hold.
func Cases(dir string) ([]Case, func(), error) {
	var closing closers
	makers := []func(*closers, string) ([]Case, error){baselineCases, readingCases, stageCases, outputCases, shipperCases}
	var all []Case
	for _, makeCases := range makers {
		cases, err := makeCases(&closing, dir)
		if err != nil {
			closing.close()
			return nil, nil, fmt.Errorf("preparing the benchmarks: %w", err)
		}
		all = append(all, cases...)
	}
	return all, closing.close, nil
}

type closers []func()

func (c *closers) add(f func()) { *c = append(*c, f) }

func (c *closers) close() {
	for _, f := range *c {
		f()
	}
}

func baselineCases(*closers, string) ([]Case, error) {
	var naive Naive
	var limit Limit
	return []Case{
		{Group: groupBaselines, Name: "naive: encoding/json into maps, 40 fields", Key: KeyNaive, Run: perFile(func(f *File, out *int) (int, error) {
			body, n, err := naive.Map(f.Packed)
			*out += len(body)
			return n, err
		})},
		{Group: groupBaselines, Name: "limit: unchecked walker, 40 fields", Key: KeyLimit, Run: perFile(func(f *File, out *int) (int, error) {
			return limit.Map(f.Packed, func(b []byte) { *out += len(b) })
		})},
	}, nil
}

// perFile makes a Run of what is done with each file. do gives the number of records.
func perFile(do func(f *File, out *int) (int, error)) func(*Corpus) (int, error) {
	return func(c *Corpus) (out int, err error) {
		for i := range c.Files {
			f := &c.Files[i]
			n, err := do(f, &out)
			if err != nil {
				return out, err
			}
			if n != f.Records {
				return out, fmt.Errorf("%d records came out of a file of %d", n, f.Records)
			}
		}
		return out, nil
	}
}
