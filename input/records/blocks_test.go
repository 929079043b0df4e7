package records

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/marks"
)

// made writes a random value, mostly compact and mostly valid.
func made(r *rand.Rand, b *strings.Builder, depth int) {
	text := func() {
		b.WriteByte('"')
		for range r.IntN(3) {
			b.WriteString([]string{"a", `\"`, `\\`, `{`, `]`, `,`, `:`, "é", strings.Repeat("x", r.IntN(90)), `\u0041`}[r.IntN(10)])
		}
		b.WriteByte('"')
	}
	kind := r.IntN(9)
	if depth == 0 {
		kind = 0
	}
	switch {
	case depth > 5 || kind >= 5:
		text()
	case kind >= 3:
		b.WriteString([]string{"1", "-0.5e+7", "true", "false", "null", "01", "nul", "1 ", "+", "1.e", "tru\\"}[r.IntN(5+6*r.IntN(40)/39)])
	case kind == 2:
		b.WriteByte('[')
		for i := range r.IntN(4) {
			if i > 0 {
				b.WriteByte(',')
			}
			made(r, b, depth+1)
		}
		b.WriteByte(']')
	default:
		b.WriteByte('{')
		for i := range r.IntN(5) {
			if i > 0 {
				b.WriteByte(',')
			}
			text()
			b.WriteByte(':')
			made(r, b, depth+1)
		}
		b.WriteByte('}')
	}
}

// What blocks find is what the scanner finds, whatever the content, and however it comes.
func TestBlocksAgreeWithScanner(t *testing.T) {
	if !marks.HasStructure() {
		t.Skip("needs a processor with AVX2, BMI1 and PCLMULQDQ, as amd64 ones have since 2015, and a build without the tag purego")
	}
	r := rand.New(rand.NewPCG(5, 6))
	through := 0
	for range 8000 {
		var b strings.Builder
		b.WriteString(`{"Records":[`)
		for i := range 1 + r.IntN(6) {
			if i > 0 {
				b.WriteByte(',')
			}
			made(r, &b, 0)
		}
		b.WriteString(`]}`)
		data := []byte(b.String())
		for range r.IntN(3) {
			switch at := 12 + r.IntN(len(data)-12); r.IntN(4) {
			case 3:
				if n := bytes.IndexAny(data[at:], ":,"); n >= 0 {
					data[at+n] ^= ':' ^ ','
				}
			case 0:
				data[at] = `{}[]",:\ 1t`[r.IntN(11)]
			case 1:
				data = append(data[:at], data[at+1:]...)
			case 2:
				data = append(data[:at], append([]byte{`{}[]",:\ 1t`[r.IntN(11)]}, data[at:]...)...)
			}
		}
		opts := Options{MaxRecordBytes: []int{0, 0, 0, 50, 300}[r.IntN(5)]}
		read := func(able bool) ([]Record, error) {
			var in io.Reader = bytes.NewReader(data)
			switch len(data) % 4 {
			case 1:
				in = iotest.HalfReader(in)
			case 2:
				in = iotest.OneByteReader(in)
			}
			var recs []Record
			reader := NewReader(in, opts)
			reader.blocks.able = able
			for {
				rec, err := reader.Next()
				if err != nil {
					return recs, err
				}
				rec.Raw = bytes.Clone(rec.Raw)
				recs = append(recs, rec)
			}
		}
		want, wantErr := read(false)
		got, err := read(true)
		require.Equal(t, want, got, "%s", data)
		require.Equal(t, wantErr, err, "%s", data)
		if k := (blocks{}); len(want) > 0 {
			k.begin()
			if _, v := k.end(append(data[12:len(data):len(data)], make([]byte, 64)...), 0); v == done {
				through++
			}
		}
	}
	require.Greater(t, through, 4000, "blocks find the end of most records")
}

// Records nest deeper than blocks know, and deeper than is allowed.
func TestBlocksOfDeepRecords(t *testing.T) {
	for _, levels := range []int{maxLevels - 1, maxLevels, maxLevels + 1, 70, maxDepth, maxDepth + 1} {
		for open, shut := range map[string]string{`{"a":`: "}", `{"a":[`: "]}", `{"a":` + strings.Repeat(" ", 70): "}"} {
			n := levels / len(shut)
			data := []byte(`{"Records":[` + strings.Repeat(open, n) + "1" + strings.Repeat(shut, n) + strings.Repeat(" ", 70) + `]}`)
			recs, _, err := collect(bytes.NewReader(data), Options{})
			if n*len(shut) > maxDepth {
				require.ErrorIs(t, err, ErrSyntax)
				continue
			}
			require.Equal(t, io.EOF, err)
			require.Len(t, recs, 1)
		}
	}
}
