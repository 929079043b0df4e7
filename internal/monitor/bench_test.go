package monitor_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/monitor"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/pipeline"
)

// records are those of the test cases that are records.
func records(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("../../testdata/cloudtrail/*/input.json")
	require.NoError(t, err)
	var all [][]byte
	for _, name := range files {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		var line bytes.Buffer
		if json.Compact(&line, raw) == nil && bytes.Contains(line.Bytes(), []byte(`"eventTime"`)) {
			all = append(all, line.Bytes())
		}
	}
	require.Greater(t, len(all), 100)
	return all
}

// cpuTime is that of the process: other work on the machine must not count.
func cpuTime() time.Duration {
	user, system := monitor.CPUTime()
	return user + system
}

// mappingTime is how many nanoseconds it takes to map and to encode one record.
func mappingTime(p *pipeline.Pipeline, raws [][]byte) float64 {
	var ev ecs.Event
	var body []byte
	const n = 50_000
	var took time.Duration
	for range 2 { // the first round fills the caches
		start := cpuTime()
		for i := range n {
			ev.Reset()
			_ = p.Process(raws[i%len(raws)], &ev)
			body = ev.AppendJSON(body[:0])
		}
		took = cpuTime() - start
	}
	return float64(took.Nanoseconds()) / n
}

// BenchmarkWritten compares what the monitor costs with the mapping and the encoding of the same documents. Every record of the test
// cases is unlike its neighbour, which is the worst that can be done to the monitor.
func BenchmarkWritten(b *testing.B) {
	raws := records(b)
	p, err := pipeline.New(pipeline.Config{})
	require.NoError(b, err)
	events := make([]*ecs.Event, 2048)
	mapOne := mappingTime(p, raws)
	for i := range events {
		events[i] = new(ecs.Event)
		require.NoError(b, p.Process(raws[i%len(raws)], events[i]))
		events[i].Meta.Dated = true
	}
	for _, n := range []int{10, 100, 2048} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := monitor.New(monitor.Options{Program: api.Program{Details: true}})
			src := &shipper.Source{ID: "one"}
			b.ReportAllocs()
			start := cpuTime()
			for i := 0; i < b.N; i += n {
				m.Written(src, events[:n], output.Result{Stored: n}, nil)
			}
			watched := cpuTime() - start
			perEvent := float64(watched.Nanoseconds()) / float64(b.N)
			b.ReportMetric(perEvent, "ns/event")
			b.ReportMetric(100*perEvent/mapOne, "%-of-mapping")
		})
	}
}
