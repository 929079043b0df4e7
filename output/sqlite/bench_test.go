package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

// benchBatch is the number of documents of one Write, and so of one flush.
const benchBatch = 1000

// benchEvents makes events whose documents are as large as those of common records, about 2.2 KB, with an _id that is
// spread like a hash.
func benchEvents(n0 int, events []*ecs.Event) {
	for i, ev := range events {
		ev.Reset()
		n := n0 + i
		outputtest.FillEvent(ev, n)
		ev.Meta.ID = fmt.Sprintf("%016x%08x", uint64(n+1)*0x9E3779B97F4A7C15, n)
		ev.UserAgent.Original = "aws-cli/2.17.60 md/awscrt#0.21.2 ua/2.0 os/macos#23.6.0 md/arch#x86_64 lang/python#3.12.6 cfg/retry-mode#standard"
		ev.AWS.CloudTrail.RequestParameters = fmt.Sprintf("{bucketName=bucket-%d, %s}", n, strings.Repeat("key=value, ", 70))
		ev.AWS.CloudTrail.Flattened.RequestParameters = append(ev.AWS.CloudTrail.Flattened.RequestParameters[:0],
			fmt.Sprintf(`{"bucketName":"bucket-%d","list":[%s0]}`, n, strings.Repeat("12345,", 75))...)
	}
}

// benchBatches is the number of Writes into one database, which has 60,000 documents at the end.
const benchBatches = 60

// BenchmarkWrite compares a durable Write, encoding and all, with a bare prepared insert of the same documents into a
// table with the same key, in transactions of the same size and with the same settings. Each round fills a new database of either
// kind. It reports the medians of all rounds: documents per second of processor time, and the ratio.
//
//	go test ./output/sqlite -run '^$' -bench 'Write$' -benchtime 7x
func BenchmarkWrite(b *testing.B) {
	events := make([]*ecs.Event, benchBatch)
	for i := range events {
		events[i] = &ecs.Event{}
	}
	docs := make([]string, len(events))
	var bytes int
	var ours, theirs, clocks, ratios []float64
	const written = benchBatches * benchBatch
	for range b.N {
		bare := meter{}
		plain := newBare(b)
		for n := range benchBatches {
			benchEvents(n*benchBatch, events)
			for i, ev := range events {
				docs[i] = string(ev.AppendJSON(nil))
				bytes += len(docs[i])
			}
			bare.measure(func() { plain.write(b, events, docs) })
		}
		plain.close(b)

		mine := meter{}
		o := open(b, filepath.Join(b.TempDir(), "trailbeat.db"))
		for n := range benchBatches {
			benchEvents(n*benchBatch, events)
			mine.measure(func() {
				if res, err := o.Write(b.Context(), events); err != nil || res.Stored != len(events) {
					b.Fatal(res, err)
				}
			})
		}
		require.NoError(b, o.Close())
		clocks = append(clocks, bare.clock.Seconds()/mine.clock.Seconds())
		if mine.cpu > 0 {
			ours, theirs = append(ours, written/mine.cpu.Seconds()), append(theirs, written/bare.cpu.Seconds())
			ratios = append(ratios, bare.cpu.Seconds()/mine.cpu.Seconds())
		}
	}
	b.ReportMetric(0, "ns/op") // says nothing: both are in it
	b.ReportMetric(float64(bytes)/float64(b.N*written), "bytes/doc")
	b.ReportMetric(median(clocks), "clock-ratio")
	if len(ratios) > 0 {
		b.ReportMetric(median(ours), "docs/cpu-s")
		b.ReportMetric(median(theirs), "bare-docs/cpu-s")
		b.ReportMetric(median(ratios), "cpu-ratio")
		b.ReportMetric(slices.Min(ratios), "least-cpu-ratio")
		b.ReportMetric(slices.Max(ratios), "best-cpu-ratio")
	}
}

func median(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }

// meter adds up what its parts took.
type meter struct{ clock, cpu time.Duration }

func (m *meter) measure(part func()) {
	start, cpu := time.Now(), cpuTime()
	part()
	m.clock += time.Since(start)
	m.cpu += cpuTime() - cpu
}

// bare is what one writes without Trailbeat: one table, one prepared statement, and the driver as it is, without the pool of
// database/sql, which would cost it a third more. The settings that make a commit durable are the same.
type bare struct {
	driver.Conn
	begin, commit, insert driver.StmtExecContext
	args                  []driver.NamedValue
}

func newBare(b *testing.B) *bare {
	path := filepath.Join(b.TempDir(), "bare.db")
	conn, err := (&sqlite.Driver{}).Open(dsn(path))
	require.NoError(b, err)
	for _, query := range append(pragmas(time.Second), "CREATE TABLE bare (stream TEXT, id TEXT, document TEXT, PRIMARY KEY (stream, id))") {
		_, err := conn.(driver.ExecerContext).ExecContext(b.Context(), query, nil)
		require.NoError(b, err)
	}
	prepare := func(query string) driver.StmtExecContext {
		s, err := conn.Prepare(query)
		require.NoError(b, err)
		return s.(driver.StmtExecContext)
	}
	return &bare{conn, prepare("BEGIN IMMEDIATE"), prepare("COMMIT"), prepare("INSERT INTO bare VALUES (?, ?, ?)"),
		[]driver.NamedValue{{Ordinal: 1}, {Ordinal: 2}, {Ordinal: 3}}}
}

func (c *bare) close(b *testing.B) {
	for _, s := range []driver.StmtExecContext{c.begin, c.commit, c.insert} {
		require.NoError(b, s.(driver.Stmt).Close())
	}
	require.NoError(b, c.Close())
}

func (c *bare) write(b *testing.B, events []*ecs.Event, docs []string) {
	ctx := context.Background()
	_, err := c.begin.ExecContext(ctx, nil)
	for i, ev := range events {
		if err != nil {
			b.Fatal(err)
		}
		c.args[0].Value, c.args[1].Value, c.args[2].Value = DefaultDataStream, ev.Meta.ID, docs[i]
		_, err = c.insert.ExecContext(ctx, c.args)
	}
	if err == nil {
		_, err = c.commit.ExecContext(ctx, nil)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkDuplicates is a batch that came again.
func BenchmarkDuplicates(b *testing.B) {
	o := opened(b, filepath.Join(b.TempDir(), "trailbeat.db"))
	events := make([]*ecs.Event, benchBatch)
	for i := range events {
		events[i] = &ecs.Event{}
	}
	benchEvents(0, events)
	_, err := o.Write(b.Context(), events)
	require.NoError(b, err)
	for b.Loop() {
		if res, err := o.Write(b.Context(), events); err != nil || res.Duplicate != len(events) {
			b.Fatal(res, err)
		}
	}
	b.ReportMetric(float64(b.N*len(events))/b.Elapsed().Seconds(), "docs/s")
}
