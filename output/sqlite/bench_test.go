package sqlite

import (
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

// BenchmarkWrite compares a durable Write, encoding and all, with a bare prepared insert of the same documents into a
// table with the same key, in transactions of the same size and with the same settings. The two run one after the other,
// as the page caches of open databases take room from each other. It reports documents per second, by the clock and by
// processor time, and the ratios.
func BenchmarkWrite(b *testing.B) {
	events := make([]*ecs.Event, benchBatch)
	for i := range events {
		events[i] = &ecs.Event{}
	}
	docs := make([]string, len(events))
	bytes := 0
	theirs := meter{}
	plain := newBare(b)
	for n := range b.N {
		benchEvents(n*benchBatch, events)
		for i, ev := range events {
			docs[i] = string(ev.AppendJSON(nil))
			bytes += len(docs[i])
		}
		theirs.measure(func() { plain.write(b, events, docs) })
	}
	plain.close(b)

	ours := meter{}
	o := opened(b, filepath.Join(b.TempDir(), "trailbeat.db"))
	for n := range b.N {
		benchEvents(n*benchBatch, events)
		ours.measure(func() {
			if res, err := o.Write(b.Context(), events); err != nil || res.Stored != len(events) {
				b.Fatal(res, err)
			}
		})
	}
	written := float64(b.N * benchBatch)
	b.ReportMetric(0, "ns/op") // says nothing: both are in it
	b.ReportMetric(float64(bytes)/written, "bytes/doc")
	b.ReportMetric(written/ours.clock.Seconds(), "docs/s")
	b.ReportMetric(written/theirs.clock.Seconds(), "bare-docs/s")
	b.ReportMetric(theirs.clock.Seconds()/ours.clock.Seconds(), "ratio")
	if ours.cpu > 0 {
		b.ReportMetric(written/ours.cpu.Seconds(), "docs/cpu-s")
		b.ReportMetric(written/theirs.cpu.Seconds(), "bare-docs/cpu-s")
		b.ReportMetric(theirs.cpu.Seconds()/ours.cpu.Seconds(), "cpu-ratio")
	}
}

// meter adds up what its parts took.
type meter struct{ clock, cpu time.Duration }

func (m *meter) measure(part func()) {
	start, cpu := time.Now(), cpuTime()
	part()
	m.clock += time.Since(start)
	m.cpu += cpuTime() - cpu
}

type bare struct {
	*conn
	insert *stmt
}

func newBare(b *testing.B) *bare {
	path := filepath.Join(b.TempDir(), "bare.db")
	c, err := openConn(path, time.Second)
	require.NoError(b, err)
	require.NoError(b, c.exec("CREATE TABLE bare (stream TEXT, id TEXT, document TEXT, PRIMARY KEY (stream, id))"))
	prepared, err := c.Prepare("INSERT INTO bare VALUES (?, ?, ?)")
	require.NoError(b, err)
	args := []driver.NamedValue{{Ordinal: 1}, {Ordinal: 2}, {Ordinal: 3}}
	return &bare{conn: c, insert: &stmt{StmtExecContext: prepared.(driver.StmtExecContext), args: args}}
}

func (c *bare) close(b *testing.B) {
	require.NoError(b, c.insert.StmtExecContext.(driver.Stmt).Close())
	require.NoError(b, c.conn.close())
}

func (c *bare) write(b *testing.B, events []*ecs.Event, docs []string) {
	_, err := c.begin.run()
	for i, ev := range events {
		if err != nil {
			b.Fatal(err)
		}
		c.insert.args[0].Value, c.insert.args[1].Value, c.insert.args[2].Value = DefaultDataStream, ev.Meta.ID, docs[i]
		_, err = c.insert.run()
	}
	if err == nil {
		_, err = c.commit.run()
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
