//go:build compare

package elasticsearch

import (
	"bytes"
	"context"
	"testing"

	es "github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
	"github.com/stretchr/testify/require"
)

// BenchmarkBulkIndexer is the same as BenchmarkWrite/plain with the client's own bulk indexer, one worker, the documents
// encoded in the same way. It has a build tag because the client's main package takes minutes to compile:
//
//	go test -tags compare -run NONE -bench 'Write|BulkIndexer' ./output/elasticsearch
func BenchmarkBulkIndexer(b *testing.B) {
	client, err := es.NewClient(es.Config{Addresses: []string{"http://sink"}, Transport: newSink(), DisableRetry: true})
	require.NoError(b, err)
	events := benchEvents()
	b.ReportAllocs()
	done := 0
	for b.Loop() {
		indexer, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{
			Client: client, NumWorkers: 1, Index: "logs-aws.cloudtrail-default",
			FilterPath: []string{"errors", "items.*.status", "items.*.error"},
		})
		require.NoError(b, err)
		for _, ev := range events {
			doc := ev.AppendJSON(make([]byte, 0, 4096))
			if err := indexer.Add(context.Background(), esutil.BulkIndexerItem{Action: "create", DocumentID: ev.Meta.ID, Body: bytes.NewReader(doc)}); err != nil {
				b.Fatal(err)
			}
		}
		require.NoError(b, indexer.Close(context.Background()))
		stats := indexer.Stats()
		if stats.NumFailed > 0 {
			b.Fatal(stats)
		}
		done += int(stats.NumAdded)
	}
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "docs/s")
}
