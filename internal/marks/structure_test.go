package marks

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// walk makes the blocks of a text one byte after the other.
func walk(text string) []Block {
	blocks := make([]Block, len(text)/64)
	in, escaped, scalar := false, false, false
	last := byte(0) // the last token; s for scalars and strings that cannot be keys, k for those that can
	key := false
	for i := range len(blocks) * 64 {
		b, bit, c := &blocks[i/64], uint64(1)<<(i%64), text[i]
		if in {
			switch {
			case escaped:
				escaped = false
			case c == '\\':
				escaped = true
			case c == '"':
				in = false
				if last = 's'; key {
					last = 'k'
				}
			}
			continue
		}
		isEscaped := escaped
		escaped = false
		if c == '\\' && !isEscaped {
			escaped = true
		}
		token := c
		if !strings.ContainsRune(`"[]{},:`, rune(c)) || c == '"' && isEscaped {
			token = 'x'
		}
		begins := token == '"' || token == '[' || token == '{' || token == 'x' && !scalar
		expected := last == ',' || last == ':' || last == '[' || last == '{'
		empty := (token == ']' || token == '}') && (last == '[' || last == '{')
		if begins != expected && !empty {
			b.Wrong |= bit
		}
		if token == ':' && last != 'k' {
			b.Wrong |= bit
		}
		if last == 'k' && token != ':' {
			b.Element |= bit
		}
		behind := last == ',' || last == '[' || last == '{'
		if behind && token != '"' && !empty {
			b.Element |= bit
		}
		switch token {
		case '[', '{':
			b.Open |= bit
		case ']', '}':
			b.Close |= bit
		case ':':
			b.Colon |= bit
		case '"':
			in, key = true, behind
		case 'x':
			if !scalar {
				b.Scalar |= bit
			}
		}
		if token == '[' || token == ']' {
			b.Square |= bit
		}
		scalar = token == 'x'
		if last = token; token == 'x' {
			last = 's'
		}
	}
	return blocks
}

func checkStructure(t *testing.T, text string, at int) {
	t.Helper()
	want := walk(text)
	for _, wide := range []bool{false, true} {
		if wide && !wideStructure() {
			continue
		}
		got := make([]Block, len(want)+1)
		var s Structure
		n := s.blocks(got[:min(at, len(want))], unsafe.Slice(unsafe.StringData(text), len(text)), wide)
		n += s.blocks(got[n:], unsafe.Slice(unsafe.StringData(text), len(text))[n*64:], wide) // where the text stands
		require.Equal(t, len(want), n)
		require.Equal(t, want, got[:n], "%q", text)
		require.Zero(t, got[n], "nothing is written behind the last block")
	}
}

var pieces = []string{`{`, `}`, `[`, `]`, `,`, `:`, `"`, `""`, `"a"`, `"a":`, `\`, `\\`, `\"`, `1`, `true`, ` `, `{"a":"b",`, `"é"`,
	strings.Repeat("a", 60), `"` + strings.Repeat("b", 130) + `"`, `,"key":{"x":[1,"2",{}]}`, "\x00", "\x1b", "\x0b", "\x02\x1a\x5a\x3b\xdb\xfb"}

// Texts of tokens in any order, in one go and in two.
func TestStructure(t *testing.T) {
	if !HasStructure() {
		t.Skip("needs a processor with AVX2, BMI1 and PCLMULQDQ, as amd64 ones have since 2015, and a build without the tag purego")
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		var b strings.Builder
		for b.Len() < 64*(1+r.IntN(5)) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		checkStructure(t, b.String(), r.IntN(4))
	}
}

func FuzzStructure(f *testing.F) {
	f.Add(`{"Records":[{"a":"\"b\\","c":[1,true,null,"d"],"e":{}},{"a":"` + strings.Repeat("x", 100) + `"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if !HasStructure() {
			t.Skip()
		}
		checkStructure(t, text, 1)
	})
}

func BenchmarkStructure(b *testing.B) {
	if !HasStructure() {
		b.Skip()
	}
	text := []byte(strings.Repeat(`"eventSource":"iam.amazonaws.com",`, 128))
	blocks := make([]Block, 64)
	for name, wide := range map[string]bool{"32": false, "64": true} {
		if wide && !wideStructure() {
			continue
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(blocks) * 64))
			for b.Loop() {
				var s Structure
				s.blocks(blocks, text, wide)
			}
		})
	}
}
