package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/output"
)

// fakeConfig are the options of the fake input and output.
type fakeConfig struct {
	Records []string `config:"records"`
	Fail    string   `config:"fail"`
	Token   string   `config:"token,secret"`
}

func (c *fakeConfig) Validate() error {
	if c.Fail == "invalid" {
		return errors.New("fail: must not be invalid")
	}
	return nil
}

func defaultFake() fakeConfig { return fakeConfig{} }

// fakeInput hands out one batch.
type fakeInput struct {
	cfg   fakeConfig
	env   InputEnv
	world *world
	reads int
}

func (f *fakeInput) Read(ctx context.Context) (*input.Batch, error) {
	f.reads++
	switch {
	case f.reads == 1 && f.cfg.Fail == "read":
		return nil, errors.New("no such share")
	case f.reads > 2 || f.reads > 1 && f.cfg.Fail != "read":
		if !f.env.Once {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, io.EOF
	}
	batch := &input.Batch{Ack: func(err error) { f.world.note("ack %s %v", f.env.ID, err) }}
	for i, raw := range f.cfg.Records {
		batch.Records = append(batch.Records, input.Record{
			Raw: []byte(raw), Index: int64(i), Origin: &input.Origin{InputID: f.env.ID, InputType: "fake", Path: "fake.json"},
		})
	}
	return batch, nil
}

func (f *fakeInput) Close() error {
	f.world.note("close input %s", f.env.ID)
	return f.env.Store.Put("closed", true)
}

// fakeOutput remembers what it got.
type fakeOutput struct {
	world *world
	cfg   fakeConfig
}

func (f *fakeOutput) Write(_ context.Context, events []*ecs.Event) (output.Result, error) {
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	if f.world.onWrite != nil {
		f.world.onWrite()
	}
	if f.cfg.Fail == "fatal" {
		return output.Result{}, &output.FatalError{Err: errors.New("the key is not accepted")}
	}
	var failures []output.Failure
	for i, ev := range events {
		f.world.docs = append(f.world.docs, string(ev.AppendJSON(nil)))
		f.world.ids = append(f.world.ids, ev.Meta.Index+"/"+ev.Meta.ID)
		if f.cfg.Fail == "document" {
			failures = append(failures, output.Failure{Index: i, Permanent: true, Status: 400, Type: "mapper_parsing_exception", Reason: "no"})
		}
	}
	if failures != nil {
		return output.Result{Stored: len(events) - len(failures)}, &output.BatchError{Failures: failures}
	}
	return output.Result{Stored: len(events)}, nil
}

func (f *fakeOutput) Close() error { f.world.note("close output"); return nil }

// world is what the fakes tell the tests.
type world struct {
	mu      sync.Mutex
	notes   []string
	docs    []string
	ids     []string
	onWrite func()
	up      bool // the server will be up at the next try
}

func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, fmt.Sprintf(format, args...))
}

func (w *world) components() Components {
	out := NewOutput(defaultFake, func(_ context.Context, cfg fakeConfig, _ OutputEnv) (output.Output, error) {
		if cfg.Fail == "open" {
			return nil, errors.New("no such disk")
		}
		return &fakeOutput{w, cfg}, nil
	})
	out.Summary = func(_ context.Context, _ any, _ OutputEnv, report io.Writer) error {
		fmt.Fprintln(report, "a summary")
		return nil
	}
	out.Setup = func(_ context.Context, cfg any, _ OutputEnv, opts SetupOptions) error {
		w.note("setup dry=%t overwrite=%t", opts.DryRun, opts.Overwrite)
		switch cfg.(*fakeConfig).Fail {
		case "setup":
			if w.up = !w.up; w.up { // at the first try
				return errors.New("the server is down")
			}
		case "setup for good":
			return &output.FatalError{Err: errors.New("the server is too old")}
		}
		fmt.Fprintln(opts.Report, "template installed")
		return nil
	}
	out.Test = func(_ context.Context, cfg any, _ OutputEnv, report func(Step)) error {
		report(Step{Name: "talk to the server", Detail: "it talks"})
		if fail := cfg.(*fakeConfig).Fail; fail != "" {
			return errors.New(fail)
		}
		return nil
	}
	return Components{
		Inputs: map[string]Input{"fake": NewInput(defaultFake, func(_ context.Context, cfg fakeConfig, env InputEnv) (input.Input, error) {
			if cfg.Fail == "open" {
				return nil, errors.New("no such share")
			}
			return &fakeInput{cfg: cfg, env: env, world: w}, nil
		})},
		Outputs: map[string]Output{"fake": out},
	}
}

// runApp runs a command in a directory of its own with the configuration.
func runApp(t *testing.T, w *world, config string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	require.NoError(t, os.WriteFile("trailbeat.yml", []byte(config), 0o600))
	var out, errs bytes.Buffer
	code = Main(args, IO{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}, w.components())
	return code, out.String(), errs.String()
}

const listBuckets = `{"eventID":"e-1","eventTime":"2026-01-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"eu-west-1","recipientAccountId":"123456789012","userIdentity":{"type":"AWSService"}}`

func configOf(inputOptions, outputOptions string) string {
	return "trailbeat.inputs:\n  - type: fake\n    id: a\n    " + inputOptions + "\noutput.fake: {" + outputOptions + "}\n"
}

func TestRunOnce(t *testing.T) {
	w := &world{}
	code, stdout, stderr := runApp(t, w, "name: here\n"+configOf("records: ['"+listBuckets+"', 'not JSON']\n    tags: [x]\n    preserve_original_event: true", ""), "run", "--once")
	require.Zero(t, code, stderr)
	assert.Equal(t, "received 2 = 2 indexed + 0 duplicate + 0 filtered + 0 dead_lettered + 0 returned\na summary\n", stdout)
	assert.Equal(t, []string{"setup dry=false overwrite=false", "ack a <nil>", "close input a", "close output"}, w.notes)

	require.Len(t, w.docs, 2)
	var doc struct {
		Agent      struct{ ID, Name, Type, Version, EphemeralID string }
		DataStream struct{ Dataset, Namespace, Type string } `json:"data_stream"`
		Event      struct{ Action, Original, Ingested, Module, Dataset string }
		Input      struct{ Type string }
		Log        struct{ File struct{ Path string } }
		Tags       []string
	}
	require.NoError(t, json.Unmarshal([]byte(w.docs[0]), &doc))
	assert.Equal(t, "here", doc.Agent.Name)
	assert.Equal(t, Version(), doc.Agent.Version)
	assert.Equal(t, "aws.cloudtrail", doc.DataStream.Dataset)
	assert.Equal(t, "ListBuckets", doc.Event.Action)
	assert.Equal(t, listBuckets, doc.Event.Original)
	assert.NotEmpty(t, doc.Event.Ingested)
	assert.Equal(t, "fake", doc.Input.Type)
	assert.Equal(t, "fake.json", doc.Log.File.Path)
	assert.Equal(t, []string{"preserve_original_event", "actor_target_mapping", "x"}, doc.Tags)
	for _, id := range w.ids {
		assert.Regexp(t, `^logs-aws\.cloudtrail-default/[0-9a-f]{32}$`, id, "records without an eventID have an _id too")
	}

	var kept meta
	data, err := os.ReadFile(filepath.Join("data", "meta.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &kept))
	assert.Equal(t, doc.Agent.ID, kept.UUID)
}

func TestNoTagsAtAllMeansNone(t *testing.T) {
	w := &world{}
	code, _, stderr := runApp(t, w, configOf("records: ['"+listBuckets+"']\n    tags: []\n    actor_target_mapping: false", ""), "run", "--once")
	require.Zero(t, code, stderr)
	assert.NotContains(t, w.docs[0], "tags")
	assert.NotContains(t, w.docs[0], `"entity"`)
}

func TestRunThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		code   int
		stderr string
		stdout string
	}{
		"input does not open":        {configOf("fail: open", ""), 1, `opening input "a": no such share`, ""},
		"output does not open":       {configOf("records: [a]", "fail: open"), 1, "opening output.fake: no such disk", ""},
		"output refuses for good":    {configOf("records: [a]", "fail: fatal"), 1, "the key is not accepted", "received 1 = 0 indexed + 0 duplicate + 0 filtered + 0 dead_lettered + 1 returned"},
		"setup is impossible":        {configOf("records: [a]", "fail: setup for good"), 1, "preparing output.fake: the server is too old", ""},
		"setup fails for now":        {configOf("records: [a]", "fail: setup"), 0, "output could not be prepared yet", "received 1 = 1 indexed"},
		"a source cannot be read":    {configOf("records: [a]\n    fail: read", ""), 1, "1 error while reading", "received 1 = 1 indexed"},
		"a document is refused":      {configOf("records: [a]", "fail: document"), 0, "1 records could not be indexed; they are in", "received 1 = 0 indexed + 0 duplicate + 0 filtered + 1 dead_lettered + 0 returned"},
		"the configuration is wrong": {configOf("fail: invalid", ""), 2, "trailbeat.yml:4:11: trailbeat.inputs.0.fail: must not be invalid", ""},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := runApp(t, &world{}, c.config, "run", "--once")
			assert.Equal(t, c.code, code)
			assert.Contains(t, stderr, c.stderr)
			assert.Contains(t, stdout, c.stdout)
		})
	}
}

func TestAStoppedRunIsDone(t *testing.T) {
	w := &world{}
	ctx, stop := context.WithCancel(t.Context())
	w.onWrite = stop
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("trailbeat.yml", []byte(configOf("records: [a]", "")), 0o600))
	var out, errs bytes.Buffer
	a := &app{IO: IO{Stdout: &out, Stderr: &errs}, components: w.components()}
	s, err := a.load()
	require.NoError(t, err)
	err = a.ship(ctx, s, shipment{sources: s.openInputs})
	require.NoError(t, err)
	assert.Equal(t, "received 1 = 1 indexed + 0 duplicate + 0 filtered + 0 dead_lettered + 0 returned\n", out.String())
	assert.Contains(t, w.notes, "ack a <nil>")
}

func TestLogging(t *testing.T) {
	w := &world{}
	code, _, stderr := runApp(t, w, "logging.json: true\n"+configOf("records: [a]", "fail: setup"), "run", "--once", "-v")
	require.Zero(t, code)
	line, _, _ := strings.Cut(stderr, "\n")
	var entry map[string]any
	require.NoError(t, json.Unmarshal([]byte(line), &entry), line)
	assert.Contains(t, entry, "@timestamp")
	assert.Contains(t, entry, "log.level")
	assert.Contains(t, entry, "message")

	code, _, stderr = runApp(t, w, "logging: {to_files: true, level: warning}\n"+configOf("records: [a]", "fail: setup"), "run", "--once")
	require.Zero(t, code)
	assert.Empty(t, stderr)
	text, err := os.ReadFile(filepath.Join("logs", "trailbeat.log"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "output could not be prepared yet")

	code, _, stderr = runApp(t, w, "logging.to_files: true\n"+configOf("records: [a]", "fail: setup"), "run", "--once", "-e")
	require.Zero(t, code)
	assert.Contains(t, stderr, "output could not be prepared yet", "-e wins")
}

func TestSetupAndTestOutput(t *testing.T) {
	w := &world{}
	code, stdout, _ := runApp(t, w, configOf("records: [a]", ""), "setup", "--dry-run", "--overwrite")
	assert.Zero(t, code)
	assert.Equal(t, "template installed\n", stdout)
	assert.Equal(t, []string{"setup dry=true overwrite=true"}, w.notes)

	code, stdout, _ = runApp(t, w, configOf("records: [a]", ""), "test", "output")
	assert.Zero(t, code)
	assert.Equal(t, "talk to the server                       ok       it talks\noutput.fake OK\n", stdout)

	code, stdout, stderr := runApp(t, w, configOf("records: [a]", "fail: unreachable"), "test", "output")
	assert.Equal(t, 1, code)
	assert.Equal(t, "talk to the server                       ok       it talks\n", stdout)
	assert.Equal(t, "trailbeat: testing output.fake: unreachable\n", stderr)
}

func TestSecretsAreNotPrinted(t *testing.T) {
	code, stdout, _ := runApp(t, &world{}, configOf("token: sesame", "token: sesame"), "export", "config")
	assert.Zero(t, code)
	assert.NotContains(t, stdout, "sesame")
	assert.Equal(t, 2, strings.Count(stdout, "token: xxxxx"))
}

func TestExportTemplate(t *testing.T) {
	code, _, stderr := runApp(t, &world{}, "", "export", "template", "--engine", "solr")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, `--engine is "solr", but must be one of elasticsearch, opensearch`)
	code, _, stderr = runApp(t, &world{}, "", "export", "template")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "built without an output that has a template")
}
