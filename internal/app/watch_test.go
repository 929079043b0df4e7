package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

// socketClient asks a run that listens on a socket.
func socketClient(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}}
}

// What the page says in the middle of a write, and that it is gone with the run.
func TestRunIsWatched(t *testing.T) {
	dir, err := os.MkdirTemp("", "tb") // the names of sockets are short
	require.NoError(t, err)
	defer func() { _ = os.RemoveAll(dir) }()
	socket := filepath.Join(dir, "s")
	http := socketClient(socket)
	client := &api.Client{URL: "http://localhost", HTTP: http}
	w := &world{}
	var during *api.Status
	var ready int
	w.onWrite = func() {
		st, err := client.Status(t.Context())
		require.NoError(t, err)
		during = st
		res, err := http.Get("http://localhost/ready")
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		ready = res.StatusCode
	}
	config := "name: here\nhttp: {enabled: true, host: 'unix://" + socket + "'}\n" + configOf("records: ['"+listBuckets+"', 'not JSON']", "fail: document")
	code, stdout, stderr := runApp(t, w, config, "run", "--once")
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "2 dead_lettered")
	require.NotNil(t, during)
	assert.Equal(t, api.Flow{Received: 2, InFlight: 2}, during.Flow)
	assert.Equal(t, 200, ready)
	assert.Equal(t, "here", during.Program.Agent)
	assert.Equal(t, Version(), during.Program.Version)
	assert.EqualValues(t, 2, during.Output.Active)
	assert.Equal(t, "fake", during.Output.Type)
	assert.Equal(t, "fake.json", during.Inputs[0].LastObject)
	assert.Contains(t, stderr, "status page")
	_, err = client.Status(t.Context())
	require.Error(t, err)
	assert.NoFileExists(t, socket)
}

// An output whose place is not prepared takes nothing, so nothing is ready.
func TestWatchOfALateOutput(t *testing.T) {
	late := &lateOutput{}
	why := fmt.Errorf("the server is down")
	late.why.Store(&why)
	s := &settings{Config: DefaultConfig(), output: &outputSetting{name: "fake"}}
	s.HTTP.Port = 0
	r := &wiring{log: slog.New(slog.DiscardHandler)}
	watch, err := openWatch(t.Context(), s, r, shipment{watched: true}, shipper.Agent{}, true)
	require.NoError(t, err)
	outputs := &openedOutputs{all: []*openedOutput{{outputSetting: s.output, out: late}}}
	out, err := outputs.join(s, shipment{}, watch, r.log)
	require.NoError(t, err)
	flow, err := shipper.New(shipper.Options{
		Sources: []shipper.Source{{ID: "a", Input: &fakeInput{}}}, Processor: noMapping{}, Output: out, DeadLetters: &letterStore{},
	})
	require.NoError(t, err)
	ready, _ := watch.monitor.Ready()
	assert.False(t, ready, "the run is being put together")
	watch.attach(nil, flow, outputs, r)
	ready, problems := watch.monitor.Ready()
	assert.False(t, ready)
	assert.Equal(t, "the server is down", problems[0].Text)
	late.prepare = func(context.Context) error { return nil }
	require.NoError(t, late.prepareOnce(t.Context()))
	ready, _ = watch.monitor.Ready()
	assert.True(t, ready)
	require.NoError(t, r.close())
}

type noMapping struct{}

func (noMapping) Process([]byte, *ecs.Event) error { return nil }

func TestPortIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)

	code, _, stderr := runApp(t, &world{}, "http: {enabled: true, port: "+port+"}\n"+configOf("records: [a]", ""), "run", "--once")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "serving http on localhost:"+port+": the address is taken by another program; stop it, or set http.port")

	// Where nobody asked for a page but the default, its absence is a warning.
	var log bytes.Buffer
	s := &settings{Config: DefaultConfig(), output: &outputSetting{name: "fake"}}
	_, err = fmt.Sscan(port, &s.HTTP.Port)
	require.NoError(t, err)
	r := &wiring{log: slog.New(slog.NewTextHandler(&log, nil))}
	watch, err := openWatch(t.Context(), s, r, shipment{watched: true}, shipper.Agent{}, true)
	require.NoError(t, err)
	assert.Nil(t, watch)
	assert.Contains(t, log.String(), "no status page")
	assert.Nil(t, watch.observer())

	watch, err = openWatch(t.Context(), s, r, shipment{watched: true}, shipper.Agent{}, false)
	require.NoError(t, err)
	assert.Nil(t, watch, "nobody looks at the terminal")
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer func() { _ = null.Close() }()
	assert.False(t, isTerminal(null))
}

func TestHTTPConfig(t *testing.T) {
	code, _, stderr := runApp(t, &world{}, "http: {enabled: true, host: 0.0.0.0}\n"+configOf("records: [a]", ""), "test", "config")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "http.host: 0.0.0.0 can be reached from other machines; set auth.token")
	code, stdout, stderr := runApp(t, &world{}, "http.auth.token: 0123456789abcdef\n"+configOf("records: [a]", ""), "export", "config")
	require.Zero(t, code, stderr)
	assert.NotContains(t, stdout, "0123456789abcdef")
}
