package tape

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Objects of few members are written as those of many are.
func TestSmallObjectsInTheOrderOfAll(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	values := []string{`"v"`, `"a\"b"`, `""`, `null`, `7`, `-0`, `1.50`, `true`, `[]`, `["x",{"y":"z"}]`, `{"a":"b","aa":"bb","b":{}}`, `"é"`}
	var tape Tape
	for range 20_000 {
		var b strings.Builder
		b.WriteByte('{')
		used := map[string]bool{}
		for n := range random.IntN(smallObject + 3) {
			key := fmt.Sprintf("%c%d", 'a'+random.IntN(26), random.IntN(1000)*random.IntN(1000))
			if used[key] {
				continue
			}
			used[key] = true
			if n > 0 && b.Len() > 1 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%q:%s", key, values[random.IntN(len(values))])
		}
		b.WriteByte('}')
		require.NoError(t, tape.Parse([]byte(b.String())))
		root := tape.Root()
		skip := None
		if tape.Len(root) > 0 && random.IntN(3) == 0 {
			skip = tape.First(root)
		}
		var want []string
		for _, c := range tape.Ordered(nil, root) {
			if c != skip {
				want = append(want, tape.Key(c)+"="+string(tape.AppendJava(nil, c, None)))
			}
		}
		require.Equal(t, "{"+strings.Join(want, ", ")+"}", string(tape.AppendJava(nil, root, skip)), b.String())
	}
}
