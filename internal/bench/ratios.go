package bench

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

// Ratios are recorded results: how fast each case is, 1 being the limit, by corpus and key.
type Ratios struct {
	// Source of the records: ratios of other records cannot be compared.
	Source string `json:"source"`
	// OfLimit is Result.OfLimit by the corpus' label and the key of the case.
	OfLimit map[string]map[string]float64 `json:"of_limit"`
}

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

// ReadRatios reads recorded ratios.
func ReadRatios(name string) (Ratios, error) {
	var r Ratios
	data, err := os.ReadFile(name)
	if err != nil {
		return r, fmt.Errorf("reading recorded ratios: %w; make them with -record", err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("reading recorded ratios in %q: %w", name, err)
	}
	return r, nil
}

// Write records r.
func (r Ratios) Write(name string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding ratios: %w", err)
	}
	return os.WriteFile(name, append(data, '\n'), 0o644)
}

// Losses compares r with what was recorded before, and names each case that lost more than the share loss of its speed.
// A case that one of them lacks is not compared. Nor is the limit, which is 1 by definition, nor naive, which is none of
// our work; nor the stages, whose sum counts in the full mapping.
func (r Ratios) Losses(recorded Ratios, loss float64) ([]string, error) {
	if r.Source != recorded.Source {
		return nil, fmt.Errorf("comparing ratios: the recorded ones are of other records (%s) than these (%s)", recorded.Source, r.Source)
	}
	var lost []string
	compared := 0
	for label, cases := range r.OfLimit {
		for key, now := range cases {
			then, ok := recorded.OfLimit[label][key]
			if !ok || key == KeyLimit || key == KeyNaive || key == "agents" || strings.HasPrefix(key, "stage-") {
				continue
			}
			compared++
			if now < then*(1-loss) {
				lost = append(lost, fmt.Sprintf("%s on %s: %.3f of the limit, recorded %.3f (%+.0f %%)",
					key, label, now, then, 100*(now/then-1)))
			}
		}
	}
	if compared == 0 {
		return nil, fmt.Errorf("comparing ratios: no corpus of these is among the recorded ones")
	}
	slices.Sort(lost)
	return lost, nil
}
