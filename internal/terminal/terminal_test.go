package terminal

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/locked"
)

func TestWhatIsNoTerminal(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	require.NoError(t, err)
	defer func() { _ = null.Close() }()
	assert.False(t, Is(null))
	assert.False(t, Colours(null))
	assert.False(t, Is(&bytes.Buffer{}))
	width, height := Size(null)
	assert.Equal(t, [2]int{DefaultWidth, DefaultHeight}, [2]int{width, height})
}

func TestText(t *testing.T) {
	// Names out of events may hold anything: nothing of it may move the cursor or change the title.
	assert.Equal(t, "[31mred  ]0;title  two", Clean("\x1b[31mred\x07\x1b]0;title\r\ntwo\xff"))
	assert.Equal(t, "Zürich", Clean("Zürich"))
	assert.Equal(t, "abc…", Fit("abcdef", 4))
	assert.Equal(t, "abcd", Fit("abcd", 4))
	assert.Empty(t, Fit("abc", 0))
	assert.Equal(t, "ü   ", Pad("ü", 4))
	assert.Equal(t, "x", Style{}.Bad("x"))
	assert.Equal(t, "\x1b[31mx\x1b[0m", Style{On: true}.Bad("x"))
	for v, want := range map[float64]string{0: "0", 7: "7", 0.5: "0.50", 12.34: "12.3", 999: "999", 999.7: "1.00k", 1234: "1.23k", 12345678: "12.3M", 5e9: "5G"} {
		assert.Equal(t, want, Count(v), v)
	}
	assert.Equal(t, "12 B", Bytes(12))
	assert.Equal(t, "1.50 kB", Bytes(1500))
	for d, want := range map[time.Duration]string{
		0: "0ms", 850 * time.Millisecond: "850ms", 1540 * time.Millisecond: "1.5s", 59 * time.Second: "59s", 185 * time.Second: "3m05s",
		2*time.Hour + 4*time.Minute: "2h04m", 123 * time.Hour: "5d03h", -time.Minute: "-1m00s",
	} {
		assert.Equal(t, want, Duration(d))
	}
	assert.Equal(t, " ▁▅█", Spark([]float64{0, 0.01, 5, 10}))
	assert.Equal(t, "  ", Spark([]float64{0, 0}))
	assert.Equal(t, "██░░", Bar(0.5, 4))
	assert.Equal(t, "████", Bar(7, 4))
}

// Lines that are written meanwhile stay whole, and the status is below them.
func TestStatusOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out locked.Buffer
		s := &Status{out: &out, live: true, width: func() int { return 10 }}
		n := 0
		log := s.Writer(&out)
		s.Start(func() string { n++; return fmt.Sprintf("%d read of a million", n) })
		fmt.Fprintln(log, "before")
		time.Sleep(redrawEvery)
		synctest.Wait()
		fmt.Fprintln(log, "between")
		time.Sleep(redrawEvery)
		synctest.Wait()
		s.Stop()
		fmt.Fprintln(log, "after")
		assert.Equal(t, "before\n"+"1 read o…"+"\r\x1b[K"+"between\n"+"1 read o…"+"\r\x1b[K"+"2 read o…"+"\r\x1b[K"+"after\n", out.String())
		s.Stop() // twice does nothing
	})
}

func TestStatusElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out locked.Buffer
		s := NewStatus(&out)
		assert.Same(t, &out, s.Writer(&out))
		s.Start(func() string { return "some read" })
		time.Sleep(plainEvery - time.Second)
		synctest.Wait()
		assert.Empty(t, out.String(), "short runs say nothing")
		time.Sleep(plainEvery)
		synctest.Wait()
		assert.Equal(t, "some read\n", out.String())
		s.Stop()
	})
	var none *Status
	none.Start(nil)
	none.Stop()
	assert.Same(t, os.Stderr, none.Writer(os.Stderr))
}
