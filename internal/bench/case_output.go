package bench

import (
	"bytes"
	"context"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input/records"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/sqlite"
)

func outputCases(_ *closers, dir string) ([]Case, error) {
	packing, err := newMapper()
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	storing, err := newMapper()
	if err != nil {
		return nil, err
	}
	return []Case{
		{Group: groupOutput, Name: "bulk body, gzip level 1", Key: "full-gzip", Run: perFile(func(f *File, out *int) (int, error) {
			return packing.file(f.Packed, func(b []byte) {
				packed.Reset()
				z.Reset(&packed)
				_, _ = z.Write(b) // a buffer takes everything
				_ = z.Close()
				*out += packed.Len()
			})
		})},
		{Group: groupOutput, Name: "SQLite, durable per batch of 1000", Key: "full-sqlite", Run: func(c *Corpus) (int, error) { return store(storing, c, dir) }},
	}, nil
}

// store maps a corpus into a new database.
func store(m *mapper, c *Corpus, dir string) (out int, err error) {
	dir, err = os.MkdirTemp(dir, "sqlite")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	conf := sqlite.DefaultConfig()
	conf.Path = filepath.Join(dir, "bench.db")
	db, err := sqlite.New(conf, nil)
	if err != nil {
		return 0, err
	}
	_, err = perFile(func(f *File, _ *int) (int, error) { return m.into(db, f.Packed) })(c)
	if closed := db.Close(); err == nil {
		err = closed
	}
	if info, statErr := os.Stat(conf.Path); statErr == nil {
		out = int(info.Size())
	}
	return out, err
}

// The size of a Write, as in the shipper.
const (
	batchRecords = 1000
	batchBytes   = 4 << 20
)

// into maps a file and writes it to an output, one Write for each batch.
func (m *mapper) into(to output.Output, packed []byte) (int, error) {
	return m.splitBy(packed, batchRecords, batchBytes, func(b *records.Block) error {
		for len(m.pool) < b.Len() {
			m.pool = append(m.pool, new(ecs.Event))
		}
		for i, ev := range m.pool[:b.Len()] {
			ev.Reset()
			ev.Timestamp = readTime
			if err := m.pipeline.Process(b.At(i).Raw, ev); err != nil {
				return err
			}
		}
		_, err := to.Write(context.Background(), m.pool[:b.Len()])
		return err
	})
}
