package sqlite

import (
	"bufio"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

func change(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec(query)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func TestOpenRefuses(t *testing.T) {
	made := func(t *testing.T, path string) {
		o := open(t, path)
		_, err := o.Write(t.Context(), outputtest.NewEvents(0, 300))
		require.NoError(t, err)
		require.NoError(t, o.Close())
	}
	for name, test := range map[string]struct {
		prepare func(t *testing.T, path string)
		message string
	}{
		"a newer version": {
			func(t *testing.T, path string) { made(t, path); change(t, path, "PRAGMA user_version = 2") },
			"has schema version 2, this Trailbeat knows versions up to 1: use a newer Trailbeat, or another output.sqlite.path",
		},
		"another program's database": {
			func(t *testing.T, path string) { change(t, path, "CREATE TABLE songs (title)") },
			"belongs to another program",
		},
		"another program's mark": {
			func(t *testing.T, path string) { change(t, path, "PRAGMA application_id = 7") },
			"belongs to another program",
		},
		"no database": {
			func(t *testing.T, path string) {
				require.NoError(t, os.WriteFile(path, []byte("{\"Records\":[]} is what a log looks like, not a database"), 0o600))
			},
			"the file is no SQLite database; choose another output.sqlite.path",
		},
		"a directory": {
			func(t *testing.T, path string) { require.NoError(t, os.Mkdir(path, 0o700)) },
			"the database cannot be opened; check output.sqlite.path",
		},
		"a damaged schema": {
			func(t *testing.T, path string) { made(t, path); overwrite(t, path, 100, 1000) },
			"the database is damaged",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "trailbeat.db")
			test.prepare(t, path)
			_, err := New(config(path), nil)
			require.ErrorContains(t, err, test.message)
			require.ErrorContains(t, err, strconv.Quote(path))
			require.True(t, output.IsFatal(err))
		})
	}
}

func overwrite(t *testing.T, path string, offset int64, size int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	garbage := make([]byte, size)
	for i := range garbage {
		garbage[i] = 0xA5
	}
	_, err = f.WriteAt(garbage, offset)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func TestDirectoryCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := New(config(filepath.Join(file, "trailbeat.db")), nil)
	require.ErrorContains(t, err, "check output.sqlite.path and the rights of its directory")
	require.True(t, output.IsFatal(err))
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trailbeat.db")
	cfg := config(path)
	cfg.BusyTimeout = 0
	o, err := New(cfg, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, o.Close()) }()

	other, err := database(t, path).Conn(t.Context())
	require.NoError(t, err)
	_, err = other.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)

	events := outputtest.NewEvents(0, 3)
	res, err := o.Write(t.Context(), events)
	require.ErrorContains(t, err, "another process holds the database; end it, or raise output.sqlite.busy_timeout")
	require.False(t, output.IsFatal(err), "a lock passes")
	require.Zero(t, res)
	_, err = New(cfg, nil)
	require.ErrorContains(t, err, "another process holds the database")
	_, err = o.Summary(t.Context(), 1)
	require.NoError(t, err, "readers do not wait for writers")

	_, err = other.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, other.Close())
	res, err = o.Write(t.Context(), events)
	require.NoError(t, err)
	require.Equal(t, 3, res.Stored)
}

// limit keeps a database from growing, which looks like a full disk. It must be the connection of the writer.
func TestFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trailbeat.db")
	require.NoError(t, makeFile(path))
	c, err := openConn(path, 0)
	require.NoError(t, err)
	pages, err := c.number("PRAGMA page_count")
	require.NoError(t, err)
	_, err = c.number(fmt.Sprintf("PRAGMA max_page_count = %d", pages+20))
	require.NoError(t, err)
	o := &Output{path: path, cfg: config(path), maxDocument: maxDocument}

	small := o.encode(outputtest.NewEvents(0, 10))
	c = o.store(c, []*request{small})
	require.NotNil(t, c)
	require.NoError(t, small.err)

	first, second := o.encode(outputtest.NewEvents(5, 10)), o.encode(outputtest.NewEvents(15, 2000))
	c = o.store(c, []*request{first, second})
	require.Nil(t, c, "the connection is not trusted any more")
	for _, req := range []*request{first, second} {
		require.ErrorContains(t, req.err, "the disk or the database is full; make room")
		require.False(t, output.IsFatal(req.err))
		require.Zero(t, req.result)
	}
	require.Len(t, documents(t, path), 10, "nothing of a failed transaction is there")

	// Room was made: the next transaction opens the database anew.
	first, second = o.encode(outputtest.NewEvents(5, 10)), o.encode(outputtest.NewEvents(15, 2000))
	c = o.store(c, []*request{first, second})
	require.NoError(t, first.err)
	require.Equal(t, output.Result{Stored: 5, Duplicate: 5}, first.result)
	require.Equal(t, output.Result{Stored: 2000}, second.result)
	require.NoError(t, c.close())
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trailbeat.db")
	o := opened(t, path)
	_, err := o.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.NoError(t, err)
	c, err := openConn(path, 0)
	require.NoError(t, err)
	require.NoError(t, c.exec("PRAGMA query_only = 1"))
	one := &Output{path: path, cfg: config(path), maxDocument: maxDocument}
	req := one.encode(outputtest.NewEvents(1, 1))
	require.Nil(t, one.store(c, []*request{req}))
	require.ErrorContains(t, req.err, "the database cannot be written; check the rights of the file and of its directory")
	require.True(t, output.IsFatal(req.err))
}

// Somebody who changes the tables below a running Trailbeat gets an error that stops it, and no dead letters.
func TestTablesGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trailbeat.db")
	o := opened(t, path)
	change(t, path, "DROP TABLE event_columns")
	_, err := o.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.ErrorContains(t, err, "no such table")
	require.True(t, output.IsFatal(err))
	_, err = o.Summary(t.Context(), 1)
	require.ErrorContains(t, err, "reading a summary of database")
}

const crashPath = "TRAILBEAT_TEST_CRASH_PATH"

// TestCrashChild is not a test of its own: TestCrash runs it in a process of its own and kills that.
func TestCrashChild(t *testing.T) {
	path := os.Getenv(crashPath)
	if path == "" {
		t.Skip("runs only as the child of TestCrash")
	}
	o := open(t, path)
	for n := 0; ; n++ {
		_, err := o.Write(t.Context(), outputtest.NewEvents(n*50, 50))
		require.NoError(t, err)
		fmt.Println("durable", n)
	}
}

// A process that dies without a word loses nothing that it reported as stored.
func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trailbeat.db")
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
	cmd.Env = append(os.Environ(), crashPath+"="+path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	last := -1
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		n := 0
		if _, err := fmt.Sscanf(lines.Text(), "durable %d", &n); err != nil {
			continue
		}
		last = n
		if n == 40 {
			require.NoError(t, cmd.Process.Kill())
		}
	}
	require.Error(t, cmd.Wait())
	require.GreaterOrEqual(t, last, 40)

	o := opened(t, path)
	res, err := o.Write(t.Context(), outputtest.NewEvents(0, (last+1)*50))
	require.NoError(t, err)
	require.Equal(t, output.Result{Duplicate: (last + 1) * 50}, res)
	var verdict string
	require.NoError(t, database(t, path).QueryRow("PRAGMA integrity_check").Scan(&verdict))
	require.Equal(t, "ok", verdict)
}
