package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

func TestMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := done{part: -1}
		total := int64(0)
		m := newMeter(func() done { return d }, func() int64 { return total })
		assert.Equal(t, "0s  0 events (0/s)", m.text())
		time.Sleep(10 * time.Second)
		d = done{events: 2000, bytes: 500_000, part: 0.25, more: []string{"3 files"}}
		total = 2_000_000
		assert.Equal(t, "████░░░░░░░░░░░░  25 %  ETA 30s  2k events (200/s)  500 kB of 2 MB (50 kB/s)  3 files", m.text())
		// The rate is that of the last seconds, also where nobody asked for a while.
		for range 100 {
			time.Sleep(time.Second)
			m.text()
		}
		assert.Contains(t, m.text(), "(0/s)")
		assert.Less(t, len(m.samples), 20)
		d.part = 1
		assert.NotContains(t, m.text(), "ETA")
	})
}

// told is an input that tells of itself.
type told struct {
	fakeInput
	report input.Report
	size   int64
	err    error
}

func (f *told) Report() input.Report                { return f.report }
func (f *told) Size(context.Context) (int64, error) { return f.size, f.err }

func TestProgressOfARun(t *testing.T) {
	counts := shipper.Snapshot{Total: shipper.Counts{Received: 100, Indexed: 45, DeadLettered: 5, InFlight: 50}}
	look := func(inputs ...*told) done {
		var sources []shipper.Source
		for _, in := range inputs {
			sources = append(sources, shipper.Source{Input: in})
		}
		p, end := newRunProgress(t.Context(), sources, func() shipper.Snapshot { return counts })
		p.asking.Wait()
		d := p.look()
		end()
		return d
	}
	file := &told{report: input.Report{Unit: input.UnitFile, Read: 1, Bytes: 300, Waiting: -1}, size: 400}
	queue := &told{report: input.Report{Unit: input.UnitMessage, Read: 7, Bytes: 100, Waiting: 9}, err: errors.New("nobody knows")}
	assert.Equal(t, done{events: 50, bytes: 300, part: 0.375, more: []string{"1 file", "50 in flight", "5 dead letters"}}, look(file))
	assert.Equal(t, done{events: 50, bytes: 400, part: -1, more: []string{"8 sources", "9 waiting", "50 in flight", "5 dead letters"}}, look(file, queue))
}

func TestQuiet(t *testing.T) {
	code, stdout, stderr := runApp(t, &world{}, configOf("records: ['"+listBuckets+"']", ""), "run", "--once", "--quiet")
	assert.Zero(t, code, stderr)
	assert.Contains(t, stdout, "received 1 = 1 indexed")
	assert.Empty(t, stderr)
}
