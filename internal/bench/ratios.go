package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
)

// Ratios are results: how fast each case is, 1 being the limit, by corpus and key.
type Ratios struct {
	// Source of the records, and the processor: ratios of others cannot be compared.
	Source string
	// OfLimit is Result.OfLimit by the corpus' label and the key of the case.
	OfLimit map[string]map[string]float64
}

// recorded is the file of ratios: by source, label and key.
type recorded map[string]map[string]map[string]float64

// RatiosOf takes the ratios out of results.
func RatiosOf(source string, results []*Result) Ratios {
	r := Ratios{Source: source, OfLimit: map[string]map[string]float64{}}
	for _, res := range results {
		label := res.Corpus.Label
		if r.OfLimit[label] == nil {
			r.OfLimit[label] = map[string]float64{}
		}
		r.OfLimit[label][res.Case.Key] = thousandths(res.OfLimit)
	}
	return r
}

func thousandths(v float64) float64 { return math.Round(v*1000) / 1000 }

// ErrNotRecorded says that there is nothing to compare with.
var ErrNotRecorded = errors.New("there are no recorded ratios")

// ReadRatios reads the recorded ratios of that source.
func ReadRatios(name, source string) (Ratios, error) {
	all, err := readRecorded(name)
	if err != nil {
		return Ratios{}, err
	}
	if all[source] == nil {
		return Ratios{}, fmt.Errorf("reading %q: %w of the %s; make them with -record", name, ErrNotRecorded, source)
	}
	return Ratios{Source: source, OfLimit: all[source]}, nil
}

func readRecorded(name string) (recorded, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading recorded ratios: %w; make them with -record", err)
	}
	var all recorded
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("reading recorded ratios in %q: %w", name, err)
	}
	return all, nil
}

// Write records r, in place of what was recorded of the same cases. Other corpora and sources stay.
func (r Ratios) Write(name string) error {
	all, err := readRecorded(name)
	if errors.Is(err, fs.ErrNotExist) {
		all, err = recorded{}, nil
	}
	if err != nil {
		return err
	}
	if all[r.Source] == nil {
		all[r.Source] = map[string]map[string]float64{}
	}
	for label, cases := range r.OfLimit {
		if all[r.Source][label] == nil {
			all[r.Source][label] = map[string]float64{}
		}
		maps.Copy(all[r.Source][label], cases)
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding ratios: %w", err)
	}
	return os.WriteFile(name, append(data, '\n'), 0o644)
}

// Loss is a case that got slower.
type Loss struct {
	Label, Key string
	// Now and Then are its ratios to the limit.
	Now, Then float64
}

func (l Loss) String() string {
	return fmt.Sprintf("%s on %s: %.3f of the limit, recorded %.3f (%+.0f %%)", l.Key, l.Label, l.Now, l.Then, 100*(l.Now/l.Then-1))
}

// Losses compares r with what was recorded before, and gives each case that lost more than the share loss of its speed.
// A case that one of them lacks is not compared. Nor is what says nothing of our work: the limit, naive, gunzip; nor the stages, whose
// sum counts in the full mapping.
func (r Ratios) Losses(before Ratios, loss float64) ([]Loss, error) {
	if r.Source != before.Source {
		return nil, fmt.Errorf("comparing ratios: the recorded ones are of other records or another processor (%s) than these (%s)", before.Source, r.Source)
	}
	var lost []Loss
	compared := 0
	for label, cases := range r.OfLimit {
		for key, now := range cases {
			then, ok := before.OfLimit[label][key]
			if !ok || !ours(key) {
				continue
			}
			compared++
			if now < then*(1-loss) {
				lost = append(lost, Loss{label, key, now, then})
			}
		}
	}
	if compared == 0 {
		return nil, errors.New("comparing ratios: no corpus of these is among the recorded ones; record them with the same options and -record")
	}
	slices.SortFunc(lost, func(a, b Loss) int { return strings.Compare(a.Label+a.Key, b.Label+b.Key) })
	return lost, nil
}

func ours(key string) bool {
	return key != KeyLimit && key != KeyNaive && key != "gunzip" && key != "agents" && !strings.HasPrefix(key, "stage-")
}

// Again measures the cases that were lost once more, with more rounds, and gives those that are lost again: on a machine that others
// use too, one bad minute is no loss.
func Again(lost []Loss, cases []Case, corpora []*Corpus, source string, before Ratios, rounds int, loss float64, progress func(round int)) ([]Loss, error) {
	var still []Loss
	for _, corpus := range corpora {
		chosen := slices.DeleteFunc(slices.Clone(cases), func(c Case) bool {
			return c.Key != KeyLimit && !slices.ContainsFunc(lost, func(l Loss) bool { return l.Label == corpus.Label && l.Key == c.Key })
		})
		if len(chosen) < 2 {
			continue
		}
		results, err := Measure(chosen, []*Corpus{corpus}, rounds, progress)
		if err != nil {
			return nil, err
		}
		again, err := RatiosOf(source, results).Losses(before, loss)
		if err != nil {
			return nil, err
		}
		still = append(still, again...)
	}
	return still, nil
}
