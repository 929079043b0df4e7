package records

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// FuzzSplit checks that no input makes the splitter panic, that every record stands at its offset, that the way in which
// the bytes arrive changes nothing, and that a valid container gives the elements that encoding/json sees in it.
func FuzzSplit(f *testing.F) {
	for _, c := range splitCases {
		if len(c.data) < 200 {
			f.Add([]byte(c.data), c.opts.Format == FormatLines)
		}
	}
	f.Add([]byte("{\"Records\":[{\"a\":\"\\\\\",\"b\":\"12345678\\\"90\"},1e5]}\n\n[{}]\n{}"), false)
	f.Fuzz(func(t *testing.T, data []byte, lines bool) {
		if bytes.HasPrefix(data, gzipMagic) {
			t.Skip()
		}
		opts := Options{MaxRecordBytes: 1 << 20}
		if lines {
			opts.Format = FormatLines
		}
		recs, r, err := collect(bytes.NewReader(data), opts)
		last := int64(0)
		for i, rec := range recs {
			require.GreaterOrEqual(t, rec.Offset, last)
			require.GreaterOrEqual(t, rec.End, rec.Offset+int64(len(rec.Raw)))
			require.Equal(t, string(data[rec.Offset:][:len(rec.Raw)]), string(rec.Raw))
			require.Equal(t, int64(i), rec.Index)
			last = rec.End
		}
		slow, slowReader, slowErr := collect(iotest.OneByteReader(bytes.NewReader(data)), opts)
		require.Equal(t, recs, slow)
		require.Equal(t, r.Layout(), slowReader.Layout())
		require.Equal(t, err, slowErr)

		if r.Layout() == LayoutLines {
			require.Equal(t, io.EOF, err)
			return
		}
		if want, ok := elements(data); ok {
			require.Equal(t, io.EOF, err)
			require.Equal(t, len(want), len(recs))
			for i := range want {
				require.Equal(t, string(want[i]), string(recs[i].Raw))
			}
		}
	})
}

// elements gives the elements of a container that encoding/json accepts; false where it is none, or where a member
// occurs twice.
func elements(data []byte) ([]json.RawMessage, bool) {
	data = bytes.TrimPrefix(data, bom)
	if !json.Valid(data) {
		return nil, false
	}
	var list []json.RawMessage
	if json.Unmarshal(data, &list) == nil && list != nil {
		return list, true
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if tok, _ := dec.Token(); tok != json.Delim('{') {
		return nil, false
	}
	found := 0
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return nil, false
		}
		if name == "Records" {
			found++
			if json.Unmarshal(value, &list) != nil {
				return nil, false
			}
		}
	}
	return list, found == 1
}
