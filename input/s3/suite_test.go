package s3

import (
	"fmt"
	"testing"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/inputtest"
	"github.com/trailbeat/trailbeat/internal/registry"
)

func TestContract(t *testing.T) {
	now := time.Now().UTC()
	seeders := map[string]struct {
		set func(*Config)
		key func(n, i int) string
		// late keys come before what the suite takes for the end, where it does not wait for io.EOF
		late bool
	}{
		"trail": {key: func(n, i int) string {
			return trailKey("111122223333", "eu-west-1", now.Add(time.Duration(n)*time.Minute), fmt.Sprintf("%04d", i))
		}},
		"trail, late": {late: true, key: func(n, i int) string {
			return trailKey("111122223333", "eu-west-1", now.Add(-time.Duration(n)*10*time.Minute), fmt.Sprintf("%04d", i))
		}},
		"flat":       {key: func(n, i int) string { return fmt.Sprintf("%d/%d", n, i) }},
		"flat, late": {late: true, key: func(n, i int) string { return fmt.Sprintf("%d/%d", 9-n, i) }},
		"ordered": {set: func(c *Config) { c.LexicographicalOrdering, c.LexicographicalLookbackKeys = true, 5 }, key: func(n, i int) string {
			return fmt.Sprintf("logs/%04d-%04d", n, i)
		}},
	}
	for name, s := range seeders {
		for _, once := range []bool{true, false} {
			if s.late && !once {
				continue
			}
			t.Run(fmt.Sprintf("%s/once=%v", name, once), func(t *testing.T) {
				t.Parallel()
				inputtest.Run(t, inputtest.Harness{Ends: once, New: func(t *testing.T) inputtest.Source {
					b, n := newBucket(), 0
					store := new(registry.Memory).Input("in")
					cfg := testConfig()
					cfg.BucketListInterval = time.Millisecond
					if !once {
						cfg.NumberOfWorkers = 1 // the suite wants the end to come last
					}
					if s.set != nil {
						s.set(&cfg)
					}
					var old *Input
					return inputtest.Source{
						Seed: func(records []string) {
							for i := 0; i < len(records); i += 4 {
								b.put(s.key(n, i), records[i:min(i+4, len(records))]...)
							}
							n++
						},
						Open: func() input.Input {
							if old != nil {
								old.kill()
							}
							old = testInput(t, b, cfg, store, once)
							return old
						},
					}
				}})
			})
		}
	}
}
