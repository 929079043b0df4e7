package processor_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/processor"
)

func chainOf(t testing.TB, env processor.Env, options ...processor.Options) *processor.Chain {
	var specs []processor.Spec
	for _, o := range options {
		specs = append(specs, processor.Spec{Options: o})
	}
	list, err := processor.Build(specs, env)
	require.NoError(t, err)
	return processor.Join(list)
}

func TestAccountNames(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		want       string // the name of 011122223333, or the error
	}{
		"csv":                      {"a.csv", "\xef\xbb\xbf111122223333,Main\n# comment\n011122223333, \"Log, archive\"\n", "Log, archive"},
		"csv with a header":        {"a.csv", "Name,Email,Id\nArchive,x@example.com,011122223333\n", "Archive"},
		"json":                     {"a.json", `{"011122223333":"Archive","111122223333":"Main"}`, "Archive"},
		"json of the organization": {"a.json", `{"Accounts":[{"Id":"011122223333","Arn":"x","Name":"Archive","Status":"ACTIVE"}],"NextToken":null}`, "Archive"},
		"json list":                {"a.json", `[{"id":"011122223333","name":"Archive"}]`, "Archive"},
		"yaml, unquoted":           {"a.yml", "011122223333: Archive\n", "Archive"},
		"yaml below accounts":      {"a.yaml", "accounts:\n  011122223333: Archive\n", "Archive"},
		"not in it":                {"a.yaml", "111122223333: Main\n", ""},

		"empty":           {"a.csv", "", "there is no account in it"},
		"no header":       {"a.csv", "x,y\n", "line 1 is neither an account (id,name) nor a header"},
		"too few columns": {"a.csv", "id,name\n011122223333\n", "line 2 has 1 columns"},
		"zeros lost":      {"a.csv", "id,name\n11122223333,Archive\n", `line 2: "11122223333" is no account id, which has 12 digits`},
		"no id":           {"a.json", `[{"name":"x"}]`, "line 1 has no account id"},
		"two names":       {"a.csv", "011122223333,A\n011122223333,B\n", `line 2: account 011122223333 has the names "A" and "B"`},
		"broken json":     {"a.json", `{"0111`, "reading account names in"},
		"text":            {"a.yml", "just text", "it is neither a group of names by id nor a list"},
		"deep":            {"a.yml", "011122223333: {name: x}", `line 1: the name of account "011122223333" is no text`},
	} {
		t.Run(name, func(t *testing.T) {
			o := processor.DefaultAddAccountNames()
			o.Path = filepath.Join(t.TempDir(), c.file)
			require.NoError(t, os.WriteFile(o.Path, []byte(c.text), 0o600))
			list, err := processor.Build([]processor.Spec{{Options: &o}}, processor.Env{})
			if err != nil {
				require.ErrorContains(t, err, c.want)
				require.NotEmpty(t, c.want)
				return
			}
			ev := event(t)
			require.NoError(t, processor.Join(list).Run(ev))
			assert.Equal(t, c.want, ev.Cloud.Account.Name)
		})
	}
	o := processor.DefaultAddAccountNames()
	o.Path = filepath.Join(t.TempDir(), "none.csv")
	_, err := processor.Build([]processor.Spec{{Options: &o}}, processor.Env{})
	assert.ErrorContains(t, err, "none.csv")
}

// The file is read again when it has changed, and what cannot be read changes nothing.
func TestAccountNamesAreReadAgain(t *testing.T) {
	now := time.Unix(1e9, 0)
	var log bytes.Buffer
	o := processor.DefaultAddAccountNames()
	o.Path, o.TargetField = filepath.Join(t.TempDir(), "a.csv"), "labels.account"
	write := func(text string) {
		require.NoError(t, os.WriteFile(o.Path, []byte(text), 0o600))
		require.NoError(t, os.Chtimes(o.Path, now, now))
	}
	write("011122223333,A\n")
	chain := chainOf(t, processor.Env{Now: func() time.Time { return now }, Logger: slog.New(slog.NewTextHandler(&log, nil))}, &o)
	name := func() string {
		ev := event(t)
		require.NoError(t, chain.Run(ev))
		v, _ := ev.Get("labels.account")
		return v.(string)
	}
	assert.Equal(t, "A", name())
	now = now.Add(time.Second)
	write("011122223333,B\n")
	assert.Equal(t, "A", name(), "it is not looked at yet")
	now = now.Add(10 * time.Second)
	assert.Equal(t, "B", name())
	for range 2 {
		now = now.Add(10 * time.Second)
		write("broken")
		assert.Equal(t, "B", name())
	}
	require.NoError(t, os.Remove(o.Path))
	now = now.Add(10 * time.Second)
	assert.Equal(t, "B", name())
	now = now.Add(10 * time.Second)
	write("011122223333,C\n")
	assert.Equal(t, "C", name())
	assert.Equal(t, 2, strings.Count(log.String(), "those of before stay"), "each fault is told once: %s", log.String())

	o.TargetField, o.Overwrite = "labels.team", false
	ev := event(t)
	require.NoError(t, chainOf(t, processor.Env{}, &o).Run(ev))
	assert.Contains(t, string(ev.AppendJSON(nil)), `"team":"blue"`)
	o.Overwrite = true
	require.NoError(t, chainOf(t, processor.Env{}, &o).Run(ev))
	assert.Contains(t, string(ev.AppendJSON(nil)), `"team":"C"`)
}

func TestHostMetadata(t *testing.T) {
	o := processor.DefaultAddHostMetadata()
	o.Name = "collector-1"
	ev := event(t)
	ev.Host.ID = "given"
	require.NoError(t, chainOf(t, processor.Env{}, &o).Run(ev))
	doc := ev.AppendJSON(nil)
	assert.NoError(t, ecs.CheckDocument(doc))
	hostname, err := os.Hostname()
	require.NoError(t, err)
	assert.Equal(t, "collector-1", ev.Host.Name)
	assert.Equal(t, hostname, ev.Host.Hostname)
	assert.NotEmpty(t, ev.Host.Architecture)
	assert.NotEmpty(t, ev.Host.OS.Platform)

	o = processor.DefaultAddHostMetadata()
	o.ReplaceFields, o.NetInfo.Enabled, o.Cache.TTL = false, false, 0
	ev = event(t)
	ev.Host.ID, ev.Host.Name = "given", "given"
	require.NoError(t, chainOf(t, processor.Env{}, &o).Run(ev))
	assert.Equal(t, "given", ev.Host.ID)
	assert.Equal(t, "given", ev.Host.Name)
	assert.Empty(t, ev.Host.IP)
}

func TestCloudMetadata(t *testing.T) {
	asked, tagged := 0, true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token" && r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds") != "":
			_, _ = w.Write([]byte("token"))
		case r.Method == http.MethodGet && r.URL.Path == "/latest/dynamic/instance-identity/document" && r.Header.Get("X-aws-ec2-metadata-token") == "token":
			_ = json.NewEncoder(w).Encode(map[string]string{"accountId": "999988887777", "region": "eu-west-1", "availabilityZone": "eu-west-1b",
				"instanceId": "i-0123", "instanceType": "t3.small", "imageId": "ami-1"})
		case r.Method == http.MethodGet && r.URL.Path == "/latest/meta-data/tags/instance/Name" && r.Header.Get("X-aws-ec2-metadata-token") == "token" && tagged:
			_, _ = w.Write([]byte("collector"))
		default:
			http.Error(w, "no", http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	o := processor.DefaultAddCloudMetadata()
	chain := chainOf(t, processor.Env{MetadataURL: server.URL}, &o)
	for range 2 {
		ev := event(t)
		require.NoError(t, chain.Run(ev))
		assert.Equal(t, "011122223333", ev.Cloud.Account.ID, "it is where the event happened")
		assert.Equal(t, []string{"aws", "eu-west-1", "eu-west-1b", "i-0123", "collector", "t3.small", "ami-1"},
			[]string{ev.Cloud.Provider, ev.Cloud.Region, ev.Cloud.AvailabilityZone, ev.Cloud.Instance.ID, ev.Cloud.Instance.Name, ev.Cloud.Machine.Type, ev.Cloud.Image.ID})
		assert.NoError(t, ecs.CheckDocument(ev.AppendJSON(nil)))
	}
	assert.Equal(t, 3, asked, "it is asked once")

	o.Overwrite, tagged = true, false
	ev := event(t)
	require.NoError(t, chainOf(t, processor.Env{MetadataURL: server.URL}, &o).Run(ev))
	assert.Equal(t, "999988887777", ev.Cloud.Account.ID)
	assert.Equal(t, "i-0123", ev.Cloud.Instance.ID)
	assert.Empty(t, ev.Cloud.Instance.Name, "the instance does not show its tags")

	// Where nobody answers, or somebody else does, documents get nothing, and soon.
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer silent.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	o.Timeout = 10 * time.Millisecond
	for _, url := range []string{silent.URL, other.URL, "http://127.0.0.1:1"} {
		var log bytes.Buffer
		ev := event(t)
		before := string(ev.AppendJSON(nil))
		require.NoError(t, chainOf(t, processor.Env{MetadataURL: url, Logger: slog.New(slog.NewTextHandler(&log, nil))}, &o).Run(ev))
		assert.Equal(t, before, string(ev.AppendJSON(nil)))
		assert.Contains(t, log.String(), "no metadata of an EC2 instance")
	}
}
