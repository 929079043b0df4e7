package app

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/trailbeat/trailbeat/input"
)

func TestTestInput(t *testing.T) {
	type options struct {
		Fail string `config:"fail"`
	}
	w := &world{}
	components := w.components()
	probing := NewInput(func() options { return options{} }, func(context.Context, options, InputEnv) (input.Input, error) {
		panic("a test that has steps opens nothing")
	})
	probing.Test = func(_ context.Context, cfg any, env InputEnv, report func(Step)) {
		assert.True(t, env.Once)
		assert.NoError(t, env.Store.Put("cursor", 1), "there is a store, which keeps nothing")
		report(Step{Name: "identity", Detail: "somebody"})
		report(Step{Name: "list", Skipped: true, Detail: "it is named"})
		if fail := cfg.(*options).Fail; fail != "" {
			report(Step{Name: "read one object", Err: errors.New(fail)})
		}
	}
	components.Inputs["probing"] = probing
	const config = "trailbeat.inputs:\n- {type: probing, id: good}\n- {type: probing, id: bad, fail: allow s3:GetObject}\n- {type: fake, id: plain}\n"
	run := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code, _, _ := runApp(t, w, config, "version") // makes the directory
		assert.Zero(t, code)
		code = Main(args, IO{Stdout: &out, Stderr: &errs}, components)
		return code, out.String(), errs.String()
	}

	code, stdout, stderr := run("test", "input")
	assert.Equal(t, 1, code)
	assert.Equal(t, "trailbeat: 1 of 3 inputs cannot be read as they are, see above\n", stderr)
	assert.Equal(t, `input good (probing)
  identity                                 ok       somebody
  list                                     skipped  it is named
input bad (probing)
  identity                                 ok       somebody
  list                                     skipped  it is named
  read one object                          FAILED   allow s3:GetObject
input plain (fake)
  open                                     ok
`, stdout)
	assert.NoDirExists(t, "data")

	code, stdout, stderr = run("test", "input", "plain", "good")
	assert.Zero(t, code, stderr)
	assert.NotContains(t, stdout, "bad")

	code, _, stderr = run("test", "input", "god")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, `there is no input "god" in the configuration; did you mean "good"?`)
}
