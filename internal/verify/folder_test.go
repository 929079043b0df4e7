package verify_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/trailstore"
	"github.com/trailbeat/trailbeat/internal/verify"
	"github.com/trailbeat/trailbeat/internal/verify/verifytest"
)

// download copies the bucket into a folder, from the part of the tree on that begins with prefix.
func (w *world) download(prefix string, metadata bool) string {
	w.t.Helper()
	dir := w.t.TempDir()
	require.NoError(w.t, w.store.Copy(below{verifytest.Dir{Root: dir, Metadata: metadata}, prefix}))
	return dir
}

type below struct {
	verifytest.Dir
	prefix string
}

func (b below) Put(bucket, key string, body []byte, metadata map[string]string) error {
	rest, ok := strings.CutPrefix(key, b.prefix)
	if !ok {
		return nil
	}
	return b.Dir.Put(bucket, rest, body, metadata)
}

func (w *world) open(dir string) {
	w.t.Helper()
	folder, err := verify.OpenFolder(w.t.Context(), dir)
	require.NoError(w.t, err)
	w.cfg.Store, w.cfg.Downloaded = folder, true
}

func TestFolder(t *testing.T) {
	w := newWorld(t)
	tr := w.trail()
	tr.Prefix = "some/trail"
	d := w.hours(tr, 0, 9)

	for _, prefix := range []string{"", "some/trail/", "some/trail/AWSLogs/"} {
		t.Run("with metadata from "+prefix, func(t *testing.T) {
			w.t = t
			w.open(w.download(prefix, true))
			w.run().clean(t, 9, 27)
		})
	}
	t.Run("in another folder", func(t *testing.T) {
		w.t = t
		dir := w.download("", true)
		require.NoError(t, os.Rename(filepath.Join(dir, "some"), filepath.Join(dir, "other")))
		w.open(dir)
		w.run().clean(t, 9, 27)
	})
	t.Run("without metadata", func(t *testing.T) {
		w.t = t
		dir := w.download("", false)
		w.open(dir)
		o := w.run()
		assert.Equal(t, "digest unsigned signature_missing "+name(d[8].Key), o.findings()[0], "the newest is not signed by another one")
		assert.Contains(t, o.files[32].Detail, "head-object")

		// The signature of the newest can be kept.
		text, err := json.Marshal(map[string]any{"Metadata": w.store.Get("trail-bucket", d[8].Key).Metadata})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, d[8].Key+trailstore.MetadataSuffix), text, 0o600))
		w.run().clean(t, 9, 27)

		// What was changed is found all the same.
		content, err := verifytest.Unpack(w.store.Get("trail-bucket", d[3].Key).Body)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, d[3].Key), verifytest.Pack(swap(d[3].Logs[0].Hash, strings.Repeat("0", 64))(content)), 0o600))
		require.NoError(t, os.Remove(filepath.Join(dir, d[6].Key)))
		require.NoError(t, os.Remove(filepath.Join(dir, d[1].Logs[1].Key)))
		found := w.run().findings()
		assert.Contains(t, found, "digest altered signature_invalid "+name(d[3].Key))
		assert.Contains(t, found, "digest missing not_found "+name(d[6].Key))
		assert.Contains(t, found, "log missing not_found "+name(d[1].Logs[1].Key))
		assert.Len(t, found, 1+3+1+3+1+3+1, "the one before the missing one has no signature, so that its files are not proven")
	})
	t.Run("unpacked", func(t *testing.T) {
		w.t = t
		dir := w.download("", true)
		key := filepath.Join(dir, d[2].Logs[0].Key)
		content, err := verifytest.Unpack(w.store.Get("trail-bucket", d[2].Logs[0].Key).Body)
		require.NoError(t, err)
		require.NoError(t, os.Remove(key))
		require.NoError(t, os.WriteFile(strings.TrimSuffix(key, ".gz"), content, 0o600))
		w.open(dir)
		o := w.run()
		assert.NotContains(t, o.findings(), "log missing not_found "+name(d[2].Logs[0].Key))
		assert.Empty(t, o.findings())
	})
	t.Run("none", func(t *testing.T) {
		_, err := verify.OpenFolder(t.Context(), filepath.Join(t.TempDir(), "none"))
		assert.ErrorIs(t, err, trailstore.ErrNotExist)
		w.t = t
		w.open(t.TempDir())
		assert.ErrorContains(t, w.run().err, "AWSLogs/")
	})
}

func TestKeyFile(t *testing.T) {
	file := trailstore.KeyFile{testKeys()[0].Public(), testKeys()[1].Public()}
	text, err := file.Format()
	require.NoError(t, err)
	again, err := trailstore.ParseKeyFile(append(text, text...))
	require.NoError(t, err)
	assert.Equal(t, file, again[:2])
	assert.Len(t, again, 4)
	// As version 1 of the AWS CLI prints times.
	again, err = trailstore.ParseKeyFile([]byte(`{"PublicKeyList":[{"Fingerprint":"f","Value":"AQ==","ValidityStartTime":1577836800.0,"ValidityEndTime":1e9}]}`))
	require.NoError(t, err)
	assert.Equal(t, 2020, again[0].ValidityStartTime.Year())
	for _, bad := range []string{"", "{}", "[", "no"} {
		_, err := trailstore.ParseKeyFile([]byte(bad))
		assert.ErrorContains(t, err, "list-public-keys", bad)
	}
}
