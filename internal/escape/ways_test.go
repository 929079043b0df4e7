package escape

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// byWords is Member without vectors.
func byWords(dst []byte, key, s string) string {
	return string(append(appendByWords(append(dst, key...), s), behind...))
}

// same checks that a text is the same in both ways, with a key, and behind other text.
func same(t testing.TB, key, s string) {
	t.Helper()
	want := byWords(nil, key, s)
	if got := string(Member(nil, key, s)); got != want {
		require.Equal(t, want, got, "%q", s)
	}
	if got := string(Member(append(make([]byte, 0, 4096), "before "...), key, s)); got != "before "+want {
		require.Equal(t, "before "+want, got, "%q", s)
	}
}

// Each byte in each place of a text, among neighbours that nearly need an escape.
func TestWaysOfEachByte(t *testing.T) {
	for _, around := range []byte{'!', '"', 'a', 0x7f} {
		for _, n := range []int{1, 33, 65, 100} {
			for c := range 256 {
				for at := range n {
					text := []byte(strings.Repeat(string(rune(around)), n))
					text[at] = byte(c)
					same(t, `"k":"`, string(text))
				}
			}
		}
	}
}

func TestWaysOfEachLength(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	units := []string{"a", "bc", `"`, `\`, " ", `":"`, "\n", "\x00", "é", "東", "😀", "\xff", "\xe6\x9d"}
	for n := range 400 {
		for _, kinds := range []int{3, 6, 8, len(units)} { // plain ones first
			var s []byte
			for len(s) < n {
				s = append(s, units[r.IntN(kinds)]...)
			}
			same(t, strings.Repeat("k", n%(maxKey+3)), string(s[:n]))
		}
	}
	for _, n := range []int{span - 1, span, span + 1, 2*span + 63, 3*span + 64} {
		for _, unit := range units {
			same(t, "", strings.Repeat(unit, n/len(unit)))
			same(t, "", strings.Repeat("a", n-1)+unit+strings.Repeat(`"b`, 40))
		}
	}
}

func FuzzWays(f *testing.F) {
	for _, s := range []string{"", "plain text", `{"a":"b\\c"}`, "é\xff\u2028\u2029\x00", strings.Repeat(`"`, 50)} {
		f.Add(`"key":"`, s, 1)
	}
	f.Fuzz(func(t *testing.T, key, s string, times int) {
		same(t, key, s)
		if times > 0 && times < 200 {
			same(t, key, strings.Repeat(s, times))
		}
	})
}
