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

// walk reads a text from end to end, as its callers do.
func walk(s *Scanner, raw []byte) bool {
	s.Reset(raw)
	o := s.Start()
	for {
		if _, ok := s.Next(&o); !ok {
			break
		}
		o.At = s.Skip(o.At)
	}
	return !o.Bad && s.Ended(o.At)
}

func TestWalk(t *testing.T) {
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
	}
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
