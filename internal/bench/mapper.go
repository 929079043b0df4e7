package bench

import (
	"bytes"
	"io"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input/records"
	"github.com/trailbeat/trailbeat/pipeline"
)

// The size of the parts that a file is mapped in, as in the command map.
const (
	partRecords = 512
	partBytes   = 256 << 10
)

// readTime is the time of reading. It stays the same, as the shipper asks the clock once per batch only.
const readTime = "2026-01-02T03:04:05.000000000Z"

// mapper is the full mapping: from the bytes of a file to the body of a bulk request, with event.original kept.
type mapper struct {
	pipeline *pipeline.Pipeline
	src      bytes.Reader
	reader   *records.Reader
	block    records.Block
	ev       ecs.Event
	body     []byte
	pool     []*ecs.Event // for outputs, which take many at once
}

func newMapper() (*mapper, error) {
	p, err := pipeline.New(pipeline.Config{PreserveOriginalEvent: true})
	if err != nil {
		return nil, err
	}
	return &mapper{pipeline: p, reader: records.NewReader(nil, records.Options{})}, nil
}

// split cuts a file into parts and calls each for every one. It gives the number of records.
func (m *mapper) split(packed []byte, each func(*records.Block) error) (int, error) {
	return m.splitBy(packed, partRecords, partBytes, each)
}

// splitBy cuts a file into parts of other sizes.
func (m *mapper) splitBy(packed []byte, maxRecords int, maxBytes int, each func(*records.Block) error) (int, error) {
	m.src.Reset(packed)
	m.reader.Reset(&m.src, records.Options{})
	n := 0
	for {
		m.block.Reset()
		end := m.reader.Fill(&m.block, maxRecords, maxBytes)
		if m.block.Len() > 0 {
			n += m.block.Len()
			if err := each(&m.block); err != nil {
				return n, err
			}
		}
		if end == io.EOF { //nolint:errorlint // Fill promises just this
			return n, nil
		}
		if end != nil {
			return n, end
		}
	}
}

// file maps a file and gives the number of records. flush gets each body, which is valid until it returns.
func (m *mapper) file(packed []byte, flush func([]byte)) (int, error) {
	return m.split(packed, func(b *records.Block) error {
		m.body = m.body[:0]
		for i := range b.Len() {
			m.ev.Reset()
			m.ev.Timestamp = readTime
			if err := m.pipeline.Process(b.At(i).Raw, &m.ev); err != nil {
				return err
			}
			m.body = appendBulk(m.body, &m.ev)
		}
		flush(m.body)
		return nil
	})
}

// appendBulk appends the action and the document of ev.
func appendBulk(b []byte, ev *ecs.Event) []byte {
	b = append(b, `{"create":{"_index":"`+index+`","_id":`...)
	b = ecs.AppendString(b, ev.Meta.ID)
	b = append(b, "}}\n"...)
	b = ev.AppendJSON(b)
	return append(b, '\n')
}
