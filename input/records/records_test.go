package records

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// collect reads all of src through Fill, with blocks of a few records, and copies the records.
func collect(src io.Reader, opts Options) ([]Record, *Reader, error) {
	r := NewReader(src, opts)
	var out []Record
	var block Block
	for {
		block.Reset()
		err := r.Fill(&block, 3, 0)
		for i := range block.Len() {
			rec := block.At(i)
			rec.Raw = bytes.Clone(rec.Raw)
			out = append(out, rec)
		}
		if err != nil {
			return out, r, err
		}
		if block.Len() == 0 {
			return out, r, errors.New("Fill returned nil without a record")
		}
	}
}

func raws(recs []Record) []string {
	out := []string{}
	for _, r := range recs {
		out = append(out, string(r.Raw))
	}
	return out
}

func pack(t testing.TB, parts ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&buf)
		_, err := w.Write([]byte(p))
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	return buf.Bytes()
}

type splitCase struct {
	name   string
	data   string
	opts   Options
	want   []string
	layout Layout
	// The fault: nil for none.
	err    error
	offset int64
}

var splitCases = []splitCase{
	{name: "empty", data: "", want: nil},
	{name: "only blanks", data: " \r\n\t\n", want: nil},
	{name: "only a byte order mark", data: "\ufeff", want: nil},
	{name: "shorter than a byte order mark", data: "{}", want: []string{"{}"}, layout: LayoutValue},
	{name: "container", data: `{"Records":[{"a":1},{"b":[2,{"c":"]}"}]}]}`, want: []string{`{"a":1}`, `{"b":[2,{"c":"]}"}]}`}, layout: LayoutContainer},
	{name: "container with white space", data: "\ufeff\n { \"Records\" : [ \r\n {\"a\": 1 } ,\n{}\t] } \n", want: []string{`{"a": 1 }`, `{}`}, layout: LayoutContainer},
	{name: "empty container", data: `{"Records":[]}`, layout: LayoutContainer},
	{name: "container of null", data: `{"Records":null}`, layout: LayoutContainer},
	{name: "records is not an array", data: `{"Records":{"a":1}}`, want: []string{`{"Records":{"a":1}}`}, layout: LayoutValue},
	{name: "records is a string that starts like null", data: `{"Records":"null"}`, want: []string{`{"Records":"null"}`}, layout: LayoutValue},
	{name: "records deeper down", data: `{"x":{"Records":[1]}}`, want: []string{`{"x":{"Records":[1]}}`}, layout: LayoutValue},
	{name: "other members before and after", data: `{"v":"1","m":{"Records":[9]},"Records":[{"a":1}],"n":[1,2],"z":null}`, want: []string{`{"a":1}`}, layout: LayoutContainer},
	{name: "two members Records", data: `{"Records":[1],"x":0,"Records":[2]}`, want: []string{`1`, `2`}, layout: LayoutContainer},
	{name: "escaped name", data: `{"\u0052ecords":[1]}`, want: []string{`1`}, layout: LayoutContainer},
	{name: "elements of any type", data: `{"Records":[1,-2.5e+3,"a\"]",true,null,[],[[]],{}]}`, want: []string{`1`, `-2.5e+3`, `"a\"]"`, `true`, `null`, `[]`, `[[]]`, `{}`}, layout: LayoutContainer},
	{name: "backslashes", data: `{"Records":[{"p":"C:\\"},{"p":"\\\""}]}`, want: []string{`{"p":"C:\\"}`, `{"p":"\\\""}`}, layout: LayoutContainer},
	{name: "containers on lines", data: "{\"Records\":[1]}\n{\"Records\":[2,3]}\n", want: []string{"1", "2", "3"}, layout: LayoutContainer},
	{name: "containers without a border", data: `{"Records":[1]}{"Records":[]}{"Records":[2]}`, want: []string{"1", "2"}, layout: LayoutContainer},
	{name: "container, then one object", data: "{\"Records\":[1]}\n{\"a\":2}\n", want: []string{"1", `{"a":2}`}, layout: LayoutContainer},
	{name: "root array", data: "[{\"a\":1},\n{\"a\":2}]\n", want: []string{`{"a":1}`, `{"a":2}`}, layout: LayoutContainer},
	{name: "empty root array", data: "[ ]", layout: LayoutContainer},
	{name: "one object", data: `{"eventName":"x"}`, want: []string{`{"eventName":"x"}`}, layout: LayoutValue},
	{name: "one object, blank lines after it", data: "{\"a\":1}\n\n\n", want: []string{`{"a":1}`}, layout: LayoutValue},
	{name: "pretty-printed", data: "{\n  \"a\": [\n 1 ]\n}\n", want: []string{"{\n  \"a\": [\n 1 ]\n}"}, layout: LayoutValue},
	{name: "pretty-printed one after the other", data: "{\n\"a\":1}\n{\n\"a\":2}", want: []string{"{\n\"a\":1}", "{\n\"a\":2}"}, layout: LayoutValue},
	{name: "objects on one line", data: `{"a":1} {"a":2}`, want: []string{`{"a":1}`, `{"a":2}`}, layout: LayoutValue},
	{name: "lines, found out", data: "{\"a\":1}\nhello\n", want: []string{`{"a":1}`, "hello"}, layout: LayoutLines},
	{name: "lines, found out, with all that a line can be", data: "{\"a\":1} \r\n\r\n{\"Records\":[1]}\r\n  x\n{\"a\":", want: []string{`{"a":1}`, "", `{"Records":[1]}`, "  x", `{"a":`}, layout: LayoutLines},
	{name: "lines by the first byte", data: "\n  hello\n{\"Records\":[1]}", want: []string{"  hello", `{"Records":[1]}`}, layout: LayoutLines},
	{name: "lines", data: "{\"a\":1}\n{\"Records\":[1]}\n\nx\r\n", opts: Options{Format: FormatLines}, want: []string{`{"a":1}`, `{"Records":[1]}`, "", "x"}, layout: LayoutLines},
	{name: "lines, one container", data: "{\"Records\":[1]}\n", opts: Options{Format: FormatLines}, want: []string{`{"Records":[1]}`}, layout: LayoutLines},
	{name: "lines, no line end at the end", data: "\ufeffa\nb", opts: Options{Format: FormatLines}, want: []string{"a", "b"}, layout: LayoutLines},
	{name: "lines, blank ones first and last", data: "\na\n\n", opts: Options{Format: FormatLines}, want: []string{"", "a", ""}, layout: LayoutLines},
	{name: "lines, empty", data: "", opts: Options{Format: FormatLines}},
	{name: "lines, one byte", data: "x", opts: Options{Format: FormatLines}, want: []string{"x"}, layout: LayoutLines},
	{name: "lines, unfinished one held back", data: "{\"a\":1}\n{\"a\":", opts: Options{Format: FormatLines, HoldPartialLine: true}, want: []string{`{"a":1}`}, layout: LayoutLines},
	{name: "lines, unfinished but complete", data: "{\"a\":1}\n{\"a\":2}", opts: Options{Format: FormatLines, HoldPartialLine: true}, want: []string{`{"a":1}`, `{"a":2}`}, layout: LayoutLines},
	{name: "skip", data: `{"Records":[1,2,3,4,5]}`, opts: Options{Skip: 3}, want: []string{"4", "5"}, layout: LayoutContainer},
	{name: "skip more than there is", data: `{"Records":[1]}`, opts: Options{Skip: 3}, layout: LayoutContainer},

	{name: "container cut between records", data: `{"Records":[{"a":1},{"a":2}`, want: []string{`{"a":1}`, `{"a":2}`}, layout: LayoutContainer, err: ErrTruncated, offset: 27},
	{name: "container cut inside a record", data: `{"Records":[{"a":1},{"a":"`, want: []string{`{"a":1}`}, layout: LayoutContainer, err: ErrTruncated, offset: 26},
	{name: "container cut before its brace", data: `{"Records":[1]`, want: []string{`1`}, layout: LayoutContainer, err: ErrTruncated, offset: 14},
	{name: "container cut before the array", data: `{"Records":`, err: ErrTruncated, offset: 11},
	{name: "root array cut", data: `[1,2`, want: []string{"1"}, layout: LayoutContainer, err: ErrTruncated, offset: 4},
	{name: "object cut", data: `{"a":`, err: ErrTruncated, offset: 5},
	{name: "no value", data: `{"Records":[{"a":1},{"b":},{"c":1}]}`, want: []string{`{"a":1}`}, layout: LayoutContainer, err: ErrSyntax, offset: 25},
	{name: "wrong bracket", data: `{"Records":[{"a":1},{"b":[1}]}`, want: []string{`{"a":1}`}, layout: LayoutContainer, err: ErrSyntax, offset: 27},
	{name: "no comma between records", data: `{"Records":[{"a":1}{"b":1}]}`, want: []string{`{"a":1}`}, layout: LayoutContainer, err: ErrSyntax, offset: 19},
	{name: "comma too many", data: `{"Records":[{"a":1},]}`, want: []string{`{"a":1}`}, layout: LayoutContainer, err: ErrSyntax, offset: 20},
	{name: "comma too many in a record", data: `[{"a":1,}]`, layout: LayoutContainer, err: ErrSyntax, offset: 8},
	{name: "misspelt literal", data: `[{"a":nul}]`, layout: LayoutContainer, err: ErrSyntax, offset: 6},
	{name: "no number", data: `[0, 01]`, want: []string{"0"}, layout: LayoutContainer, err: ErrSyntax, offset: 4},
	{name: "name without quotes", data: `{Records:[]}`, err: ErrSyntax, offset: 1},
	{name: "garbage after the container", data: "{\"Records\":[1]}\n garbage", want: []string{"1"}, layout: LayoutContainer, err: ErrTrailing, offset: 17},
	{name: "zero byte after the container", data: "{\"Records\":[1]}\x00", want: []string{"1"}, layout: LayoutContainer, err: ErrTrailing, offset: 15},
	{name: "record too long", data: `{"Records":[1,"123456789012345678","x"]}`, opts: Options{MaxRecordBytes: 16}, want: []string{"1"}, layout: LayoutContainer, err: ErrTooLong, offset: 14},
	{name: "line too long", data: "1\n12345678901234567890\n3", opts: Options{MaxRecordBytes: 16, Format: FormatLines}, want: []string{"1"}, layout: LayoutLines, err: ErrTooLong, offset: 2},
	{name: "last line too long", data: "1\n12345678901234567890", opts: Options{MaxRecordBytes: 16, Format: FormatLines}, want: []string{"1"}, layout: LayoutLines, err: ErrTooLong, offset: 2},
	{name: "members before the records too long", data: ` {"x":"12345678901234567890","Records":[1]}`, opts: Options{MaxRecordBytes: 16}, err: ErrTooLong, offset: 1},
	{name: "nested too deep", data: `{"Records":[1,` + strings.Repeat("[", maxDepth+1), want: []string{"1"}, layout: LayoutContainer, err: ErrSyntax, offset: 14 + maxDepth},
}

func TestSplit(t *testing.T) {
	readers := map[string]func(t *testing.T, data string) io.Reader{
		"whole":    func(_ *testing.T, data string) io.Reader { return strings.NewReader(data) },
		"one byte": func(_ *testing.T, data string) io.Reader { return iotest.OneByteReader(strings.NewReader(data)) },
		"data with error": func(_ *testing.T, data string) io.Reader {
			return iotest.DataErrReader(iotest.HalfReader(strings.NewReader(data)))
		},
		"gzip": func(t *testing.T, data string) io.Reader { return bytes.NewReader(pack(t, data)) },
		"gzip, several members": func(t *testing.T, data string) io.Reader {
			half := len(data) / 2
			return iotest.OneByteReader(bytes.NewReader(pack(t, data[:half], "", data[half:])))
		},
	}
	for _, c := range splitCases {
		for how, reader := range readers {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				recs, r, err := collect(reader(t, c.data), c.opts)
				if c.want == nil {
					c.want = []string{}
				}
				assert.Equal(t, c.want, raws(recs))
				assert.Equal(t, c.layout, r.Layout())
				for i, rec := range recs {
					assert.Equal(t, string(rec.Raw), c.data[rec.Offset:][:len(rec.Raw)], "offset of record %d", i)
					assert.Equal(t, c.opts.Skip+int64(i), rec.Index)
				}
				if c.err == nil {
					assert.Equal(t, io.EOF, err)
				} else {
					var fault *Error
					require.ErrorAs(t, err, &fault)
					require.ErrorIs(t, err, c.err)
					assert.Equal(t, c.offset, fault.Offset)
					assert.Equal(t, int64(len(c.want)), fault.Delivered)
				}
				// It stays so.
				assert.Equal(t, err, r.Fill(&Block{}, 1, 0))
			})
		}
	}
}

func TestErrorMessage(t *testing.T) {
	_, _, err := collect(bytes.NewReader(pack(t, `{"Records":[{"a":1},{"b":}]}`)), Options{Name: "/logs/x.json.gz"})
	require.EqualError(t, err, `reading "/logs/x.json.gz": unpacked byte 25: broken JSON: '}' cannot stand here (records delivered before it: 1)`)
	_, _, err = collect(strings.NewReader(`{"Records":[{"a":1},{"b":`), Options{Name: "x.json"})
	require.EqualError(t, err, `reading "x.json": byte 25: the data ends too early, inside the record that starts at byte 20 (records delivered before it: 1)`)
}

// End of a line is where another reader goes on.
func TestGoOnAtEnd(t *testing.T) {
	data := "a\r\n\nbb\nc"
	recs, _, err := collect(strings.NewReader(data), Options{Format: FormatLines})
	require.Equal(t, io.EOF, err)
	require.Len(t, recs, 4)
	for i, rec := range recs {
		rest, _, err := collect(strings.NewReader(data[rec.End:]), Options{Format: FormatLines, StartOffset: rec.End, StartIndex: rec.Index + 1})
		require.Equal(t, io.EOF, err)
		require.Len(t, rest, len(recs)-i-1)
		for k := range rest {
			assert.Equal(t, recs[i+1+k], rest[k])
		}
	}
}

func TestGzipFaults(t *testing.T) {
	var data strings.Builder
	data.WriteString(`{"Records":[`)
	for i := range 5000 {
		fmt.Fprintf(&data, `{"n":%d,"x":"%x"},`, i, i*i*7919)
	}
	data.WriteString(`{}]}`)
	whole := pack(t, data.String())

	t.Run("cut anywhere", func(t *testing.T) {
		for cut := 12; cut < len(whole); cut += 997 {
			recs, _, err := collect(bytes.NewReader(whole[:cut]), Options{Name: "x"})
			var fault *Error
			require.ErrorAs(t, err, &fault, "cut at %d", cut)
			require.ErrorIs(t, err, ErrTruncated)
			assert.True(t, fault.Packed)
			assert.Equal(t, int64(len(recs)), fault.Delivered)
			if n := len(recs); n > 0 {
				assert.GreaterOrEqual(t, fault.Offset, recs[n-1].End)
			}
		}
	})
	t.Run("cut in the head", func(t *testing.T) {
		recs, _, err := collect(bytes.NewReader(whole[:5]), Options{})
		assert.Empty(t, recs)
		require.ErrorIs(t, err, ErrTruncated)
	})
	t.Run("checksum", func(t *testing.T) {
		damaged := bytes.Clone(whole)
		damaged[len(damaged)-6] ^= 1
		recs, _, err := collect(bytes.NewReader(damaged), Options{})
		assert.Len(t, recs, 5001)
		require.ErrorIs(t, err, ErrCorrupt)
	})
	t.Run("something else after it", func(t *testing.T) {
		recs, _, err := collect(bytes.NewReader(append(bytes.Clone(whole), "garbage that is no gzip"...)), Options{})
		assert.Len(t, recs, 5001)
		require.ErrorIs(t, err, ErrCorrupt)
	})
	t.Run("used again after a fault", func(t *testing.T) {
		r := NewReader(bytes.NewReader(whole[:len(whole)/2]), Options{})
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
		for _, src := range [][]byte{[]byte(data.String()), whole} {
			r.Reset(bytes.NewReader(src), Options{})
			n := 0
			for ; ; n++ {
				if _, err := r.Next(); err != nil {
					require.Equal(t, io.EOF, err)
					break
				}
			}
			assert.Equal(t, 5001, n)
		}
	})
}

func TestErrorOfTheReader(t *testing.T) {
	boom := errors.New("connection reset")
	recs, _, err := collect(io.MultiReader(strings.NewReader(`{"Records":[{"a":1},{"b`), iotest.ErrReader(boom)), Options{})
	assert.Equal(t, []string{`{"a":1}`}, raws(recs))
	require.ErrorIs(t, err, boom)
	_, _, err = collect(iotest.ErrReader(boom), Options{})
	require.ErrorIs(t, err, boom)
}

// A block takes the records of several sources, and none of them moves under the others.
func TestBlockOfSeveralSources(t *testing.T) {
	var block Block
	r := NewReader(strings.NewReader(`{"Records":[1,22]}`), Options{})
	require.Equal(t, io.EOF, r.Fill(&block, 100, 0))
	r.Reset(strings.NewReader("x\n"+strings.Repeat("y", 300_000)+"\n"), Options{Format: FormatLines})
	require.NoError(t, r.Fill(&block, 3, 0))
	require.Equal(t, 3, block.Len())
	assert.Equal(t, "22", string(block.At(1).Raw))
	assert.Equal(t, "x", string(block.At(2).Raw))
	assert.Equal(t, int64(0), block.At(2).Index)
	var second Block
	require.Equal(t, io.EOF, r.Fill(&second, 100, 0))
	require.Equal(t, 1, second.Len())
	assert.Equal(t, int64(2), second.At(0).Offset)
	assert.Len(t, second.At(0).Raw, 300_000)
	assert.Equal(t, "22", string(block.At(1).Raw))
}

// Records of any size, in blocks of any bounds, are the same.
func TestBounds(t *testing.T) {
	var data bytes.Buffer
	var want []string
	data.WriteString(`{"v":1,"Records":[`)
	for i := range 400 {
		size := i * 3
		if i%100 == 50 {
			size = 200_000 + i
		}
		s := fmt.Sprintf(`{"n":%d,"s":"%s"}`, i, strings.Repeat("z", size))
		want = append(want, s)
		if i > 0 {
			data.WriteByte(',')
		}
		data.WriteString(s)
	}
	data.WriteString(`]}`)
	for _, bound := range []struct{ records, bytes int }{{1, 0}, {7, 0}, {0, 1}, {0, 5000}, {0, 100_000}, {0, 0}} {
		t.Run(fmt.Sprint(bound), func(t *testing.T) {
			r := NewReader(bytes.NewReader(data.Bytes()), Options{})
			var got []string
			for {
				var block Block
				err := r.Fill(&block, bound.records, bound.bytes)
				for i := range block.Len() {
					got = append(got, string(block.At(i).Raw))
				}
				if bound.records > 0 {
					assert.LessOrEqual(t, block.Len(), bound.records)
				}
				if err != nil {
					require.Equal(t, io.EOF, err)
					break
				}
			}
			assert.Equal(t, want, got)
		})
	}
}

// An eager reader hands out what a pipe has given so far.
func TestEager(t *testing.T) {
	pr, pw := io.Pipe()
	r := NewReader(pr, Options{Eager: true})
	go func() { _, _ = pw.Write([]byte("{\"a\":1}\n{\"a\":2}\n{\"a\":")) }()
	var block Block
	require.NoError(t, r.Fill(&block, 100, 0))
	require.Equal(t, 2, block.Len())
	go func() { _, _ = pw.Write([]byte("3}\n")); _ = pw.Close() }()
	require.NoError(t, r.Fill(&block, 100, 0))
	require.Equal(t, 3, block.Len())
	assert.Equal(t, `{"a":3}`, string(block.At(2).Raw))
	require.Equal(t, io.EOF, r.Fill(&block, 100, 0))
}
