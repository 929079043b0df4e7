package marks

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func marked(c byte) bool { return c == '"' || c == '\\' || c < 0x20 }

// Every byte in every place of a block, among neighbours that are nearly marked.
func TestEachByte(t *testing.T) {
	for _, around := range []byte{'a', '!', '#', ']', '[', 0x20, 0x7f, 0x80, 0xa2, 0xdc, 0xff} {
		for c := range 256 {
			for at := range 64 {
				text := bytes.Repeat([]byte{around}, 64)
				text[at] = byte(c)
				m, ascii := Marks(nil).Of(text)
				want := uint64(0)
				if marked(byte(c)) {
					want = 1 << at
				}
				require.Equal(t, Marks{want, ^uint64(0)}, m, "%#x at %d", c, at)
				require.Equal(t, c < 0x80 && around < 0x80, ascii)
				portable, high := mark64((*[64]byte)(text))
				require.Equal(t, want, portable)
				require.Equal(t, ascii, high == 0)
			}
		}
	}
}

// Of every length, with marks that are used again.
func TestNext(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var m Marks
	for n := range 400 {
		text := make([]byte, n)
		for i := range text {
			if text[i] = byte('a' + r.IntN(26)); r.IntN(70) == 0 {
				text[i] = "\"\\\n\x00"[r.IntN(4)]
			}
		}
		m, _ = m.Of(text)
		for p := range n + 1 {
			want := p
			for want < n && !marked(text[want]) {
				want++
			}
			require.Equal(t, want, m.Next(p), "%q from %d", text, p)
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add([]byte(`{"a":"b\\c"}`), 3)
	f.Add([]byte("é\xff\u2028\x00"), 70)
	f.Fuzz(func(t *testing.T, text []byte, times int) {
		if times > 0 && times < 200 {
			text = bytes.Repeat(text, times)
		}
		m, ascii := Marks(nil).Of(text)
		require.Equal(t, bytes.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) < 0, ascii)
		for i, c := range text {
			require.Equal(t, marked(c), m[i>>6]>>(i&63)&1 == 1, "at %d of %q", i, text)
		}
		require.Equal(t, ^uint64(0)<<(len(text)&63), m[len(text)>>6]&(^uint64(0)<<(len(text)&63)))
	})
}

func BenchmarkOf(b *testing.B) {
	text := bytes.Repeat([]byte(`"eventSource":"iam.amazonaws.com",`), 40)
	var m Marks
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		m, _ = m.Of(text)
	}
	assert.NotEmpty(b, m)
}

func BenchmarkPortable(b *testing.B) {
	text := bytes.Repeat([]byte(`"eventSource":"iam.amazonaws.com",`), 64)[:64]
	b.SetBytes(64)
	for b.Loop() {
		mark64((*[64]byte)(text))
	}
}
