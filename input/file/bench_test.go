package file

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/registry"
)

func drain(b *testing.B, cfg Config, store input.Store) int {
	in, err := New(cfg, Deps{ID: "in", Store: store, Once: true})
	require.NoError(b, err)
	n := 0
	for {
		batch, err := in.Read(b.Context())
		if errors.Is(err, io.EOF) {
			require.NoError(b, in.Close())
			return n
		}
		require.NoError(b, err)
		n += len(batch.Records)
		batch.Ack(nil)
	}
}

// BenchmarkRead reads files with a registry on disk, for the first time and again.
func BenchmarkRead(b *testing.B) {
	record := `{"eventID":"x","pad":"` + strings.Repeat("some text ", 100) + `"}`
	for _, size := range []struct{ files, records int }{{1, 20000}, {2000, 10}} {
		dir := b.TempDir()
		data := pack(b, container(strings.Split(strings.Repeat(record+"\n", size.records-1)+record, "\n")))
		for i := range size.files {
			write(b, filepath.Join(dir, fmt.Sprintf("%06d.json.gz", i)), data)
		}
		total := float64(size.files * size.records)
		b.Run(fmt.Sprintf("%d files/first", size.files), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				reg, err := registry.Open(filepath.Join(b.TempDir(), registry.FileName))
				require.NoError(b, err)
				require.Equal(b, int(total), drain(b, config(dir), reg.Input("in")))
				require.NoError(b, reg.Close())
			}
			b.ReportMetric(total*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
		b.Run(fmt.Sprintf("%d files/again", size.files), func(b *testing.B) {
			reg, err := registry.Open(filepath.Join(b.TempDir(), registry.FileName))
			require.NoError(b, err)
			drain(b, config(dir), reg.Input("in"))
			for b.Loop() {
				require.Zero(b, drain(b, config(dir), reg.Input("in")))
			}
			require.NoError(b, reg.Close())
			b.ReportMetric(float64(size.files*b.N)/b.Elapsed().Seconds(), "files/s")
		})
	}
}
