package tape

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parse(t *testing.T, text string) *Tape {
	t.Helper()
	tape := new(Tape)
	require.NoError(t, tape.Parse([]byte(text)))
	return tape
}

func TestJavaText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"userName":"Bob","newUserName":"Robert"}`, `{newUserName=Robert, userName=Bob}`},
		{`{"MobileVersion":"No","LoginTo":"x","MFAUsed":"No"}`, `{LoginTo=x, MobileVersion=No, MFAUsed=No}`},
		{`[1,1.0,1e3,0.0001,12345678.9,1e7,9999999.5,-0,-0.0,1E400,0.001,100]`,
			`[1, 1.0, 1000.0, 1.0E-4, 1.23456789E7, 1.0E7, 9999999.5, 0, -0.0, Infinity, 0.001, 100]`},
		{`[4.9e-324,123456789012345678901234567890,2e23,1.5e-7,1e21]`, `[4.9E-324, 123456789012345678901234567890, 2.0E23, 1.5E-7, 1.0E21]`},
		{`{"a":null,"b":"-","c":"none","d":{},"e":[],"f":{"g":""},"h":["-"],"i":"None","j":[{"k":"none"},1]}`, `{i=None, j=[1]}`},
		{`{"a":"x\"y\\\n","b":true,"c":false}`, "{a=x\"y\\\n, b=true, c=false}"},
		{`"plain"`, `plain`},
		{`{"\u0061":"\u002d","b":"\u006eone","c":"\ud83d\ude00"}`, "{c=😀}"},
	} {
		tape := parse(t, c.in)
		assert.Equal(t, c.want, string(tape.AppendJava(nil, 1, None)), c.in)
	}
}

// The bucket count follows from all keys, the pruned ones too.
func TestOrderCapacityBeforePruning(t *testing.T) {
	// 13 keys make 32 buckets; "a" (97) and "q" (113) share a bucket of 16 but not of 32.
	var pad strings.Builder
	for i := range 11 {
		fmt.Fprintf(&pad, `,"zz%d":null`, i)
	}
	tape := parse(t, `{"q":1,"a":2`+pad.String()+`}`)
	assert.Equal(t, `{a=2, q=1}`, string(tape.AppendJava(nil, 1, None)))
	tape = parse(t, `{"q":1,"a":2,"b":null}`)
	assert.Equal(t, `{q=1, a=2}`, string(tape.AppendJava(nil, 1, None)))
}

// Nine keys in one bucket make a small table grow, once for each key from the ninth on.
func TestCapacityOfCrowdedBuckets(t *testing.T) {
	var o orderer
	same := func(n int) []int32 {
		h := make([]int32, n)
		for i := range h {
			h[i] = 5
		}
		return h
	}
	for n, want := range map[int]int{8: 16, 9: 32, 10: 64, 11: 64, 12: 64, 13: 64, 48: 64, 49: 128} {
		assert.Equal(t, want, o.capacity(same(n)), "%d equal codes", n)
	}
	spreadOut := make([]int32, 25)
	for i := range spreadOut {
		spreadOut[i] = int32(i)
	}
	for n, want := range map[int]int{12: 16, 13: 32, 24: 32, 25: 64} {
		assert.Equal(t, want, o.capacity(spreadOut[:n]), "%d different codes", n)
	}
}

func TestHashKey(t *testing.T) {
	assert.EqualValues(t, 990079670, hashKey([]byte("newUserName")))
	assert.EqualValues(t, uint32(0xffffffff-266666762+1), hashKey([]byte("userName")))
	for _, s := range []string{"", "ключ", "日本", "a😀b", "é"} {
		var want uint32
		for _, u := range utf16.Encode([]rune(s)) {
			want = 31*want + uint32(u)
		}
		assert.Equal(t, want, hashKey([]byte(s)), s)
	}
}

func TestAppendJSON(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"a":1,"b":"x"}`, `{"a":1,"b":"x"}`},
		{` { "a" : 1 , "b" : [ 1 , 2 ] } `, `{"a":1,"b":[1,2]}`},
		{`{"a":{"b":null,"c":[{"d":"-"},2]},"e":"none"}`, `{"a":{"c":[2]}}`},
		{`{"a\"b":1,"n":null,"\u0001":2}`, `{"a\"b":1,"\u0001":2}`},
	} {
		tape := parse(t, c.in)
		got := tape.AppendJSON(nil, 1, None)
		assert.Equal(t, c.want, string(got), c.in)
		assert.True(t, json.Valid(got))
	}
	tape := parse(t, `{"a":1,"b":2}`)
	assert.Equal(t, `{"b":2}`, string(tape.AppendJSON(nil, 1, tape.Member(1, "a"))))
	assert.Equal(t, `{b=2}`, string(tape.AppendJava(nil, 1, tape.Member(1, "a"))))
}

func TestRefused(t *testing.T) {
	for _, in := range []string{
		`hello`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `[1,]`, `[1 2]`, `{"a" 1}`, `{a:1}`, `"x`, `"\x"`, `"\u12g4"`, `"\u12`, `"\`,
		`01`, `1.`, `1e`, `-`, `+1`, `.5`, `1x`, `nul`, `truex`, `{"a":1}}`, `{"a":1} {"b":2}`, `[}`, `{]`, "\"a\nb\"", `NaN`,
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `[{"x":{"y":1,"z":2,"y":3}}]`, strings.Repeat("1", 1001),
		strings.Repeat("[", 1001) + strings.Repeat("]", 1001), "{\"a\":1}\x00",
	} {
		err := new(Tape).Parse([]byte(in))
		var syntax *SyntaxError
		if assert.ErrorAs(t, err, &syntax, in) {
			assert.LessOrEqual(t, syntax.Offset, len(in))
		}
	}
	assert.NoError(t, new(Tape).Parse([]byte(strings.Repeat("[", 1000)+"1"+strings.Repeat("]", 1000))))
}

// A key that stands twice is found in objects of every size, also where the codes collide.
func TestDuplicateKeyInLargeObjects(t *testing.T) {
	for _, n := range []int{2, 30, 64, 65, 300, 5000} {
		var b strings.Builder
		b.WriteString(`{"k0":0`)
		for i := 1; i < n; i++ {
			fmt.Fprintf(&b, `,"k%d":%d`, i, i)
		}
		require.NoError(t, new(Tape).Parse([]byte(b.String()+"}")), n)
		fmt.Fprintf(&b, `,"k%d":1}`, n/2)
		assert.ErrorContains(t, new(Tape).Parse([]byte(b.String())), "duplicate field", n)
	}
	// "Aa" and "BB" have the same code: 2^10 keys with one code are no duplicates.
	var b strings.Builder
	b.WriteByte('{')
	for i := range 1024 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		for bit := range 10 {
			b.WriteString([]string{"Aa", "BB"}[i>>bit&1])
		}
		b.WriteString(`":1`)
	}
	b.WriteByte('}')
	require.NoError(t, new(Tape).Parse([]byte(b.String())))
}

func TestMemberAndPath(t *testing.T) {
	tape := parse(t, `{"a":{"b":{"c":"x"},"n":null},"l":[{"c":1}],"\u0065":5}`)
	i := tape.Path(1, "a", "b", "c")
	require.True(t, tape.Is(i, String))
	assert.Equal(t, "x", string(tape.Raw(i)))
	assert.Equal(t, None, tape.Path(1, "a", "n"))
	assert.Equal(t, None, tape.Path(1, "l", "c"))
	assert.Equal(t, None, tape.Member(None, "a"))
	assert.True(t, tape.Is(tape.Member(1, "e"), Int))
	var got []string
	for c := tape.First(1); c != None; c = tape.Next(1, c) {
		got = append(got, tape.Key(c))
	}
	assert.Equal(t, []string{"a", "l", "e"}, got)
}

func TestUnitsBelow(t *testing.T) {
	for _, c := range []struct {
		s     string
		units int
	}{{"abc", 3}, {"日本", 2}, {"😀", 2}, {"a😀é", 4}, {"", 0}} {
		assert.True(t, UnitsBelow([]byte(c.s), c.units+1), c.s)
		assert.False(t, UnitsBelow([]byte(c.s), c.units), c.s)
	}
}

// describe is all that t says of node i.
func describe(t *Tape, i int32) string {
	if i == None {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %v %v %s", t.Kind(i), t.Pruned(i), t.nodes[i].flags&flagDirty != 0, t.Raw(i))
	if t.Is(i, Object) || t.Is(i, Array) {
		fmt.Fprintf(&b, "%d [%s] %s", t.Len(i), t.AppendJava(nil, i, None), t.AppendJSON(nil, i, None))
		for c := t.First(i); c != None; c = t.Next(i, c) {
			if t.Is(i, Object) {
				fmt.Fprintf(&b, ", %q", t.Key(c))
			}
			b.WriteString(describe(t, c))
		}
	}
	return b.String()
}

// What a tape has seen before never changes what it says of a text.
func TestKnownKeys(t *testing.T) {
	var many, collide strings.Builder
	for i := range 3 * maxKnown / 2 {
		fmt.Fprintf(&many, `"k%d":{"a":%d},`, i, i)
	}
	for i := range 200 { // 31*(c+1)+(d-31) is 31*c+d: one code for all
		fmt.Fprintf(&collide, `"%s":1,`, strings.NewReplacer("0", "Aa", "1", "BB").Replace(fmt.Sprintf("%08b", i)))
	}
	long := strings.Repeat("x", maxKnownKey)
	texts := []string{
		`{"a":1,"b":{"a":2,"c":[{"x":1,"y":2},{"x":3,"y":4},[{"y":5,"x":6}]]},"c":3}`,
		`{"a":1,"b":{"c":2,"a":[]},"c":3}`, `{"c":1,"b":2,"a":3}`, `{"a":1,"b":{"a":2,"c":{"x":1,"x":2}}}`, `{"a":1,"a":2}`, `{"a":1,"b":2,"a":3,`,
		`{"a" : 1, "b": {"a":2}}`, `{"\u0061":1,"b":2}`, `{"a":1,"\u0061":2}`, `{"q\"":1,"z":2}`, `{"q\"":1,"z":2,"q\u0022":3}`, `{"":1,"z":2}`, `{"":1,"":2}`,
		`{"` + long + `":1,"b":{"` + long + `":1}}`, `{"` + long + `":1,"` + long + `":2}`, `{"é":1,"a":2}`, `[{"a":1},{"a":2}]`, `{"a":{"a":{"a":{"a":1}}}}`, `{"a"`, `{"a":1,"b"`,
		`{` + many.String() + `"z":1}`, `{` + many.String() + `"k7":1}`, `{` + collide.String() + `"z":1}`, `{` + collide.String() + collide.String()[:20] + `"z":1}`,
		`{"` + long + `":{"a":1,"b":2}}`,
	}
	used := new(Tape)
	for range 3 {
		for _, text := range append(texts, texts[0], texts[2]) {
			fresh := new(Tape)
			err := fresh.Parse([]byte(text))
			assert.Equal(t, err, used.Parse([]byte(text)))
			assert.Equal(t, describe(fresh, fresh.Root()), describe(used, used.Root()))
		}
		assert.LessOrEqual(t, len(used.known.keys), maxKnown)
	}
	assert.Greater(t, used.Generation(), 2)
}

// Keys outlive the tape's knowledge of them.
func TestKeysStay(t *testing.T) {
	tape := parse(t, `{"\u0061b":1,"\u0061`+strings.Repeat("y", 200)+`":2}`)
	first, second := tape.Key(2), tape.Key(3)
	require.NoError(t, tape.Parse([]byte(`{"\u0062c":1,"\u0062`+strings.Repeat("z", 200)+`":2}`)))
	assert.Equal(t, "ab", first)
	assert.Equal(t, "a"+strings.Repeat("y", 200), second)
}

// Bytes that are not UTF-8 are read as U+FFFD, each.
func TestSource(t *testing.T) {
	tape := parse(t, "{\"a\":\"\xff\xe9\",\"b\xfe\":2}")
	assert.Equal(t, "{\"a\":\"\ufffd\ufffd\",\"b\ufffd\":2}", string(tape.Source()))
	assert.Equal(t, "{a=\ufffd\ufffd, b\ufffd=2}", string(tape.AppendJava(nil, 1, None)))
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"x\ud83d\ude00",null,true]}`, `{"Records":[{"a":"-"}]}`, ` [ ] `, `"\u002d"`, `{"a":1,"a":2}`, `1E1000`} {
		f.Add([]byte(s))
	}
	used := new(Tape) // it knows the keys of all texts before, and objects that come again
	used.Repeat("a", "Records")
	f.Fuzz(func(t *testing.T, src []byte) {
		tape := new(Tape)
		err := tape.Parse(src)
		for range 2 {
			require.Equal(t, err, used.Parse(src))
			require.Equal(t, describe(tape, tape.Root()), describe(used, used.Root()))
		}
		src = tape.Source()
		require.Equal(t, describe(tape, tape.Root()), describe(used, used.Root()))
		if err != nil {
			return // stricter than encoding/json: duplicate keys, depth, length of numbers
		}
		if tape.Root() == None {
			require.Empty(t, strings.TrimLeft(string(src), " \t\r\n"))
			return
		}
		require.True(t, json.Valid(src), "accepted what is not JSON: %q", src)
		if !tape.Pruned(1) {
			out := tape.AppendJSON(nil, 1, None)
			require.True(t, json.Valid(out), "%q gave %q", src, out)
			again := new(Tape)
			require.NoError(t, again.Parse(out))
			require.Equal(t, string(tape.AppendJava(nil, 1, None)), string(again.AppendJava(nil, 1, None)))
		}
	})
}

func TestNoAllocations(t *testing.T) {
	src := []byte(`{"a":{"b":[1,2,3],"c":"x\ny"},"d":"none","e":{"f":1,"g":2,"h":3,"i":4,"j":5,"k":6,"l":7,"m":8,"n":9,"o":1.5}}`)
	tape, buf := new(Tape), make([]byte, 0, 1024)
	run := func() {
		if tape.Parse(src) != nil {
			t.Fatal("refused")
		}
		buf = tape.AppendJava(buf[:0], 1, None)
		buf = tape.AppendJSON(buf[:0], 1, None)
	}
	run()
	assert.Zero(t, testing.AllocsPerRun(100, run))
}
