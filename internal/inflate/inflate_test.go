package inflate

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// reference is what the standard library makes of packed.
func reference(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func unpacked(r *Reader, src io.Reader) ([]byte, error) {
	r.Reset(src)
	return io.ReadAll(r)
}

func packed(t testing.TB, level int, text []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, level)
	require.NoError(t, err)
	z.Name, z.Extra = "name", bytes.Repeat([]byte("extra"), len(text)%3)
	_, err = z.Write(text)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

// texts are of all kinds: nothing, what repeats near and far, what does not repeat, more than the window.
func texts() [][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	mixed := []byte(strings.Repeat(`{"eventVersion":"1.08"},`, 3))
	for len(mixed) < 1_000_000 {
		far := 1 + rng.IntN(min(len(mixed), 40_000))
		if rng.IntN(3) == 0 {
			far = 1 + rng.IntN(20)
		}
		for range rng.IntN(300) {
			mixed = append(mixed, mixed[len(mixed)-far])
		}
		mixed = append(mixed, noise[rng.IntN(1000):][:rng.IntN(30)]...)
	}
	skewed := make([]byte, 0, 200_000) // codes of all lengths
	for len(skewed) < cap(skewed) {
		skewed = append(skewed, byte(min(rng.ExpFloat64()*12, 255)))
	}
	return [][]byte{nil, []byte("a"), bytes.Repeat([]byte("a"), 100_000), bytes.Repeat([]byte("abcdefghijk"), 30_000), noise, mixed, skewed}
}

func TestUnpacksWhatTheStandardLibraryPacks(t *testing.T) {
	var r Reader
	for _, text := range texts() {
		for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
			p := packed(t, level, text)
			got, err := unpacked(&r, bytes.NewReader(p))
			require.NoError(t, err)
			require.True(t, bytes.Equal(text, got), "level %d, %d bytes", level, len(text))
		}
	}
	var all, want []byte
	for i, text := range texts() {
		all, want = append(all, packed(t, i+1, text)...), append(want, text...)
	}
	got, err := unpacked(&r, iotest.HalfReader(bytes.NewReader(all)))
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got), "several members")
	p := packed(t, 6, texts()[6][:20_000])
	got, err = unpacked(&r, iotest.OneByteReader(bytes.NewReader(p)))
	require.NoError(t, err)
	require.True(t, bytes.Equal(texts()[6][:20_000], got), "byte by byte")
}

func TestGivesOutWhatItHasBeforeItWaits(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	go func() {
		z := gzip.NewWriter(out)
		_, _ = z.Write([]byte("first"))
		_ = z.Flush() // and no more for now
	}()
	var r Reader
	r.Reset(in)
	var got [5]byte
	_, err := io.ReadFull(&r, got[:])
	require.NoError(t, err)
	require.Equal(t, "first", string(got[:]))
}

func TestFaults(t *testing.T) {
	var r Reader
	text := texts()[6][:5000]
	whole := packed(t, 6, text)
	for n := 1; n < len(whole); n++ { // wherever it ends
		got, err := unpacked(&r, bytes.NewReader(whole[:n]))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, n)
		require.True(t, bytes.HasPrefix(text, got))
	}
	_, err := unpacked(&r, bytes.NewReader(append(bytes.Clone(whole), make([]byte, 12)...)))
	require.Error(t, err, "zeros behind it")
	broken := bytes.Clone(whole)
	broken[len(broken)-6]++
	got, err := unpacked(&r, bytes.NewReader(broken))
	require.Error(t, err, "checksum")
	require.Equal(t, text, got)
	gone := errors.New("gone")
	_, err = unpacked(&r, io.MultiReader(bytes.NewReader(whole[:100]), iotest.ErrReader(gone)))
	require.ErrorIs(t, err, gone)
}

func FuzzAgainstTheStandardLibrary(f *testing.F) {
	for i, text := range texts() {
		f.Add(packed(f, i+1, text[:min(len(text), 2000)]), uint16(0), byte(0))
	}
	f.Add([]byte("\x1f\x8b\x08\x02\x00\x00\x00\x00\x00\x00\x00\x00"), uint16(1), byte(3))
	var r Reader
	f.Fuzz(func(t *testing.T, p []byte, at uint16, change byte) {
		if len(p) > 0 {
			p[int(at)%len(p)] ^= change
		}
		want, wantErr := reference(p)
		got, err := unpacked(&r, bytes.NewReader(p))
		halves, _ := unpacked(&r, iotest.HalfReader(bytes.NewReader(p)))
		require.True(t, bytes.Equal(got, halves))
		if wantErr == nil {
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, got))
			return
		}
		if len(p) > 0 { // of nothing, the standard library says io.EOF
			require.Error(t, err)
		}
		require.True(t, bytes.HasPrefix(got, want), "not less than the standard library")
	})
}
