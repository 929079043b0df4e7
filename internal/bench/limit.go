package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"

	"github.com/klauspost/compress/gzip"
)

// Limit maps files as fast as we know how, and makes the same 40 fields as Naive. It validates nothing: text that is not
// JSON gives bodies that are not JSON either. Strings go over as they stand, escapes and all, and only event.original is
// escaped. It is the yardstick of what a mapping in Go can reach, not a thing to use.
type Limit struct {
	z    gzip.Reader
	src  bytes.Reader
	buf  []byte
	body []byte
	rec  fields
}

// limitChunk is how much is unpacked before it is walked: small enough to stay in the second cache.
const limitChunk = 256 << 10

var errTruncated = errors.New("the file ends within a record")

// Map turns the content of a log file into bodies of bulk requests, and gives the number of records. flush gets each body,
// which is valid until it returns.
func (l *Limit) Map(packed []byte, flush func(body []byte)) (int, error) {
	l.src.Reset(packed)
	if err := l.z.Reset(&l.src); err != nil {
		return 0, err
	}
	records, n, begun, ended := 0, 0, false, false
	for !ended {
		if len(l.buf)-n < limitChunk/2 {
			l.buf = append(l.buf, make([]byte, limitChunk)...)
		}
		for n < len(l.buf) && !ended {
			read, err := l.z.Read(l.buf[n:])
			n += read
			if err != nil && !errors.Is(err, io.EOF) {
				return records, err
			}
			ended = err != nil
		}
		data, at := l.buf[:n], 0
		if !begun {
			at, begun = bytes.IndexByte(data, '[')+1, true
		}
		l.body = l.body[:0]
		for {
			start := at
			for start < len(data) && data[start] != '{' && data[start] != ']' {
				start++
			}
			if start == len(data) || data[start] == ']' {
				at = start
				break
			}
			l.rec = fields{}
			end := l.rec.record(data, start)
			if end < 0 {
				at = start
				break
			}
			l.body = l.rec.appendTo(l.body, data[start:end])
			records++
			at = end
		}
		flush(l.body)
		if ended && (at >= len(data) || data[at] != ']') {
			return records, errTruncated
		}
		n = copy(l.buf, data[at:])
	}
	return records, nil
}

// escaped appends s, which is JSON without control characters, as it stands within a JSON string.
func escaped(dst, s []byte) []byte {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	n := len(dst)
	if need := n + 2*len(s) + 16; cap(dst) < need {
		dst = append(make([]byte, 0, 2*need), dst...)
	}
	out := dst[:cap(dst)]
	for len(s) >= 8 {
		word := binary.LittleEndian.Uint64(s)
		binary.LittleEndian.PutUint64(out[n:], word)
		quote, slash := word^('"'*ones), word^('\\'*ones)
		special := ((quote - ones) &^ quote & highs) | ((slash - ones) &^ slash & highs)
		if special == 0 {
			s, n = s[8:], n+8
			continue
		}
		at := bits.TrailingZeros64(special) >> 3
		out[n+at], out[n+at+1] = '\\', s[at]
		s, n = s[at+1:], n+at+2
	}
	for _, c := range s {
		if c == '"' || c == '\\' {
			out[n] = '\\'
			n++
		}
		out[n] = c
		n++
	}
	return out[:n]
}
