package eventhistory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
	"github.com/trailbeat/trailbeat/internal/registry"
)

// testConfig reads one region of a server without a network.
func testConfig(server *awstest.Server) Config {
	cfg := DefaultConfig()
	cfg.AWS.HTTPClient = server.Client()
	cfg.AWS.AccessKeyID, cfg.AWS.SecretAccessKey, cfg.AWS.Endpoint = "AKIAEXAMPLE", "example", "http://127.0.0.1:1"
	cfg.Regions = []string{"us-east-1"}
	cfg.APISleep = 0
	return cfg
}

// bench is an input with all that is around it.
type bench struct {
	t      *testing.T
	server *awstest.Server
	h      *awstest.History
	cfg    Config
	deps   Deps
	reg    registry.Memory
	in     *Input
	log    *syncBuffer
	put    int
	ids    []string // of what was put
}

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, server: new(awstest.Server), log: new(syncBuffer)}
	b.h = b.server.History()
	b.cfg = testConfig(b.server)
	b.deps = Deps{ID: "in", Store: b.reg.Input("in"), Logger: slog.New(slog.NewTextHandler(b.log, nil))}
	return b
}

// bubble runs a test in which time takes no time. It begins so late that there are 90 days before it.
func bubble(t *testing.T, name string, run func(t *testing.T, b *bench)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { run(t, newBench(t)) }) })
}

// event puts an event that happened before now, and shows after a while. It gives the id.
func (b *bench) event(region string, before, after time.Duration) string {
	b.put++
	id := fmt.Sprintf("event-%05d", b.put)
	text := fmt.Sprintf(`{"eventVersion":"1.11","eventID":%q,"eventName":"GetUser","eventSource":"iam.amazonaws.com"}`, id)
	b.h.Put(region, awstest.HistoryEvent{ID: id, At: time.Now().Add(-before), Visible: time.Now().Add(after), Text: text})
	b.ids = append(b.ids, id)
	return id
}

func (b *bench) open() {
	b.t.Helper()
	in, err := New(b.cfg, b.deps)
	require.NoError(b.t, err)
	b.in = in
}

// read acknowledges what comes within a time, or up to the end, and gives the ids. Errors that pass are left out.
func (b *bench) read(within time.Duration) (got []string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), within)
	defer cancel()
	for {
		batch, err := b.in.Read(ctx)
		switch {
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			if batch != nil {
				batch.Ack(errors.New("too late"))
			}
			return got
		case input.IsFatal(err):
			b.t.Fatal(err)
		case err == nil:
			for _, r := range batch.Records {
				got = append(got, r.SourceID)
			}
			batch.Ack(nil)
		}
	}
}

// once reads all that there is with a new input.
func (b *bench) once() []string {
	b.t.Helper()
	b.deps.Once = true
	b.open()
	got := b.read(1000 * time.Hour)
	require.NoError(b.t, b.in.Close())
	return got
}

var errDown = errors.New("the output is down")

// same says that each event was read, and once.
func same(t *testing.T, want, got []string) {
	t.Helper()
	want, got = slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))
	assert.Equal(t, len(want), len(got))
	missing := slices.DeleteFunc(slices.Clone(want), func(id string) bool { return slices.Contains(got, id) })
	assert.Empty(t, missing, "missing")
	var twice []string
	for i := 1; i < len(got); i++ {
		if got[i] == got[i-1] {
			twice = append(twice, got[i])
		}
	}
	assert.Empty(t, twice, "twice")
}

// checkpointOf gives what the registry holds.
func (b *bench) checkpointOf(key string) (c checkpoint) {
	b.t.Helper()
	ok, err := b.deps.Store.Get(historyPrefix+key, &c)
	require.NoError(b.t, err)
	require.True(b.t, ok, key)
	return c
}

// refuse answers some calls with a fault.
func (b *bench) refuse(call string, status int, code string, when func() bool) {
	b.server.Hook(func(name string, _ *http.Request) *awstest.Fault {
		if name == call && when() {
			return &awstest.Fault{Status: status, Code: code, Message: "as the test wants"}
		}
		return nil
	})
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		assert.True(t, strings.Contains(text, p), "%q is not in:\n%s", p, text)
	}
}
