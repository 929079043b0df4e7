package skim

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/pipeline/internal/tape"
)

// walk reads a text from end to end.
func walk(s *Scanner, raw []byte) bool {
	s.Reset(raw, 0)
	return s.Go() == Through
}

func TestWalk(t *testing.T) {
	var all Scanner // it knows the keys of others
	var many []string
	for i := range 80 {
		many = append(many, fmt.Sprintf(`"k%d":1`, i))
	}
	for raw, good := range map[string]bool{
		`{}`: true, " { } \n": true, `{"a":1}`: true, "{ \"a\" : [ 1 , -2.5e+3 , \"x\\u00e9\\n\" , null , true , false , { } , [ ] ] }": true,
		`{"a":{"a":{"a":1}},"b":{"a":1}}`:        true,
		`{` + strings.Join(many[:64], ",") + `}`: true,
		`{` + strings.Join(many, ",") + `}`:      false,
		`{"a":1,"a":2}`:                          false,
		`{"b":{"a":1,"a":2}}`:                    false,
		`{"b":[{"a":1},{"a":1,"b":1,"a":2}]}`:    false,
		`{"\u0061":1}`:                           false,
		`{"a":1,}`:                               false,
		`{"a":1}x`:                               false,
		`{"a" 1}`:                                false,
		`{"a":}`:                                 false,
		`{a:1}`:                                  false,
		`{"a":01}`:                               false,
		`{"a":-}`:                                false,
		`{"a":1.}`:                               false,
		`{"a":1e}`:                               false,
		`{"a":tru}`:                              false,
		`{"a":[1,]}`:                             false,
		`{"a":[1}`:                               false,
		`{"a":"\x"}`:                             false,
		`{"a":"\u12g4"}`:                         false,
		"{\"a\":\"\x01\"}":                       false,
		`{"a":"x`:                                false,
		`{"a":1`:                                 false,
		`{`:                                      false,
		``:                                       false,
		`[]`:                                     false,
		`{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`: false,
		`{"a":` + strings.Repeat("9", 1001) + `}`:                         false,
	} {
		assert.Equal(t, good, walk(new(Scanner), []byte(raw)), raw)
		assert.Equal(t, good, walk(&all, []byte(raw)), "%s", raw)
		assert.Equal(t, good, walk(&all, []byte(raw)), "%s again", raw)
	}
}

// A value is found where its path leads, and nowhere else.
func TestValues(t *testing.T) {
	var s Scanner
	s.Want(0, "a")
	s.Want(1, "b.c")
	s.Want(2, "b.d.e")
	s.Covers("a", 1)
	s.Covers("b", 2)
	text := func(i int) string {
		if s.Seen>>i&1 == 0 {
			return "-"
		}
		v, ok := s.Text(i)
		if !ok {
			return string(s.First(i))
		}
		return v
	}
	for range 2 {
		for raw, want := range map[string]string{
			`{"a":"x","b":{"c":"y","d":{"e":"z"}}}`:                      "x y z",
			"{ \"b\" : { \"d\" : { \"e\" : \"\" } } , \"a\" : [ ] }":     "[ - ",
			`{"b.c":"y","a":"\n","b":{"d":1,"x":{"c":"z"}},"x":{"a":1}}`: `" - -`,
			`{"b":[{"c":"y"}],"a":true,"c":"x","d":{"e":1}}`:             "t - -",
			`{"b":[[{"c":"y","d":{"e":1}}]]}`:                            "- - -",
		} {
			require.True(t, walk(&s, []byte(raw)), raw)
			assert.Equal(t, want, text(0)+" "+text(1)+" "+text(2), raw)
		}
	}
	s.Reset([]byte(`{"b":{"c":"y"},"x":1,"a":"x","y":2,}`), 3)
	require.Equal(t, Known, s.Go())
	assert.Equal(t, "x y -", text(0)+" "+text(1)+" "+text(2))
	assert.Equal(t, Fault, s.Go())
}

// Keys that are always others are passed over all the same, twice in an object or not.
func TestManyKeys(t *testing.T) {
	var s Scanner
	n := 0
	fresh := func() string { n++; return fmt.Sprintf(`"k%d":{"v":%d}`, n, n) }
	for range 2000 {
		one := fresh()
		parts := []string{one, fresh(), fresh(), fresh()}
		require.True(t, walk(&s, []byte(`{"a":{`+strings.Join(parts, ",")+`},"b":1}`)))
		require.False(t, walk(&s, []byte(`{"a":{`+strings.Join(append(parts, one), ",")+`},"b":1}`)))
	}
	assert.LessOrEqual(t, len(s.places), maxPlaces)
}

// What the scanner takes, the parser of the mapping takes.
func FuzzWalk(f *testing.F) {
	inputs, err := filepath.Glob(filepath.Join("..", "..", "..", "testdata", "cloudtrail", "*", "input.json"))
	require.NoError(f, err)
	var s Scanner
	taken := 0
	for _, input := range inputs {
		raw, err := os.ReadFile(input)
		require.NoError(f, err)
		if walk(&s, raw) {
			taken++
		}
		f.Add(raw)
	}
	require.Greater(f, taken, len(inputs)/2)
	for _, raw := range []string{`{"a":1e5,"b":[{"c":"\ud800"}]}`, `{"a":{"b":1,"b":2}}`, `{"aaaaaaaa1":0,"aaaaaaaa2":0}`} {
		f.Add([]byte(raw))
	}
	var parser tape.Tape
	f.Fuzz(func(t *testing.T, raw []byte) {
		if walk(&s, raw) {
			require.NoError(t, parser.Parse(raw), "%q", raw)
		}
	})
}
