package cloudwatch

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/inputtest"
	"github.com/trailbeat/trailbeat/internal/registry"
)

func TestContract(t *testing.T) {
	for _, once := range []bool{true, false} {
		for _, pages := range []int{10_000, 10} {
			t.Run(fmt.Sprintf("once=%v/%d events a page", once, pages), func(t *testing.T) {
				t.Parallel()
				inputtest.Run(t, inputtest.Harness{Ends: once, New: func(t *testing.T) inputtest.Source {
					s := newService(1)
					s.pageEvents = pages
					s.create("trail")
					store := new(registry.Memory).Input("in")
					cfg := DefaultConfig()
					cfg.LogGroupName, cfg.RegionName = "trail", "eu-west-1"
					cfg.BatchMaxRecords, cfg.MaxBatchesInFlight = 7, 20
					cfg.ScanFrequency, cfg.APISleep = 2*time.Millisecond, 0
					cfg.WindowMaxPages = 2
					return inputtest.Source{
						Seed: func(records []string) {
							for i, r := range records {
								s.put("trail", fmt.Sprint("stream-", i%2), r, time.Now().Add(-time.Duration(len(records)-i)*time.Second), 0)
							}
						},
						Open: func() input.Input {
							in, err := New(cfg, Deps{ID: "in", Store: store, Once: once, API: s})
							require.NoError(t, err)
							return in
						},
					}
				}})
			})
		}
	}
}
