package records

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
)

// realRecords gives one container of the real records; where they are not there, of made ones.
func realRecords(tb testing.TB) []byte {
	tb.Helper()
	root := os.Getenv("TRAILBEAT_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	files, err := filepath.Glob(filepath.Join(root, "real", "cloudtrail", "*.json"))
	require.NoError(tb, err)
	var data bytes.Buffer
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(tb, err)
		data.Write(b)
	}
	if len(files) == 0 {
		data.WriteString(`{"Records":[` + strings.Repeat(madeRecord+",", 2900) + madeRecord + `]}`)
	}
	return data.Bytes()
}

const madeRecord = `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDA000000000000EXAMPLE","arn":"arn:aws:iam::111122223333:user/alice","accountId":"111122223333","accessKeyId":"ASIA00000000000EXAMPLE","userName":"alice","sessionContext":{"sessionIssuer":{},"webIdFederationData":{},"attributes":{"creationDate":"2023-07-10T11:42:36Z","mfaAuthenticated":"true"}}},"eventTime":"2023-07-10T11:42:50Z","eventSource":"iam.amazonaws.com","eventName":"ListGroups","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.7","userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 \"x\"","requestParameters":{"maxItems":1000,"roles":["a","b"]},"responseElements":null,"readOnly":true,"managementEvent":true,"recipientAccountId":"111122223333"}`

func BenchmarkGunzipAlone(b *testing.B) {
	data := realRecords(b)
	packed := pack(b, string(data))
	z := new(gzip.Reader)
	src := bytes.NewReader(packed)
	buf := make([]byte, chunk)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(packed)
		_ = z.Reset(src)
		for {
			if _, err := z.Read(buf); err != nil {
				break
			}
		}
	}
}

func benchmarkFill(b *testing.B, data []byte, size int, opts Options) {
	r := NewReader(bytes.NewReader(nil), opts)
	src := bytes.NewReader(data)
	var pool Pool
	var total int64
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(data)
		r.Reset(src, opts)
		for {
			block := pool.Get()
			err := r.Fill(block, 1000, 4<<20)
			total += int64(block.Len())
			pool.Put(block)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkFill(b *testing.B) {
	data := realRecords(b)
	b.Run("gzip", func(b *testing.B) { benchmarkFill(b, pack(b, string(data)), len(data), Options{}) })
	b.Run("plain", func(b *testing.B) { benchmarkFill(b, data, len(data), Options{}) })
	var lines bytes.Buffer
	recs, _, _ := collect(bytes.NewReader(data), Options{})
	for _, r := range recs {
		lines.Write(r.Raw)
		lines.WriteByte('\n')
	}
	b.Run("lines", func(b *testing.B) { benchmarkFill(b, lines.Bytes(), lines.Len(), Options{Format: FormatLines}) })
}

func BenchmarkNext(b *testing.B) {
	data := realRecords(b)
	r := NewReader(nil, Options{})
	src := bytes.NewReader(data)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(data)
		r.Reset(src, Options{})
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
}

// repeat is an endless middle between a head and a tail, made while it is read.
type repeat struct {
	head, middle, tail string
	times              int
	at                 string
	stage              int
}

func (r *repeat) Read(p []byte) (int, error) {
	for r.at == "" {
		switch {
		case r.stage == 0:
			r.at = r.head
			r.stage++
		case r.stage <= r.times:
			r.at = r.middle
			r.stage++
		case r.stage == r.times+1:
			r.at = r.tail
			r.stage++
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, r.at)
	r.at = r.at[n:]
	return n, nil
}

// 300 MB go through in the memory of a small file.
func TestBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 300 MB: run it without -short")
	}
	middle := strings.Repeat(madeRecord+",", 50)
	times := 300_000_000 / len(middle)
	src := &repeat{head: `{"Records":[`, middle: middle, tail: "{}]}", times: times}
	r := NewReader(src, Options{})
	var block Block
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n := 0
	for {
		block.Reset()
		err := r.Fill(&block, 1000, 4<<20)
		if n += block.Len(); err != nil {
			require.Equal(t, io.EOF, err)
			break
		}
	}
	runtime.ReadMemStats(&after)
	require.Equal(t, times*50+1, n)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), "bytes allocated in all")
	require.Less(t, after.Mallocs-before.Mallocs, uint64(1000), "allocations in all")
}
