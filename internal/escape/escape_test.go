package escape

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reference escapes with encoding/json. Bytes that are no UTF-8 are replaced before: encoding/json would write U+FFFD for
// them as an escape, which says the same in twice the bytes.
func reference(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(string([]rune(s))))
	return strings.TrimSuffix(b.String(), "\n")
}

func TestAppend(t *testing.T) {
	tests := map[string]string{
		"":                     `""`,
		"a":                    `"a"`,
		"exactly8":             `"exactly8"`,
		"nine char":            `"nine char"`,
		`a"b`:                  `"a\"b"`,
		`"""""""""`:            `"\"\"\"\"\"\"\"\"\""`,
		`c:\dir\file`:          `"c:\\dir\\file"`,
		"<a href='x'>&</a>":    `"<a href='x'>&</a>"`,
		"\b\f\n\r\t":           `"\b\f\n\r\t"`,
		"\x00\x01\x1f\x7f":     "\"\\u0000\\u0001\\u001f\x7f\"",
		"Zoë, 東京, 👍":           `"Zoë, 東京, 👍"`,
		"cut \xe6\x9d":         `"cut ` + "\ufffd\ufffd" + `"`,
		"\xff\xff":             `"` + "\ufffd\ufffd" + `"`,
		"\xed\xa0\x80":         `"` + "\ufffd\ufffd\ufffd" + `"`,
		"line\u2028separators": "\"line\u2028separators\"",
		"\ufffd stays":         "\"\ufffd stays\"",
	}
	for in, want := range tests {
		assert.Equal(t, want, string(Append(nil, in)))
		assert.Equal(t, "x"+want, string(Append([]byte("x"), in)), "behind other text")
	}
}

// Each special byte at each offset, with every room that the slice can have.
func TestAppendStringAtEachOffset(t *testing.T) {
	for _, special := range []string{`"`, `\`, "\n", "\x00", "é", "\xff", "東", "😀", `"\` + "\n" + `"`} {
		for before := range 20 {
			for after := range 20 {
				s := strings.Repeat("a", before) + special + strings.Repeat("b", after)
				want := reference(t, s)
				require.Equal(t, want, string(Append(nil, s)))
				require.Equal(t, want, string(Append(make([]byte, 0, before), s)))
			}
		}
	}
}

// Each special byte at each offset of a text that is longer than what is looked at together, with quotes in it or without.
func TestAppendStringInBlocks(t *testing.T) {
	for _, special := range []string{`"`, `\`, "\n", "é", "\xff", "😀", `"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"`} {
		for _, unit := range []string{"abc", `"key":"a value of some length",`, strings.Repeat(`"`, 70) + strings.Repeat("x", 70)} {
			long := strings.Repeat(unit, 200/len(unit)+1)
			for before := range 200 {
				s := long[:before] + special + long[before:]
				require.Equal(t, reference(t, s), string(Append(make([]byte, 0, before), s)))
				s = long[:before] + special
				require.Equal(t, reference(t, s), string(Append(nil, s)))
			}
		}
	}
}

// Characters and halves of them where one span ends and the next begins.
func TestAppendStringInSpans(t *testing.T) {
	for _, special := range []string{`"`, "\n", "é", "東", "😀", "\xff", "😀😀", "\xf0\x9f\x98", "\x98\x98\x98\x98\x98\x98\x98\x98"} {
		for before := span - 10; before < span+3; before++ {
			s := strings.Repeat("a", before-1) + `"` + special + strings.Repeat("b", 100)
			require.Equal(t, reference(t, s), string(Append(nil, s)))
		}
	}
}

func TestAppendStringGrows(t *testing.T) {
	for _, unit := range []string{"\x01", "\xff", `"`, "a\x01\xff"} {
		s := strings.Repeat(unit, 10_000)
		assert.True(t, reference(t, s) == string(Append(nil, s)), "%q", unit)
	}
}

func FuzzAppend(f *testing.F) {
	for _, s := range []string{"", "plain text", `{"a":"b\\c"}`, "é\xff\u2028\u2029\x00", strings.Repeat(`"`, 50)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Append([]byte("dst"), s)
		require.Equal(t, "dst", string(got[:3]))
		got = got[3:]
		want := reference(t, s)
		if !strings.ContainsAny(s, "\u2028\u2029") { // encoding/json escapes these two for the sake of JavaScript
			require.Equal(t, want, string(got))
		}
		var a, b string
		require.NoError(t, json.Unmarshal(got, &a))
		require.NoError(t, json.Unmarshal([]byte(want), &b))
		require.Equal(t, b, a)
	})
}

func BenchmarkAppend(b *testing.B) {
	record := `{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:session","arn":"arn:aws:sts::123456789012:assumed-role/Role/session"},` +
		`"eventTime":"2024-01-31T10:20:30Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-central-1","sourceIPAddress":"192.0.2.10"}`
	for name, s := range map[string]string{"record": record, "plain": strings.Repeat("arn:aws:iam::123456789012:role/Admin ", 10)} {
		b.Run(name, func(b *testing.B) {
			buf := make([]byte, 0, 4096)
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			for b.Loop() {
				buf = Append(buf[:0], s)
			}
		})
	}
}

// Each byte in each place of a word, among neighbours that nearly need an escape.
func TestSuspect(t *testing.T) {
	for _, around := range []byte{' ', '!', '#', '[', ']', 'a', 0x7f} {
		for c := range 256 {
			for at := range 8 {
				w := lowBits*uint64(around)&^(0xff<<(8*at)) | uint64(c)<<(8*at)
				want := c < 0x20 || c == '"' || c == '\\' || c >= 0x80
				require.Equal(t, want, suspect(w)&highBits != 0, "%#x at %d among %#x", c, at, around)
			}
		}
	}
}
