package sizing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input/records"
)

// File is a log file in memory, as it came: plain or gzip.
type File struct {
	Name string
	Data []byte
}

// Processor maps a record, as pipeline.Pipeline does.
type Processor interface {
	Process(raw []byte, ev *ecs.Event) error
}

// Options say what is measured.
type Options struct {
	// Processor maps the records. A record that it drops (an error) is counted as dropped. Must not be nil.
	Processor Processor
	// Tags that each event starts with. Default, with nil: those of the Processor.
	Tags []string
	// Time is how much processor time is spent at least. Zero means that each stage runs three times.
	Time time.Duration
}

// Stage is a step from file to request.
type Stage struct {
	Name string `json:"name"`
	// Microseconds of processor time that it adds to a record.
	Microseconds float64 `json:"cpu_us_per_record"`
	// Share of the sum of all stages, 0 to 1.
	Share float64 `json:"share"`
}

// Result is what was measured.
type Result struct {
	Files   int `json:"files"`
	Records int `json:"records"`
	// Dropped records of these were taken by filters.
	Dropped int `json:"dropped"`
	// Bytes of all files, as they came, unpacked, as bodies of bulk requests, and these compressed with gzip level 1.
	PackedBytes   int64 `json:"packed_bytes"`
	UnpackedBytes int64 `json:"unpacked_bytes"`
	BodyBytes     int64 `json:"body_bytes"`
	SentBytes     int64 `json:"sent_bytes"`
	// Requests is how many bulk requests the files make, each file for itself, with the output's defaults.
	Requests int     `json:"requests"`
	Stages   []Stage `json:"stages"`
	// Microseconds of processor time for one record, all stages together, and without compression.
	Microseconds      float64 `json:"cpu_us_per_record"`
	MicrosecondsPlain float64 `json:"cpu_us_per_record_uncompressed"`
	// Allocations of a record in steady state, all stages together.
	Allocations float64 `json:"allocations_per_record"`
	// Turns is how often each stage was run, Spread how far the quickest and the slowest whole run lay apart, 0 for not at all.
	Turns  int     `json:"turns"`
	Spread float64 `json:"spread"`
}

// RecordsPerSecond is what one core does, and MegabytesPerSecond the same in unpacked bytes.
func (r *Result) RecordsPerSecond() float64 { return 1e6 / r.Microseconds }

// MegabytesPerSecond is of unpacked bytes, by core.
func (r *Result) MegabytesPerSecond() float64 {
	return r.RecordsPerSecond() * float64(r.UnpackedBytes) / float64(r.Records) / 1e6
}

// ErrNoRecords says that there is nothing to measure.
var ErrNoRecords = errors.New("the files hold no records")

// The names of the stages, in their order.
var stageNames = [...]string{"unpack", "split", "map", "encode", "compress"}

const (
	leastTurns = 3
	mostTurns  = 1000
)

// Measure runs the stages over all files. An error names the file that cannot be read.
func Measure(ctx context.Context, files []File, opts Options) (*Result, error) {
	m := &machine{opts: opts, reader: records.NewReader(nil, records.Options{})}
	m.packer, _ = gzip.NewWriterLevel(&m.packed, gzip.BestSpeed) // the level exists
	out := &Result{Files: len(files)}
	// Once for the counts; and so that what happens only once (rules, caches, buffers) is not measured.
	m.result = out
	for i := range files {
		out.PackedBytes += int64(len(files[i].Data))
		if err := m.file(&files[i], len(stageNames)-1); err != nil {
			return nil, fmt.Errorf("reading %q: %w", files[i].Name, err)
		}
	}
	m.result = nil
	if out.Records == 0 {
		return nil, ErrNoRecords
	}
	var costs [len(stageNames)][]float64 // seconds of all stages up to this one
	allocations := 0.0
	for start := cpuTime(); out.Turns < leastTurns || cpuTime()-start < opts.Time && out.Turns < mostTurns; out.Turns++ {
		for last := range stageNames {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			used, allocated, err := m.run(files, last)
			if err != nil {
				return nil, err
			}
			costs[last] = append(costs[last], used.Seconds())
			allocations = allocated / float64(out.Records)
		}
	}
	out.Allocations = allocations
	out.sum(costs)
	return out, nil
}

func (r *Result) sum(costs [len(stageNames)][]float64) {
	before := 0.0
	for i, name := range stageNames {
		slices.Sort(costs[i])
		all := max(before, costs[i][len(costs[i])/2]*1e6/float64(r.Records)) // a stage that is lost in the noise costs nothing
		r.Stages = append(r.Stages, Stage{Name: name, Microseconds: all - before})
		before = all
	}
	r.Microseconds = before
	r.MicrosecondsPlain = before - r.Stages[len(r.Stages)-1].Microseconds
	for i := range r.Stages {
		r.Stages[i].Share = r.Stages[i].Microseconds / max(before, 1e-9)
	}
	last := costs[len(costs)-1]
	r.Spread = (last[len(last)-1] - last[0]) / last[len(last)/2]
}

// The size of the parts that are mapped at once.
const (
	partRecords = 512
	partBytes   = 256 << 10
)

// The defaults of output.elasticsearch.
const (
	requestRecords = 1600
	requestBytes   = 5 << 20
)

// machine does the work with buffers that it uses again.
type machine struct {
	opts    Options
	reader  *records.Reader
	src     bytes.Reader
	unpack  gzip.Reader
	block   records.Block
	ev      ecs.Event
	body    []byte
	buf     [64 << 10]byte
	packed  bytes.Buffer
	packer  *gzip.Writer
	result  *Result // counts go here where it is not nil
	waiting int     // documents in body
}

// run works through all files up to a stage, and gives processor time and allocations.
func (m *machine) run(files []File, last int) (time.Duration, float64, error) {
	var before, after runtime.MemStats
	runtime.GC() // the garbage of the run before is not this one's
	runtime.ReadMemStats(&before)
	start := cpuTime()
	for i := range files {
		if err := m.file(&files[i], last); err != nil {
			return 0, 0, fmt.Errorf("reading %q: %w", files[i].Name, err)
		}
	}
	used := cpuTime() - start
	runtime.ReadMemStats(&after)
	return used, float64(after.Mallocs - before.Mallocs), nil
}

func (m *machine) file(f *File, last int) error {
	m.src.Reset(f.Data)
	if last == 0 {
		return m.unpacked(f)
	}
	m.reader.Reset(&m.src, records.Options{Name: f.Name})
	for {
		m.block.Reset()
		err := m.reader.Fill(&m.block, partRecords, partBytes)
		if m.result != nil {
			m.result.Records += m.block.Len()
			m.result.UnpackedBytes += int64(m.block.Bytes())
		}
		if last > 1 {
			m.part(last)
		}
		switch {
		case errors.Is(err, io.EOF):
			m.flush(last)
			return nil
		case err != nil:
			m.body, m.waiting = m.body[:0], 0
			return err
		}
	}
}

// unpacked reads a file and does nothing with it.
func (m *machine) unpacked(f *File) error {
	if !bytes.HasPrefix(f.Data, []byte{0x1f, 0x8b}) {
		return nil
	}
	if err := m.unpack.Reset(&m.src); err != nil {
		return err
	}
	for {
		if _, err := m.unpack.Read(m.buf[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// readTime stands for the time of reading, which a shipper asks for once in a batch.
const readTime = "2026-01-02T03:04:05.000000000Z"

func (m *machine) part(last int) {
	for i := range m.block.Len() {
		m.ev.Reset()
		m.ev.Timestamp = readTime
		m.ev.Tags = append(m.ev.Tags[:0], m.opts.Tags...)
		if err := m.opts.Processor.Process(m.block.At(i).Raw, &m.ev); err != nil {
			if m.result != nil {
				m.result.Dropped++
			}
			continue
		}
		if last < 3 {
			continue
		}
		m.body = append(m.body, `{"create":{"_id":`...)
		m.body = ecs.AppendString(m.body, m.ev.Meta.ID)
		m.body = append(m.body, "}}\n"...)
		m.body = m.ev.AppendJSON(m.body)
		m.body = append(m.body, '\n')
		if m.waiting++; m.waiting >= requestRecords || len(m.body) >= requestBytes {
			m.flush(last)
		}
	}
}

// flush ends a request.
func (m *machine) flush(last int) {
	if m.waiting > 0 && last > 3 {
		m.packed.Reset()
		m.packer.Reset(&m.packed)
		_, _ = m.packer.Write(m.body) // a buffer takes everything
		_ = m.packer.Close()
	}
	if m.result != nil && m.waiting > 0 {
		m.result.Requests++
		m.result.BodyBytes += int64(len(m.body))
		m.result.SentBytes += int64(m.packed.Len())
	}
	m.body, m.waiting = m.body[:0], 0
}
