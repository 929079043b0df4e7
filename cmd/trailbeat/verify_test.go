package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/trailstore"
	"github.com/trailbeat/trailbeat/internal/app"
	"github.com/trailbeat/trailbeat/internal/verify/verifytest"
)

// verifyRun is one run of the command.
type verifyRun struct {
	code           int
	stdout, stderr string
}

func runVerify(args ...string) verifyRun {
	var out, errs bytes.Buffer
	code := app.Main(append([]string{"verify"}, args...), app.IO{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}, components())
	return verifyRun{code, out.String(), errs.String()}
}

var verifyBegin = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// sinks write to several.
type sinks []verifytest.Sink

func (s sinks) Put(bucket, key string, body []byte, metadata map[string]string) error {
	for _, to := range s {
		if err := to.Put(bucket, key, body, metadata); err != nil {
			return err
		}
	}
	return nil
}

// putAWS writes to the fake AWS.
type putAWS struct{ f *fakeAWS }

func (p putAWS) Put(bucket, key string, body []byte, metadata map[string]string) error {
	header := http.Header{}
	for name, value := range metadata {
		header.Set("x-amz-meta-"+name, value)
	}
	p.f.Put(bucket, key, body, header)
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	p.f.keys[bucket] = append(p.f.keys[bucket], key)
	return nil
}

func TestVerify(t *testing.T) {
	f := newFakeAWS(t)
	t.Setenv("AWS_ENDPOINT_URL", f.url)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "example")
	t.Chdir(t.TempDir())
	key, err := verifytest.NewKey()
	require.NoError(t, err)
	keys, err := trailstore.KeyFile{key.Public()}.Format()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("keys.json", keys, 0o600))
	f.Handle("ListPublicKeys", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		fmt.Fprint(w, strings.NewReplacer(`"2020-01-01T00:00:00Z"`, "1577836800", `"2100-01-01T00:00:00Z"`, "4102444800").Replace(string(keys)))
	})
	tr := &verifytest.Trail{
		Sink: sinks{putAWS{f}, verifytest.Dir{Root: "files", Metadata: true}}, Key: key, Bucket: "trail", Prefix: "of", Account: "123456789012",
		Region: "eu-west-1", Name: "all",
	}
	d, err := tr.Run(verifyBegin, 6, 2)
	require.NoError(t, err)
	rangeArgs := []string{"--from", "2026-03-01", "--to", "2026-03-01T06:00:00Z"}
	bucket := append([]string{"s3://trail/of/"}, rangeArgs...)
	folder := append([]string{"files", "--public-keys", "keys.json"}, rangeArgs...)

	for name, args := range map[string][]string{"bucket": bucket, "folder": folder} {
		t.Run("all is well in the "+name, func(t *testing.T) {
			r := runVerify(append(args, "--report", name+".html", "--signed-by", "Nobody <in particular>", "--save-public-keys", "saved.json", "--results", "results.ndjson")...)
			require.Zero(t, r.code, "%s%s", r.stdout, r.stderr)
			assert.Contains(t, r.stdout, "digests    6 valid\nlog files  12 valid")
			assert.Contains(t, r.stdout, "Every file is what CloudTrail delivered, and none is missing.")
			page, err := os.ReadFile(name + ".html")
			require.NoError(t, err)
			assert.Contains(t, string(page), "Nobody &lt;in particular&gt;")
			assert.Contains(t, string(page), "<svg")
			assert.Contains(t, string(page), key.Fingerprint)
			assert.NotRegexp(t, `(?i)(src|href|url\()\s*=?\s*["']?(https?:)?//`, string(page), "nothing comes from elsewhere")
			saved, err := os.ReadFile("saved.json")
			require.NoError(t, err)
			assert.JSONEq(t, string(keys), string(saved))
			results, err := os.ReadFile("results.ndjson")
			require.NoError(t, err)
			assert.Equal(t, 6+12, strings.Count(string(results), `{"type":"file",`))
			assert.Equal(t, 6, strings.Count(string(results), `{"type":"hour","ok":true,`))
		})
	}
	t.Run("by a configured input", func(t *testing.T) {
		require.NoError(t, os.WriteFile("two.yml", []byte("trailbeat.inputs:\n  - {type: aws-s3, id: a, bucket_arn: 'arn:aws:s3:::trail', bucket_list_prefix: of/}\n"+
			"  - {type: aws-s3, id: b, bucket_arn: 'arn:aws:s3:::other'}\n  - {type: file, paths: [x]}\n"), 0o600))
		r := runVerify(append(rangeArgs, "-c", "two.yml", "--input", "a", "-o", "json")...)
		require.Zero(t, r.code, "%s%s", r.stdout, r.stderr)
		var report map[string]any
		require.NoError(t, json.Unmarshal([]byte(r.stdout), &report))
		assert.Equal(t, true, report["ok"])
		assert.Equal(t, "valid", report["verdict"])
		assert.Equal(t, "arn:aws:iam::123456789012:user/reader", report["identity"])
		assert.Equal(t, map[string]any{"valid": 12.0}, report["logs"])
		r = runVerify(append(rangeArgs, "-c", "two.yml")...)
		assert.Equal(t, 2, r.code)
		assert.Contains(t, r.stderr, "choose one with --input: a, b")
	})
	t.Run("a digest does not cover all", func(t *testing.T) {
		r := runVerify("s3://trail/of/", "--from", "2026-03-01", "--to", "2026-03-01T09:00:00Z", "-o", "json")
		assert.Equal(t, 4, r.code)
		assert.Contains(t, r.stdout, `"kind": "ends"`)
		assert.Zero(t, runVerify("s3://trail/of/", "--from", "2026-03-01", "--to", "2026-03-01T09:00:00Z", "--may-end").code)
	})
	t.Run("nothing is there", func(t *testing.T) {
		r := runVerify(append([]string{"s3://trail/none/"}, rangeArgs...)...)
		assert.Equal(t, 1, r.code)
		assert.Contains(t, r.stdout, "there is no folder AWSLogs/ below s3://trail/none/")
	})
	t.Run("wrong usage", func(t *testing.T) {
		for want, args := range map[string][]string{
			"must be before":            {"files", "--from", "2026-03-02", "--to", "2026-03-01"},
			"--from must be a day":      {"files", "--from", "yesterday"},
			"must be a bucket such as":  {"https://trail"},
			"opening the folder":        {"none"},
			"takes one bucket":          {"a", "b"},
			"reading the public keys":   {"files", "--public-keys", "none.json"},
			"no bucket is configured":   rangeArgs,
			"--workers must be > 0":     {"files", "--workers", "0"},
			"cannot go together":        {"files", "--results", "-", "-o", "json"},
			"`aws cloudtrail list-publ": {"files", "--public-keys", filepath.Join("files", d[0].Key)},
		} {
			r := runVerify(args...)
			assert.Equal(t, 2, r.code, "%v: %s", args, r.stdout)
			assert.Contains(t, r.stderr, want)
		}
	})
	t.Run("tampering", func(t *testing.T) {
		f.Remove("trail", d[2].Logs[0].Key)
		require.NoError(t, os.Remove(filepath.Join("files", d[2].Logs[0].Key)))
		for _, args := range [][]string{bucket, folder} {
			r := runVerify(append(args, "--report", "bad.html")...)
			assert.Equal(t, 3, r.code)
			assert.Contains(t, r.stdout, "missing: log file")
			assert.Contains(t, r.stdout, d[2].Logs[0].Key)
			page, err := os.ReadFile("bad.html")
			require.NoError(t, err)
			assert.Contains(t, string(page), `<rect class="missing"`)
			r = runVerify(append(args, "--results", "-")...)
			assert.Equal(t, 3, r.code)
			assert.Contains(t, r.stderr, "Files are missing")
			assert.True(t, strings.HasPrefix(r.stdout, "{"))
		}
	})
	t.Run("policy", func(t *testing.T) {
		var out bytes.Buffer
		code := app.Main([]string{"export", "iam-policy", "--for", "verify", "-c", "two.yml"}, app.IO{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out}, components())
		require.Zero(t, code, out.String())
		assert.Contains(t, out.String(), `"cloudtrail:ListPublicKeys"`)
		assert.Contains(t, out.String(), `"of/*"`)
		assert.Contains(t, out.String(), `"arn:aws:s3:::trail/of/*"`)
	})
}
