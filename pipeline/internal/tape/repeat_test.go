package tape

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An object that was copied is the one that would have been read, whatever stands around it.
func TestRepeatedObjects(t *testing.T) {
	object := `{"a":"x","b":{"c":[1,null,{"d":"-"}],"e":"y\"z"},"f":{},"g":"é", "h":true}`
	texts := []string{
		`{"id":1,"who":` + object + `,"z":2}`, `{"who":` + object + `}`, ` { "who" : ` + object + ` } `, `{"who":[` + object + `,` + object + `]}`, `{"who":[[` + object + `]],"x":1}`,
		`{"in":{"who":` + object + `}}`, `{"who":` + object[:len(object)-1] + `,"i":1}}`, `{"who":` + object[:len(object)-1], `{"who":` + object, `{"who":` + object + `,"who":` + object + `}`,
		`{"who":` + object + object + `}`, `{"who":` + strings.Replace(object, "true", "false", 1) + `}`, `{"who":{"a":"x","a":"x"}}`, `{"who":"` + `x"}`, `{"who":{}}`, `{"who":{"a":null}}`,
		`{"who":{"long":"` + strings.Repeat("x", maxRepeatText) + `"}}`, `{"who":{"many":[` + strings.Repeat(`1,`, maxRepeatNodes) + `1]}}`, `{"other":` + object + `}`, `[` + object + `]`,
		`{"who":{"` + strings.Repeat("k", maxKnownKey) + `":1}}`,
	}
	for n := range 2 * repeatWays {
		texts = append(texts, fmt.Sprintf(`{"n":%d,"who":{"a":"x%d"},"also":{"b":%d}}`, n, n, n))
	}
	used := new(Tape)
	used.Repeat("who", "also")
	for round := range 3 {
		for i := range texts {
			for _, text := range []string{texts[i], texts[len(texts)-1-i], texts[i]} {
				fresh := new(Tape)
				require.Equal(t, fresh.Parse([]byte(text)), used.Parse([]byte(text)), text)
				require.Equal(t, describe(fresh, fresh.Root()), describe(used, used.Root()), text)
				require.Equal(t, len(fresh.nodes), len(used.nodes), text)
				for n := range fresh.nodes {
					a, b := fresh.nodes[n], used.nodes[n]
					a.key, b.key = 0, 0 // numbers are each tape's own
					require.Equal(t, a, b, "node %d of %s in round %d", n, text, round)
				}
			}
		}
	}
}

// Objects of one number are equal, and equal objects have one number while they are kept.
func TestRepeatedNumbers(t *testing.T) {
	tape := new(Tape)
	tape.Repeat("who")
	number := func(text string) uint64 {
		require.NoError(t, tape.Parse([]byte(text)))
		place, number := tape.Repeated(tape.Member(tape.Root(), "who"))
		assert.Less(t, place, RepeatPlaces)
		return number
	}
	first := number(`{"who":{"a":"1"}}`)
	assert.NotZero(t, first)
	second := number(`{"x":7,"who":{"a":"2"}}`)
	assert.NotEqual(t, first, second)
	assert.Equal(t, first, number(`{"y":"before","who":{"a":"1"},"z":8}`))
	assert.Zero(t, number(`{"a":"1"}`))
	assert.Zero(t, number(`{"who":[{"a":"1"}]}`), "the list is not the object")
	assert.Zero(t, number(`{"who":"a"}`))
	assert.Zero(t, number(`{"who":{"a":"`+strings.Repeat("x", maxRepeatText)+`"}}`), "too long to be kept")
	assert.Equal(t, second, number(`{"who":{"a":"2"}}`))
	for n := range repeatWays {
		number(fmt.Sprintf(`{"who":{"a":"other %d"}}`, n))
	}
	again := number(`{"who":{"a":"1"}}`)
	assert.NotZero(t, again)
	assert.NotEqual(t, first, again, "it was driven out")
	var keys strings.Builder // so many that all are forgotten
	for n := range maxKnown {
		fmt.Fprintf(&keys, `,"k%d":1`, n)
	}
	number(`{"who":{"a":"1"}` + keys.String() + `}`)
	anew := number(`{"who":{"a":"1"}}`)
	assert.NotEqual(t, again, anew)
	assert.Equal(t, anew, number(`{"who":{"a":"1"}}`))
}

// What nests as deep as allowed stays so where it is met deeper.
func TestRepeatedDepth(t *testing.T) {
	tape := new(Tape)
	tape.Repeat("who")
	deep := `{"a":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`
	require.NoError(t, tape.Parse([]byte(`{"who":`+deep+`}`)))
	around := MaxDepth - 21
	text := []byte(`{"who":` + strings.Repeat("[", around) + deep + strings.Repeat("]", around) + `}`)
	assert.Error(t, tape.Parse(text))
	assert.Equal(t, new(Tape).Parse(text), tape.Parse(text))
}

func TestRepeatsAllocateNothing(t *testing.T) {
	tape := new(Tape)
	tape.Repeat("who")
	var texts [][]byte
	for n := range 2 * repeatWays {
		texts = append(texts, fmt.Appendf(nil, `{"n":%d,"who":{"a":"x%d","b":{"c":[1,2,3]}}}`, n, n))
	}
	run := func() {
		for _, text := range texts {
			if tape.Parse(text) != nil {
				t.Fatal("refused")
			}
		}
	}
	run()
	assert.Zero(t, testing.AllocsPerRun(20, run))
}

// Where nothing comes again there is little to look for, and what comes again later is found all the same.
func TestRepeatsAfterAFlood(t *testing.T) {
	tape := new(Tape)
	tape.Repeat("who")
	parse := func(id int) uint64 {
		require.NoError(t, tape.Parse(fmt.Appendf(nil, `{"who":{"id":%d}}`, id)))
		_, number := tape.Repeated(tape.Member(tape.Root(), "who"))
		return number
	}
	kept := 0
	for n := range 1000 {
		if parse(n) != 0 {
			kept++
		}
	}
	assert.Less(t, kept, 1000/triedAnyway+2*mostCredit)
	for range 3 * triedAnyway {
		parse(-1)
	}
	number := parse(-1)
	assert.NotZero(t, number)
	assert.Equal(t, number, parse(-1))
}
