package sqlite

import (
	"database/sql"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/needs"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

func config(path string) Config {
	cfg := DefaultConfig()
	cfg.Path = path
	return cfg
}

func open(t testing.TB, path string) *Output {
	t.Helper()
	o, err := New(config(path), nil)
	require.NoError(t, err)
	return o
}

// opened is an output that the test does not close.
func opened(t testing.TB, path string) *Output {
	t.Helper()
	o := open(t, path)
	t.Cleanup(func() { require.NoError(t, o.Close()) })
	return o
}

// database opens the file as another program would.
func database(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func documents(t *testing.T, path string) (docs []outputtest.Document) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT data_stream, coalesce(id, ''), document FROM events")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var d outputtest.Document
		require.NoError(t, rows.Scan(&d.Index, &d.ID, &d.JSON))
		docs = append(docs, d)
	}
	require.NoError(t, rows.Err())
	return docs
}

func TestContract(t *testing.T) {
	outputtest.Run(t, outputtest.Harness{
		Deduplicates: true,
		New: func(t *testing.T) outputtest.Storage {
			path := filepath.Join(t.TempDir(), "trailbeat.db")
			return outputtest.Storage{
				Open:      func(t *testing.T) output.Output { return open(t, path) },
				Documents: func(t *testing.T) []outputtest.Document { return documents(t, path) },
			}
		},
	})
}

func TestConfig(t *testing.T) {
	cfg := DefaultConfig()
	require.NoError(t, cfg.Validate())
	require.NoError(t, (&Config{Path: "x"}).Validate())
	bad := Config{BusyTimeout: -time.Second}
	require.EqualError(t, bad.Validate(), "path: must not be empty; the default is trailbeat.db\n"+
		"busy_timeout: must be between 0 and 1h, is -1s")
	_, err := New(bad, nil)
	require.ErrorContains(t, err, "path: must not be empty")
}

func TestOddPaths(t *testing.T) {
	names := []string{"with space.db", "per%20cent.db", "hash#tag.db", "Ünï.db"}
	if runtime.GOOS != "windows" {
		names = append(names, "what?.db", "a:b&c=d.db", `back\slash.db`)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			o := open(t, filepath.Join(dir, "sub", name))
			_, err := o.Write(t.Context(), outputtest.NewEvents(0, 1))
			require.NoError(t, err)
			s, err := o.Summary(t.Context(), 1)
			require.NoError(t, err)
			require.EqualValues(t, 1, s.Documents)
			require.NoError(t, o.Close())
			entries, err := os.ReadDir(filepath.Join(dir, "sub"))
			require.NoError(t, err)
			require.Len(t, entries, 1, "one file, its log emptied and gone")
			require.Equal(t, name, entries[0].Name())
		})
	}
}

func TestFileIsPrivate(t *testing.T) {
	needs.Modes(t)
	path := filepath.Join(t.TempDir(), "sub", "trailbeat.db")
	o := opened(t, path)
	_, err := o.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.NoError(t, err)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), suffix)
	}
}

// What nil promises rests on these settings.
func TestSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trailbeat.db")
	require.NoError(t, makeFile(path))
	c, err := openConn(path, time.Second)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.close()) }()
	for pragma, want := range map[string]int64{
		"synchronous": 2, "fullfsync": 1, "checkpoint_fullfsync": 1, "page_size": pageSize, "busy_timeout": 1000,
		"user_version": schemaVersion, "application_id": applicationID,
	} {
		got, err := c.number("PRAGMA " + pragma)
		require.NoError(t, err)
		require.Equal(t, want, got, pragma)
	}
	var mode string
	require.NoError(t, database(t, path).QueryRow("PRAGMA journal_mode").Scan(&mode))
	require.Equal(t, "wal", mode)
}

func TestWriteAfterClose(t *testing.T) {
	o := open(t, filepath.Join(t.TempDir(), "trailbeat.db"))
	require.NoError(t, o.Close())
	_, err := o.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.ErrorIs(t, err, ErrClosed)
}

func TestTooLargeDocument(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trailbeat.db")
	o := opened(t, path)
	o.maxDocument = 2000
	events := outputtest.NewEvents(0, 5)
	events[1].Message = strings.Repeat("x", 2000)
	events[3].Message = strings.Repeat("x", 3000)
	given := append([]*ecs.Event(nil), events...)
	for _, want := range []output.Result{{Stored: 3}, {Duplicate: 3}} {
		res, err := o.Write(t.Context(), events)
		var batch *output.BatchError
		require.ErrorAs(t, err, &batch)
		require.Equal(t, want, res)
		require.Len(t, batch.Failures, 2)
		require.Equal(t, 1, batch.Failures[0].Index)
		require.Equal(t, 3, batch.Failures[1].Index)
		require.True(t, batch.Failures[0].Permanent)
		require.Contains(t, batch.Failures[0].Reason, "the limit is 2000")
		require.Equal(t, given, events, "the slice of the caller stays as it is")
	}
	var ids []string
	for _, d := range documents(t, path) {
		ids = append(ids, d.ID)
	}
	require.ElementsMatch(t, []string{events[0].Meta.ID, events[2].Meta.ID, events[4].Meta.ID}, ids)

	res, err := o.Write(t.Context(), events[1:2])
	var batch *output.BatchError
	require.ErrorAs(t, err, &batch, "a batch of nothing else")
	require.Zero(t, res)
}

// Writes that wait already share a transaction, and each gets its own result.
func TestGroupCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trailbeat.db")
	require.NoError(t, makeFile(path))
	c, err := openConn(path, time.Second)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.close()) }()
	o := &Output{path: path, requests: make(chan *request), maxDocument: maxDocument}

	const waiting = 5
	var senders sync.WaitGroup
	for n := range waiting {
		req := o.encode(outputtest.NewEvents(n*10, 15))
		senders.Go(func() { o.requests <- req })
	}
	var group []*request
	for len(group) < waiting {
		group = o.gather(append(group, <-o.requests))
	}
	senders.Wait()
	require.Same(t, c, o.store(c, group))
	var sum output.Result
	for _, req := range group {
		require.NoError(t, req.err)
		require.Equal(t, 15, req.result.Stored+req.result.Duplicate)
		sum.Stored += req.result.Stored
	}
	require.Equal(t, 55, sum.Stored)
	require.Len(t, documents(t, path), 55)
}
