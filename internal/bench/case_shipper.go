package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/file"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/elasticsearch"
	"github.com/trailbeat/trailbeat/pipeline"
)

func shipperCases(c *closers, _ string) ([]Case, error) {
	p, err := pipeline.New(pipeline.Config{PreserveOriginalEvent: true})
	if err != nil {
		return nil, err
	}
	sink, err := newSink()
	if err != nil {
		return nil, err
	}
	c.add(sink.close)
	return []Case{
		{Group: groupShipper, Name: "encoded and thrown away", Key: "ship-discard", Copies: true, Run: func(c *Corpus) (int, error) {
			to := &discard{}
			err := ship(c, p, to)
			return int(to.bytes.Load()), err
		}},
		{Group: groupShipper, Name: "to an HTTP server in this process, plain", Key: "ship-http", Copies: true, Run: func(c *Corpus) (int, error) { return sink.ship(c, p, 0) }},
		{Group: groupShipper, Name: "to an HTTP server in this process, gzip level 1", Key: "ship-http-gzip", Copies: true, Run: func(c *Corpus) (int, error) { return sink.ship(c, p, 1) }},
	}, nil
}

// ship runs a whole shipper over the files of a corpus.
func ship(c *Corpus, p *pipeline.Pipeline, to output.Output) error {
	conf := file.DefaultConfig()
	conf.Paths = []string{filepath.Join(filepath.Dir(filepath.Dir(c.Files[0].Name)), "*", "*.json.gz")}
	in, err := file.New(conf, file.Deps{ID: "bench", Store: new(input.MemoryStore), Once: true})
	if err != nil {
		return err
	}
	stream := shipper.DataStream{Type: "logs", Dataset: "aws.cloudtrail", Namespace: "default"}
	s, err := shipper.New(shipper.Options{
		Sources:     []shipper.Source{{ID: "bench", Type: file.Type, Input: in, DataStream: stream}},
		Processor:   p,
		Output:      to,
		DeadLetters: noLetters{},
		Agent:       shipper.Agent{ID: "11111111-2222-4333-a444-555555555555", EphemeralID: "66666666-7777-4888-a999-000000000000", Name: "bench", Version: "0.0.0"},
		Config:      shipper.DefaultConfig(),
	})
	if err != nil {
		return err
	}
	if err := s.Run(context.Background()); err != nil {
		return err
	}
	if n := s.Accounting().Snapshot().Total.Indexed; n != int64(c.Copies()*c.Records) {
		return fmt.Errorf("%d documents came out of %d records", n, c.Copies()*c.Records)
	}
	return nil
}

// discard encodes the documents, as every output must, and answers at once.
type discard struct {
	bodies sync.Pool
	bytes  atomic.Int64
}

func (d *discard) Write(_ context.Context, events []*ecs.Event) (output.Result, error) {
	b, _ := d.bodies.Get().(*[]byte)
	if b == nil {
		b = new([]byte)
	}
	*b = (*b)[:0]
	for _, ev := range events {
		*b = appendBulk(*b, ev)
	}
	d.bytes.Add(int64(len(*b)))
	d.bodies.Put(b)
	return output.Result{Stored: len(events)}, nil
}

func (d *discard) Close() error { return nil }

// noLetters fails: no record of a corpus may end there.
type noLetters struct{}

func (noLetters) Write(_ context.Context, letters []shipper.Letter) error {
	return &output.FatalError{Err: errors.New("a record became a dead letter: " + letters[0].Reason)}
}

// ship ships a corpus into the sink.
func (s *sink) ship(c *Corpus, p *pipeline.Pipeline, level int) (int, error) {
	conf := elasticsearch.DefaultConfig()
	conf.Hosts = []string{"http://" + s.addr}
	conf.ProxyDisable = true
	conf.CompressionLevel = level
	// One request for each Write, of which the sink learns how many documents it has without looking into it.
	conf.BulkMaxSize, conf.BulkMaxBytes = 0, 0
	conf.DeduplicateAcrossRollover = elasticsearch.DeduplicateOff
	es, err := elasticsearch.New(conf, elasticsearch.Options{Wrap: countDocuments})
	if err != nil {
		return 0, err
	}
	before := s.received.Load()
	err = ship(c, p, counted{es})
	return int(s.received.Load() - before), err
}
