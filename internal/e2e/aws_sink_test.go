package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/stack"
)

// chooseStore has the documents go to a data stream of a real engine where there is one, else to the embedded store.
func (c *cloud) chooseStore() {
	c.t.Helper()
	kind := engineKind()
	if os.Getenv("TRAILBEAT_TEST_"+strings.ToUpper(kind)+"_URL") == "" {
		return
	}
	engine := stack.Find(c.t, kind)
	c.namespace = strings.ReplaceAll(c.name, "-", "_") // names of data streams hold no hyphen
	c.engine = &scene{t: c.t, ctx: c.ctx, engine: engine, stream: "logs-aws.cloudtrail-" + c.namespace}
	c.t.Cleanup(func() { engine.Do(c.t, http.MethodDelete, "/_data_stream/"+c.engine.stream, "") })
}

// output is the section of the configuration for the chosen store.
func (c *cloud) output() string {
	if c.engine == nil {
		return fmt.Sprintf("output.sqlite.path: %q", c.store)
	}
	return fmt.Sprintf("output.elasticsearch: {hosts: [%q], backoff: {init: 100ms, max: 1s}}\ndata_stream.namespace: %s", c.engine.engine.URL, c.namespace)
}

// documents counts what is stored. An engine is not asked more than five times a second: each time it must make all of it visible.
func (c *cloud) documents() int {
	if c.engine == nil {
		return documents(c.store)
	}
	if time.Since(c.counted) > 200*time.Millisecond {
		c.count = stored(c.t, c.engine.engine.URL, c.engine.stream)
		c.counted = time.Now()
	}
	return c.count
}

// inStore are the event ids that are stored, sorted, each of which must be there once.
func (c *cloud) inStore() []string {
	c.t.Helper()
	if c.engine == nil {
		return c.inSQLite()
	}
	ids := c.engine.indexed()
	slices.Sort(ids)
	return ids
}

func (c *cloud) inSQLite() []string {
	c.t.Helper()
	db, err := sql.Open("sqlite", "file:"+c.store+"?mode=ro&_pragma=busy_timeout(5000)")
	require.NoError(c.t, err)
	defer db.Close()
	rows, err := db.QueryContext(context.WithoutCancel(c.ctx), "SELECT document ->> '$.event.id' AS id FROM documents ORDER BY id")
	require.NoError(c.t, err)
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		require.NoError(c.t, rows.Scan(&id))
		require.False(c.t, len(ids) > 0 && ids[len(ids)-1] == id, "event %s is stored twice", id)
		ids = append(ids, id)
	}
	require.NoError(c.t, rows.Err())
	var streams int
	require.NoError(c.t, db.QueryRowContext(context.WithoutCancel(c.ctx), "SELECT count(*) FROM data_streams").Scan(&streams))
	assert.Equal(c.t, 1, streams, "all ways in share a data stream")
	return ids
}

// check compares what is stored with what was seeded.
func (c *cloud) check() {
	c.t.Helper()
	got := c.inStore()
	c.same(got)
	letters := filepath.Join(c.data, "deadletter.ndjson")
	text, err := os.ReadFile(letters)
	assert.True(c.t, errors.Is(err, os.ErrNotExist) || len(text) == 0, "dead letters: %s", text)
	where := "SQLite"
	if c.engine != nil {
		where = "data stream " + c.engine.stream
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t.Logf("seeded %d, indexed %d, twice 0, kills %d (records by queues %d, by the bucket %d, by log groups %d; %s)",
		len(c.ids), len(got), c.kills, c.records["queues"], c.records["bucket"], c.records["groups"], where)
}

// needs20000 says that the long form has what it is for.
func (c *cloud) needs20000() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, way := range []string{"queues", "bucket", "groups"} {
		assert.GreaterOrEqual(c.t, c.records[way], pick(400, 20_000), way)
	}
}

// same compares sorted event ids with those that were seeded, and says how they differ and not what they are.
func (c *cloud) same(got []string) {
	c.t.Helper()
	want := c.all()
	has := map[string]bool{}
	for _, id := range got {
		has[id] = true
		if i, ok := slices.BinarySearch(want, id); !ok {
			assert.Fail(c.t, "an event that was never sent", "%s (%d)", id, i)
		}
	}
	var missing []string
	for _, id := range want {
		if !has[id] {
			missing = append(missing, id)
		}
	}
	assert.Empty(c.t, missing, "%d of %d events are lost", len(missing), len(want))
}
