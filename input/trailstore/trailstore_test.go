package trailstore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseDigest(t *testing.T) {
	const folder = "AWSLogs/123456789012/CloudTrail-Digest/us-east-2/2015/08/17/"
	const file = "123456789012_CloudTrail-Digest_us-east-2_my_trail-1_eu-west-1_20150817T150131Z"
	d, ok := ParseDigest("b", folder+file+".json.gz")
	require.True(t, ok)
	assert.Equal(t, Digest{
		Place: Place{Bucket: "b", Root: "AWSLogs/", Account: "123456789012", Region: "us-east-2"}, Key: folder + file + ".json.gz",
		Trail: "my_trail-1", Home: "eu-west-1", End: time.Date(2015, 8, 17, 15, 1, 31, 0, time.UTC),
	}, d)
	assert.Equal(t, "AWSLogs/123456789012/CloudTrail-Digest/us-east-2/", d.Digests())
	d, ok = ParseDigest("", "a/b/"+strings.Replace(folder, "AWSLogs/", "AWSLogs/o-abcdef1234/", 1)+file+"_backfill.json.gz")
	require.True(t, ok)
	assert.True(t, d.Backfill)
	assert.Equal(t, "o-abcdef1234", d.Organization)
	assert.Equal(t, "a/b/AWSLogs/o-abcdef1234/", d.Root)
	for _, bad := range []string{
		folder + file + ".json.gz.bak", folder + strings.Replace(file, "T15", "T25", 1) + ".json.gz", strings.Replace(folder, "17/", "18/", 1) + file + ".json.gz",
		strings.Replace(folder, "us-east-2", "us-east-1", 1) + file + ".json.gz", file + ".json.gz", folder, "",
	} {
		_, ok := ParseDigest("", bad)
		assert.False(t, ok, bad)
	}
}

func TestLogTime(t *testing.T) {
	const folder = "AWSLogs/123456789012/CloudTrail/us-east-2/"
	for key, want := range map[string]string{
		folder + "2015/08/17/123456789012_CloudTrail_us-east-2_20150817T1430Z_0123456789abcdef.json.gz": "2015-08-17T14:30:00Z true true",
		folder + "2015/08/17/123456789012_CloudTrail_us-east-2_20150817T1430Z_0123456789abcdef.json":    "2015-08-17T14:30:00Z true true",
		folder + "2015/08/17/123456789012_CloudTrail_us-east-2_20150818T1430Z_0123456789abcdef.json.gz": "2015-08-17T00:00:00Z false true",
		folder + "2015/08/17/anything": "2015-08-17T00:00:00Z false true",
		folder + "anything":            "0001-01-01T00:00:00Z false false",
		folder:                         "0001-01-01T00:00:00Z false false",
	} {
		at, exact, ok := LogTime(folder, key)
		got := at.Format(time.RFC3339)
		for _, b := range []bool{exact, ok} {
			if b {
				got += " true"
			} else {
				got += " false"
			}
		}
		assert.Equal(t, want, got, key)
	}
}

// What a digest names may be hostile: nothing outside of the folder is opened.
func TestFolderKeepsInside(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("x"), 0o600))
	inside := filepath.Join(dir, "inside")
	require.NoError(t, os.Mkdir(inside, 0o700))
	f, err := NewFolder(inside)
	require.NoError(t, err)
	for _, key := range []string{"../secret", "/../secret", "a/../../secret", filepath.Join(dir, "secret")} {
		_, err := f.Open(t.Context(), "", key)
		assert.ErrorIs(t, err, ErrNotExist, key)
	}
	_, err = NewFolder(filepath.Join(dir, "secret"))
	assert.ErrorContains(t, err, "is a file")
}

func TestFolderLists(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/1", "a/2", "a/2" + MetadataSuffix, "b/3", "c"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600))
	}
	f, err := NewFolder(dir)
	require.NoError(t, err)
	list := func(prefix, after string) (keys []string) {
		for e, err := range f.List(t.Context(), "", prefix, after) {
			require.NoError(t, err)
			keys = append(keys, e.Key)
		}
		return keys
	}
	assert.Equal(t, []string{"a/1", "a/2", "b/3", "c"}, list("", ""))
	assert.Equal(t, []string{"b/3", "c"}, list("", "a/2"))
	assert.Equal(t, []string{"a/2"}, list("a/", "a/1"))
	assert.Empty(t, list("none/", ""))
	folders, err := f.Folders(t.Context(), "", "")
	require.NoError(t, err)
	assert.Equal(t, []string{"a/", "b/"}, folders)
}
