package investigate

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/terminal"
)

func count(t *testing.T, s *Store, query string) int64 {
	t.Helper()
	r, err := s.Query(t.Context(), query, 0)
	require.NoError(t, err)
	n, ok := r.Rows[0][0].(int64)
	require.True(t, ok, "%v", r.Rows)
	return n
}

// What comes later is taken in later, and what was stopped goes on.
func TestPrepareGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a case ?#.db")
	m := &maker{}
	write(t, path, m.record("01:00:00", "ec2", "DescribeInstances"), m.record("02:00:00", "ec2", "DescribeInstances"))
	var told [][2]int64
	progress := func(done, of int64) { told = append(told, [2]int64{done, of}) }
	require.NoError(t, Prepare(t.Context(), path, progress))
	write(t, path, m.record("03:00:00", "ec2", "RunInstances"))
	require.NoError(t, Prepare(t.Context(), path, progress))
	require.NoError(t, Prepare(t.Context(), path, progress), "nothing new")
	assert.Equal(t, [][2]int64{{2, 2}, {1, 1}}, told)
	assert.EqualValues(t, 3, count(t, openStore(t, path), "SELECT count(*) FROM trail"))

	const few = 10
	gone, cancel := context.WithCancel(t.Context())
	var many []string
	for range few + 1 {
		many = append(many, m.record("04:00:00", "ec2", "DescribeInstances"))
	}
	write(t, path, many...)
	require.ErrorIs(t, prepare(gone, path, few, func(int64, int64) { cancel() }), context.Canceled)
	assert.EqualValues(t, 3+few, count(t, openStore(t, path), "SELECT count(*) FROM trail"), "the first part is there")
	require.NoError(t, Prepare(t.Context(), path, nil))
	assert.EqualValues(t, 4+few, count(t, openStore(t, path), "SELECT count(*) FROM trail"))
}

// Two that prepare side by side take each document once.
func TestPrepareSideBySide(t *testing.T) {
	path := filepath.Join(t.TempDir(), "case.db")
	m := &maker{}
	var many []string
	for range 100 {
		many = append(many, m.record("04:00:00", "ec2", "DescribeInstances"))
	}
	write(t, path, many...)
	errs := make(chan error)
	for range 3 {
		go func() { errs <- prepare(t.Context(), path, 7, nil) }()
	}
	for range 3 {
		require.NoError(t, <-errs)
	}
	s := openStore(t, path)
	assert.EqualValues(t, 100, count(t, s, "SELECT count(*) FROM trail"))
	assert.EqualValues(t, 100, count(t, s, "SELECT sum(calls) FROM investigate_hours"))
}

func TestNoDatabase(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(t.Context(), filepath.Join(dir, "none.db"))
	require.ErrorContains(t, err, "no such file")
	_, err = Open(t.Context(), dir)
	require.ErrorContains(t, err, "it is a directory")
	other := filepath.Join(dir, "other.db")
	require.NoError(t, os.WriteFile(other, nil, 0o600))
	require.ErrorContains(t, Prepare(t.Context(), other, nil), "none that output.sqlite of this version has made")
	require.NoError(t, os.WriteFile(other, []byte(strings.Repeat("no database ", 100)), 0o600))
	require.ErrorContains(t, Prepare(t.Context(), other, nil), "no SQLite database")
}

// Nothing that a user sends changes the store, or makes a file.
func TestQueriesCannotChangeAnything(t *testing.T) {
	m := &maker{}
	s := storeOf(t, m.record("01:00:00", "ec2", "DescribeInstances"))
	t.Chdir(t.TempDir())
	for _, query := range []string{
		"DELETE FROM documents", "INSERT INTO investigate_names (name) VALUES ('x')", "DROP VIEW trail", "PRAGMA query_only = 0; DELETE FROM event_columns",
		"ATTACH 'other.db' AS other", "VACUUM INTO 'copy.db'", "PRAGMA journal_mode = DELETE; DELETE FROM documents", "CREATE TABLE t (a)",
		"PRAGMA user_version = 7; SELECT user_version FROM pragma_user_version WHERE user_version <> 7; DELETE FROM documents",
	} {
		_, err := s.Query(t.Context(), query, 0)
		assert.Error(t, err, query)
	}
	assert.EqualValues(t, 1, count(t, s, "SELECT count(*) FROM documents"))
	assert.EqualValues(t, 1, count(t, s, "SELECT count(*) FROM trail WHERE who LIKE '%amina'"))
	made, err := filepath.Glob("*")
	require.NoError(t, err)
	assert.Empty(t, made)
	_, err = s.Query(t.Context(), " ", 0)
	require.ErrorContains(t, err, "is empty")
	_, err = s.Query(t.Context(), "SELEKT 1", 0)
	require.ErrorContains(t, err, "syntax error")
}

func TestAskNeedsAValue(t *testing.T) {
	m := &maker{}
	s := storeOf(t, m.record("01:00:00", "ec2", "DescribeInstances"))
	q, err := Find("access-key")
	require.NoError(t, err)
	_, err = s.Ask(t.Context(), &q, Values{}, 0)
	require.ErrorContains(t, err, "needs an access key id")
	_, err = Find("nothing")
	require.ErrorContains(t, err, "there are access-key, actions")
	// A value is data, in a question and in what is printed.
	evil := "x' OR 1=1; --"
	r, err := s.Ask(t.Context(), &q, Values{Of: evil}, 0)
	require.NoError(t, err)
	assert.Empty(t, r.Rows)
	assert.Contains(t, q.Text(Values{Of: evil}), "access_key = 'x'' OR 1=1; --'")
	r, err = s.Query(t.Context(), q.Text(Values{Of: evil}), 0)
	require.NoError(t, err)
	assert.Empty(t, r.Rows)
}

func TestWriting(t *testing.T) {
	r := &Result{Columns: []string{"who", "calls"}, Rows: [][]any{
		{"arn:aws:iam::111122223333:role/a-name-that-is-so-long-that-no-column-holds-it-at-all", int64(12)}, {"=cmd|' /C calc'!A0", int64(3)}, {nil, nil}, {"\x1b[31mred", 1.5}}}
	var table, narrow, sheet bytes.Buffer
	require.NoError(t, r.WriteTable(&table, terminal.Style{}, 0))
	got := strings.Split(table.String(), "\n")
	assert.Equal(t, "WHO"+strings.Repeat(" ", 59)+"CALLS", got[0])
	assert.Equal(t, "arn:aws:iam::111122…"+"at-is-so-long-that-no-column-holds-it-at-all"[4:]+"     12", got[1])
	assert.NotContains(t, table.String(), "\x1b")
	require.NoError(t, r.WriteTable(&narrow, terminal.Style{}, 40))
	for line := range strings.Lines(narrow.String()) {
		assert.LessOrEqual(t, len([]rune(strings.TrimSuffix(line, "\n"))), 40)
	}
	require.NoError(t, r.WriteCSV(&sheet))
	assert.Contains(t, sheet.String(), "who,calls\n")
	assert.Contains(t, sheet.String(), "'=cmd|' /C calc'!A0,3\n", "no formula of a stranger in a spreadsheet")
	data, err := json.Marshal(r)
	require.NoError(t, err)
	var back struct {
		Columns []string
		Rows    []map[string]any
		More    bool
	}
	require.NoError(t, json.Unmarshal(data, &back))
	assert.EqualValues(t, 12, back.Rows[0]["calls"])
	assert.Nil(t, back.Rows[2]["who"])
}

func TestLimit(t *testing.T) {
	s := storeOf(t, incident()...)
	r, err := s.Query(t.Context(), "SELECT time FROM trail ORDER BY time", 2)
	require.NoError(t, err)
	assert.Len(t, r.Rows, 2)
	assert.True(t, r.More)
	r, err = s.Query(t.Context(), "SELECT time FROM trail LIMIT 2", 2)
	require.NoError(t, err)
	assert.False(t, r.More)
}
