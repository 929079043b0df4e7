package e2e

import (
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// number reads a variable of the environment.
func number(t *testing.T, variable string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, variable)
	return n
}

// The shipper is killed at random moments, again and again: TRAILBEAT_TEST_KILLS times (default 8, 100 for the full test).
// The seed is printed; TRAILBEAT_TEST_SEED takes one. Some records end among the dead letters, so that those are
// interrupted too.
func TestFaultShipperKilled(t *testing.T) {
	const every = 50
	kills := int(number(t, "TRAILBEAT_TEST_KILLS", 8))
	seed := number(t, "TRAILBEAT_TEST_SEED", uint64(time.Now().UnixNano()))
	t.Logf("TRAILBEAT_TEST_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s := newScene(t, "killed", newTrail(t, 2, 500, conflicts(every)))
	mend := s.mistype()
	ended, moments := 0, map[string]int{}
	for done := 0; done < kills; {
		var timer <-chan time.Time
		now := make(chan struct{}, 1)
		bulks, _, _ := s.wire.seen()
		at := bulks + 1 + random.IntN(8)
		hook := func(n int) {
			if n == at {
				now <- struct{}{}
			}
		}
		moment := []string{"at a time", "before a request", "before its answer"}[random.IntN(3)]
		switch moment {
		case "at a time": // which is nothing to wait for: the moment is the fault
			timer = time.After(time.Duration(random.Int64N(int64(500 * time.Millisecond))))
			s.wire.watch(nil, nil)
		case "before a request":
			s.wire.watch(hook, nil)
		default:
			s.wire.watch(nil, hook)
		}
		run := s.start("run")
		select {
		case <-timer:
		case <-now:
		case <-run.ended:
		}
		_ = run.cmd.Process.Kill() // it may have ended
		<-run.ended
		if status, ok := run.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && !status.Signaled() {
			require.NoError(t, run.err, run.output())
			s.trail.add(t, 500) // all is delivered: the next needs something to do
			ended++
			continue
		}
		moments[moment]++
		done++
	}
	s.wire.watch(nil, nil)
	s.start("run").good()
	t.Logf("%d events; killed %v; %d runs ended before their kill", len(s.trail.ids), moments, ended)
	s.check(s.trail.conflicting(every)...)

	// So is the replay: the engine has the documents, and the shipper does not know.
	mend()
	answered := make(chan struct{}, 1)
	s.wire.watch(nil, func(int) {
		select {
		case answered <- struct{}{}:
		default:
		}
	})
	replay := s.start("replay")
	select {
	case <-answered:
		require.NoError(t, replay.cmd.Process.Kill())
	case <-replay.ended:
	}
	<-replay.ended
	require.Error(t, replay.err, "the replay ended before it could be killed")
	s.wire.watch(nil, nil)
	a := s.start("replay").good()
	assert.Equal(t, len(s.trail.conflicting(every)), a.received)
	assert.NotZero(t, a.duplicate)
	s.check()
}

// The engine is killed while the shipper runs, and started again on what it had stored. TRAILBEAT_TEST_ENGINE_CONTROL
// holds the path of the script that controls it, and the name of the node.
func TestFaultEngineKilled(t *testing.T) {
	control := strings.Fields(os.Getenv("TRAILBEAT_TEST_ENGINE_CONTROL"))
	if len(control) != 2 {
		t.Skip("needs an engine that it may kill: put the path of the script that started it and the name of its node into TRAILBEAT_TEST_ENGINE_CONTROL, as \"/path/to/elasticsearch default\"")
	}
	s := newScene(t, "engine", newTrail(t, 6, 1000, nil))
	command := func(verb string) string {
		// Its output is not held open by the node that it leaves behind, as that has files of its own.
		out, err := exec.CommandContext(s.ctx, control[0], verb, "--name", control[1]).Output()
		require.NoError(t, err, "%s %s", control[0], verb)
		return string(out)
	}
	pid := 0
	for line := range strings.Lines(command("env")) {
		if _, value, ok := strings.Cut(strings.TrimSpace(line), "_PID="); ok {
			var err error
			pid, err = strconv.Atoi(value)
			require.NoError(t, err)
		}
	}
	require.NotZero(t, pid)
	engine, err := os.FindProcess(pid)
	require.NoError(t, err)

	// Straight to the engine: what the shipper meets is the real thing.
	run := s.start("run", "output.elasticsearch.hosts="+s.engine.URL)
	s.until("some documents", func() bool { return stored(t, s.engine.URL, s.stream) > 500 })
	require.NoError(t, engine.Kill())
	run.says("output is down")
	assert.False(t, run.hasEnded())
	command("restart")
	s.engine.Must(t, http.MethodGet, "/", "")
	a := run.good()
	assert.Equal(t, len(s.trail.ids), a.received)
	s.check()
}
