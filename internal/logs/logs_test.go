package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/locked"
)

func TestNamesOfECS(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(New(&out, Options{JSON: true}))
	log.Warn("receiving failed", "error.message", errors.New("no route"), "input.id", "a")
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line), out.String())
	at, err := time.Parse(time.RFC3339Nano, line["@timestamp"].(string))
	require.NoError(t, err)
	assert.Equal(t, time.UTC, at.Location())
	delete(line, "@timestamp")
	assert.Equal(t, map[string]any{
		"log.level": "warn", "message": "receiving failed", "error.message": "no route", "input.id": "a",
		"ecs.version": "8.11.0", "log.logger": "trailbeat", "service.name": "trailbeat",
	}, line)
	log.Debug("not at this level")
	assert.Equal(t, 1, strings.Count(out.String(), "\n"))
}

// lines without their times.
func lines(out *locked.Buffer) []string {
	var all []string
	for line := range strings.Lines(out.String()) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		all = append(all, strings.TrimPrefix(rest, "level="))
	}
	out.Reset()
	return all
}

func TestRepetitionsAreSummedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out locked.Buffer
		kind := func(err error) string { return strings.Fields(err.Error())[0] }
		h := NewRepeats(New(&out, Options{}), kind)
		log := slog.New(h)
		for i := range 1000 {
			log.Error("reading failed", "error.message", fmt.Errorf("denied %d", i))
			time.Sleep(time.Millisecond)
		}
		log.Error("reading failed", "error.message", errors.New("network down")) // another kind
		log.Warn("reading failed", "error.message", errors.New("denied"))        // another level
		log.With("input.id", "b").Error("reading failed", "error.message", errors.New("denied too"))
		log.Info("going on")
		log.Info("going on")
		synctest.Wait()
		assert.Equal(t, []string{
			`ERROR msg="reading failed" error.message="denied 0"`, `ERROR msg="reading failed" error.message="network down"`,
			`WARN msg="reading failed" error.message=denied`, `ERROR msg="reading failed" input.id=b error.message="denied too"`,
			`INFO msg="going on"`, `INFO msg="going on"`,
		}, lines(&out))

		// The sum comes by itself, and those that come after it are summed up again.
		time.Sleep(window)
		synctest.Wait()
		assert.Equal(t, []string{`ERROR msg="reading failed" error.message="denied 999" trailbeat.repeated=999`}, lines(&out))
		log.Error("reading failed", "error.message", errors.New("denied again"))
		synctest.Wait()
		assert.Empty(t, lines(&out))
		time.Sleep(window)
		synctest.Wait()
		assert.Equal(t, []string{`ERROR msg="reading failed" error.message="denied again"`}, lines(&out))

		// After a pause it is news again.
		time.Sleep(3 * window)
		log.Error("reading failed", "error.message", errors.New("denied"))
		synctest.Wait()
		assert.Len(t, lines(&out), 1)
		log.Error("reading failed", "error.message", errors.New("denied at the end"))
		h.Flush()
		assert.Equal(t, []string{`ERROR msg="reading failed" error.message="denied at the end"`}, lines(&out))
	})
}

// What the configuration tells apart is never left out.
func TestOptionsAreKindsOfTheirOwn(t *testing.T) {
	var out locked.Buffer
	log := slog.New(NewRepeats(New(&out, Options{}), nil))
	log.Warn("option has no effect", "option", "a")
	log.Warn("option has no effect", "option", "b")
	assert.Len(t, lines(&out), 2)
}

func TestMemoryOfRepetitionsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out locked.Buffer
		h := NewRepeats(New(&out, Options{}), nil)
		log := slog.New(h)
		log.Warn("the oldest")
		log.Warn("the oldest")
		for i := range 10 * mostKinds {
			log.Warn("long", "option", strings.Repeat("x", 2*longestKey), "input.id", i) // keys end before the id
			log.Warn("many", "input.id", i)
		}
		assert.Len(t, h.state.open, mostKinds)
		assert.Len(t, h.state.order, mostKinds)
		for key := range h.state.open {
			assert.LessOrEqual(t, len(key), longestKey)
		}
		h.Flush()
		assert.Empty(t, h.state.open)
		text := out.String()
		assert.Equal(t, 2, strings.Count(text, "the oldest"), "what is pushed out is written before")
		for i := range 10 * mostKinds {
			require.Contains(t, text, fmt.Sprintf("msg=many input.id=%d\n", i))
		}
	})
}

func BenchmarkRepeats(b *testing.B) {
	log := slog.New(NewRepeats(New(io.Discard, Options{}), nil))
	err := errors.New("denied")
	for b.Loop() {
		log.Warn("reading failed", "error.message", err)
	}
}
