package registry

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/needs"
)

type state struct {
	Offset int64 `json:"offset"`
}

func open1(t *testing.T, path string) *Registry {
	t.Helper()
	r, err := Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// Both kinds of store keep the contract of input.Store.
func TestStore(t *testing.T) {
	kinds := map[string]func(t *testing.T) func(id string) input.Store{
		"file": func(t *testing.T) func(string) input.Store {
			return open1(t, filepath.Join(t.TempDir(), "a b%20?#", FileName)).Input
		},
		"memory": func(*testing.T) func(string) input.Store { return new(Memory).Input },
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			stores := kind(t)
			a, b := stores("a"), stores("b")
			v := state{Offset: 7}
			found, err := a.Get("k", &v)
			require.NoError(t, err)
			assert.False(t, found)
			assert.Equal(t, state{7}, v, "left alone")

			require.NoError(t, a.Put("k", state{1}))
			require.NoError(t, a.Put("k", state{2}))
			require.NoError(t, b.Put("k", state{3}))
			found, err = stores("a").Get("k", &v)
			require.NoError(t, err)
			assert.True(t, found)
			assert.Equal(t, state{2}, v)

			require.NoError(t, b.Delete("k"))
			require.NoError(t, b.Delete("k"))
			found, err = b.Get("k", &v)
			require.NoError(t, err)
			assert.False(t, found)
			require.Error(t, a.Put("bad", func() {}))

			all := map[string]any{}
			for i := range 1200 {
				all[fmt.Sprintf("p/%04d", i)] = state{int64(i)}
			}
			all["o"], all["q"], all["pé"] = 1, 2, 3
			require.NoError(t, a.(interface{ PutAll(map[string]any) error }).PutAll(all))
			n := 0
			require.NoError(t, a.Each("p/", func(key string, value json.RawMessage) error {
				assert.Equal(t, fmt.Sprintf("p/%04d", n), key)
				assert.JSONEq(t, fmt.Sprintf(`{"offset":%d}`, n), string(value))
				n++
				return a.Delete(key) // what is shown may be changed
			}))
			assert.Equal(t, 1200, n)
			var left []string
			require.NoError(t, a.Each("", func(key string, _ json.RawMessage) error { left = append(left, key); return nil }))
			assert.Equal(t, []string{"k", "o", "pé", "q"}, left)
			stop := errors.New("stop")
			assert.Equal(t, stop, a.Each("", func(string, json.RawMessage) error { return stop }))
		})
	}
}

func TestOnlyTheUserMayReadIt(t *testing.T) {
	needs.Modes(t)
	path := filepath.Join(t.TempDir(), "registry.db")
	r, err := Open(path)
	require.NoError(t, err)
	defer r.Close()
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) && name != path {
			continue // not needed yet
		}
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, name)
	}
}

func TestManyWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	r := open1(t, path)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			s := r.Input(fmt.Sprint(g % 4))
			for i := range 20 {
				assert.NoError(t, s.Put(fmt.Sprintf("%d/%d", g, i), state{int64(i)}))
			}
		})
	}
	wg.Wait()
	require.NoError(t, r.Close())
	require.NoError(t, r.Close())
	require.ErrorIs(t, r.Input("x").Put("k", 1), ErrClosed)

	inputs, err := open1(t, path).Inputs()
	require.NoError(t, err)
	require.Len(t, inputs, 4)
	for _, in := range inputs {
		assert.Equal(t, int64(80), in.Entries)
		assert.False(t, in.Updated.IsZero())
	}
}

func TestClear(t *testing.T) {
	r := open1(t, filepath.Join(t.TempDir(), FileName))
	const n = page + 3
	values := map[string]any{}
	for i := range n {
		values[fmt.Sprintf("k%04d", i)] = "é" // two bytes and two quotes
	}
	require.NoError(t, r.Input("a").(interface{ PutAll(map[string]any) error }).PutAll(values))
	require.NoError(t, r.Input("b").Put("k", 1))
	inputs, err := r.Inputs()
	require.NoError(t, err)
	require.Len(t, inputs, 2)
	assert.Equal(t, []int64{n, n * 9}, []int64{inputs[0].Entries, inputs[0].Bytes})
	assert.Equal(t, []int64{1, 2}, []int64{inputs[1].Entries, inputs[1].Bytes})

	for _, want := range []int64{n, 0} {
		got, err := r.Clear("a")
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	inputs, err = r.Inputs()
	require.NoError(t, err)
	require.Len(t, inputs, 1)
	assert.Equal(t, "b", inputs[0].ID)
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	_, err := OpenReadOnly(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	r := open1(t, path)
	require.NoError(t, r.Input("in").Put("k", state{5}))
	look, err := OpenReadOnly(path)
	require.NoError(t, err)
	defer look.Close()
	require.NoError(t, r.Input("in").Put("l", state{6}), "looking does not hinder")
	var keys []string
	for e, err := range look.Entries("in") {
		require.NoError(t, err)
		keys = append(keys, e.Key+string(e.Value))
	}
	assert.Equal(t, []string{`k{"offset":5}`, `l{"offset":6}`}, keys)
	require.ErrorContains(t, look.Input("in").Put("k", 1), "read only")
}

func TestRefused(t *testing.T) {
	whole := func(t *testing.T, change func(r *Registry)) string {
		path := filepath.Join(t.TempDir(), FileName)
		r := open1(t, path)
		values := map[string]any{}
		for i := range 3000 {
			values[fmt.Sprint("key", i)] = state{int64(i)}
		}
		require.NoError(t, r.Input("x").(*store).PutAll(values))
		if change != nil {
			change(r)
		}
		require.NoError(t, r.Close())
		return path
	}
	damaged := func(t *testing.T, path string) {
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		_, err = Open(path)
		var damage *DamagedError
		require.ErrorAs(t, err, &damage)
		assert.Contains(t, err.Error(), path)
		assert.Contains(t, err.Error(), "Restore it from a backup")
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, before, after, "left as it is")
	}
	t.Run("empty", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), FileName)
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		damaged(t, path)
	})
	t.Run("text", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), FileName)
		require.NoError(t, os.WriteFile(path, []byte("{\"offset\": 1}"), 0o600))
		damaged(t, path)
	})
	t.Run("head only", func(t *testing.T) {
		path := whole(t, nil)
		require.NoError(t, os.Truncate(path, 100))
		damaged(t, path)
	})
	t.Run("garbage inside", func(t *testing.T) {
		path := whole(t, nil)
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		require.NoError(t, err)
		_, err = f.WriteAt([]byte(strings.Repeat("garbage ", 2048)), 4096)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		damaged(t, path)
	})
	t.Run("of another program", func(t *testing.T) {
		path := whole(t, func(r *Registry) {
			_, err := r.db.Exec("PRAGMA application_id = 1")
			require.NoError(t, err)
		})
		damaged(t, path)
	})
	t.Run("newer", func(t *testing.T) {
		path := whole(t, func(r *Registry) {
			_, err := r.db.Exec("PRAGMA user_version = 99")
			require.NoError(t, err)
		})
		_, err := Open(path)
		var version *VersionError
		require.ErrorAs(t, err, &version)
		assert.Equal(t, 99, version.Found)
		_, err = Open(path)
		require.ErrorAs(t, err, &version, "the lock was released")
	})
}

const childEnv = "TRAILBEAT_REGISTRY_TEST"

// TestMain lets the test binary be the other process.
func TestMain(m *testing.M) {
	path := os.Getenv(childEnv)
	if path == "" {
		os.Exit(m.Run())
	}
	r, err := Open(path)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		if err := r.Input("child").Put("n", state{int64(i)}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(i)
	}
}

// What was stored is there after the process was killed in the middle of its work, and its lock is not.
func TestOtherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+path)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(out)
	for range 50 {
		require.True(t, lines.Scan())
	}
	_, err = Open(path)
	var locked *LockedError
	require.ErrorAs(t, err, &locked)
	assert.Equal(t, child.Process.Pid, locked.PID)
	assert.Contains(t, err.Error(), fmt.Sprintf("process %d", child.Process.Pid))
	require.NoError(t, child.Process.Kill())
	last := int64(49)
	for lines.Scan() {
		var n int64
		if _, err := fmt.Sscan(lines.Text(), &n); err == nil {
			last = n
		}
	}
	_ = child.Wait()

	var v state
	found, err := open1(t, path).Input("child").Get("n", &v)
	require.NoError(t, err)
	require.True(t, found)
	assert.GreaterOrEqual(t, v.Offset, last)
}

func BenchmarkPut(b *testing.B) {
	r, err := Open(filepath.Join(b.TempDir(), FileName))
	require.NoError(b, err)
	defer r.Close()
	s := r.Input("x")
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Put("k", state{1}); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), FileName)
	for b.Loop() {
		r, err := Open(path)
		require.NoError(b, err)
		_ = r.Close()
	}
}
