package ecs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestArenaKeepsWhatItHandedOut(t *testing.T) {
	var a Arena
	var got, want []string
	for i := range 3000 {
		s := strings.Repeat(string(rune('a'+i%26)), i%97)
		want = append(want, s, s, s+"-"+s, s)
		got = append(got, a.CopyString(s), a.Copy([]byte(s)), a.Concat(s, "-", s), a.Keep(append(a.Buffer(), s...)))
	}
	assert.Equal(t, want, got)
}

func TestArenaCopies(t *testing.T) {
	var a Arena
	b := []byte("abc")
	s := a.Copy(b)
	b[0] = 'x'
	assert.Equal(t, "abc", s)
}

func TestArenaGrab(t *testing.T) {
	var a Arena
	first := a.Grab(4)
	second := a.Grab(4)
	require.Empty(t, first)
	require.Equal(t, 4, cap(first))
	first = append(first, "12345678"...) // more than was asked for
	second = append(second, "abcd"...)
	assert.Equal(t, "12345678", string(first))
	assert.Equal(t, "abcd", string(second))
}

func TestArenaBufferOutgrowsTheBlock(t *testing.T) {
	var a Arena
	before := a.CopyString("before")
	long := strings.Repeat("x", 3*arenaStart)
	kept := a.Keep(append(a.Buffer(), long...))
	after := a.CopyString("after")
	empty := a.Keep(a.Buffer())
	assert.Equal(t, []string{"before", long, "after", ""}, []string{before, kept, after, empty})
}

func TestArenaKeepBytesIsFull(t *testing.T) {
	var a Arena
	b := a.KeepBytes(append(a.Buffer(), "abc"...))
	s := a.CopyString("def")
	_ = append(b, "XYZ"...)
	assert.Equal(t, "def", s)
}

func TestArenaReset(t *testing.T) {
	var a Arena
	a.CopyString(strings.Repeat("x", 10_000))
	kept := cap(a.block)
	a.Reset()
	assert.Equal(t, kept, cap(a.block), "memory is kept")
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		a.CopyString("some text")
		a.Keep(append(a.Buffer(), "more text"...))
		a.Reset()
	}))

	a.CopyString(strings.Repeat("x", arenaKeep+1))
	a.Reset()
	assert.Zero(t, cap(a.block), "the block of a giant record is given back")
}

// Documents whose texts outgrow the block find room in it after a few of them.
func TestArenaSettles(t *testing.T) {
	var a Arena
	document := func() {
		a.Reset()
		a.Keep(append(a.Buffer(), make([]byte, 3000)...))
		a.Keep(append(a.Buffer(), make([]byte, 3000)...))
		a.Grab(100)
	}
	document()
	document()
	assert.Zero(t, testing.AllocsPerRun(10, document))
}
