package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/locked"
)

// reloadWorld is a run whose requests come from the test.
type reloadWorld struct {
	*world
	t     *testing.T
	file  string
	asked chan struct{}
	log   locked.Buffer
	stop  context.CancelFunc
	done  chan error
}

func startReloading(t *testing.T, text string, onWrite func()) *reloadWorld {
	dir := t.TempDir()
	r := &reloadWorld{world: &world{onWrite: onWrite}, t: t, file: filepath.Join(dir, "c.yml"), asked: make(chan struct{}), done: make(chan error, 1)}
	r.write(text)
	a := &app{IO: IO{Stdin: strings.NewReader(""), Stdout: &r.log, Stderr: &r.log}, components: r.components()}
	a.out = &stdout{w: &r.log}
	a.flags.files = []string{r.file}
	a.flags.path.Home = dir
	s, err := a.load()
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() {
		r.done <- a.runReloading(ctx, s, func(s *settings) shipment { return shipment{sources: s.openInputs} }, r.asked)
	}()
	return r
}

func (r *reloadWorld) write(text string) {
	require.NoError(r.t, os.WriteFile(r.file, []byte(text), 0o600))
}

func (r *reloadWorld) ask() { r.asked <- struct{}{} }

func (r *reloadWorld) until(what string, met func() bool) {
	require.Eventually(r.t, met, time.Minute, time.Millisecond, what)
}

func (r *reloadWorld) untilLogged(text string) {
	r.until(text, func() bool { return strings.Contains(r.log.String(), text) })
}

func (r *reloadWorld) noted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.notes...)
}

func (r *reloadWorld) end() {
	r.stop()
	require.NoError(r.t, <-r.done)
}

func reloadConfig(id, event string) string {
	return "trailbeat.inputs: [{type: fake, id: " + id + ", records: ['{\"eventID\":\"" + event + "\"}']}]\noutput.fake: {}\n"
}

func TestReload(t *testing.T) {
	r := startReloading(t, reloadConfig("a", "1"), nil)
	r.until("the first batch", func() bool { return len(r.noted()) > 1 })

	r.write("trailbeat.inputs: [{type: fake, fail: invalid}]\noutput.fakes: {}\n")
	r.ask()
	r.untilLogged("not reloaded, nothing is changed")
	assert.Contains(t, r.log.String(), "option=trailbeat.inputs.0.fail")
	assert.Contains(t, r.log.String(), "option=output.fakes")
	assert.NotContains(t, strings.Join(r.noted(), "\n"), "close", "the invalid one stopped the run")

	r.write(reloadConfig("b", "2") + "path.data: elsewhere\n")
	r.ask()
	r.untilLogged("this process keeps its checkpoints in")

	r.write("trailbeat.inputs: []\noutput.fake: {}\n")
	r.ask()
	r.untilLogged("no input is configured")

	r.write(reloadConfig("b", "2"))
	r.ask()
	r.untilLogged("reloading: the new configuration is valid")
	r.until("the batch of the new input", func() bool { return strings.Contains(strings.Join(r.noted(), "\n"), "ack b") })
	r.end()
	assert.Equal(t, []string{
		"setup dry=false overwrite=false", "ack a <nil>", "close input a", "close output",
		"setup dry=false overwrite=false", "ack b <nil>", "close input b", "close output",
	}, r.noted())
	assert.Len(t, r.docs, 2)
}

// What is being written when the request comes is written to its end, and acknowledged, before anything is opened anew.
func TestReloadFinishesWhatIsInFlight(t *testing.T) {
	writing, goOn := make(chan struct{}, 2), make(chan struct{})
	r := startReloading(t, reloadConfig("a", "1"), func() { writing <- struct{}{}; <-goOn })
	<-writing
	r.write(reloadConfig("b", "2"))
	r.ask()
	r.untilLogged("stopping: no more is read")
	close(goOn)
	r.until("the batch of the new input", func() bool { return strings.Contains(strings.Join(r.noted(), "\n"), "ack b") })
	r.end()
	assert.Equal(t, []string{
		"setup dry=false overwrite=false", "ack a <nil>", "close input a", "close output",
		"setup dry=false overwrite=false", "ack b <nil>", "close input b", "close output",
	}, r.noted())
	assert.Contains(t, r.log.String(), "received 1 = 1 indexed + 0 duplicate + 0 filtered + 0 dead_lettered + 0 returned\n")
}

// A configuration that is valid and cannot be opened is given up for the one before.
func TestReloadGoesBack(t *testing.T) {
	r := startReloading(t, reloadConfig("a", "1"), nil)
	r.until("the first batch", func() bool { return len(r.noted()) > 1 })
	r.write(strings.Replace(reloadConfig("b", "2"), "output.fake: {}", "output.fake: {fail: open}", 1))
	r.ask()
	r.untilLogged("the new configuration cannot be started; going on with the one before")
	r.until("the run before again", func() bool { return strings.Count(strings.Join(r.noted(), "\n"), "ack a") == 2 })
	r.write(reloadConfig("c", "3"))
	r.ask()
	r.until("the next one", func() bool { return strings.Contains(strings.Join(r.noted(), "\n"), "ack c") })
	r.end()
	assert.NotContains(t, strings.Join(r.noted(), "\n"), "ack b")
	assert.Contains(t, r.log.String(), "no such disk")
}
