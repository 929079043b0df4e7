package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/trailbeat/trailbeat/input"
	fileinput "github.com/trailbeat/trailbeat/input/file"
	"github.com/trailbeat/trailbeat/internal/app"
	"github.com/trailbeat/trailbeat/internal/registry"
)

func fileInput() app.Input {
	in := app.NewInput(fileinput.DefaultConfig, func(_ context.Context, cfg fileinput.Config, env app.InputEnv) (input.Input, error) {
		return newFile(cfg, env)
	})
	in.Test, in.Foreign, in.Again = testFile, foreignInput(), true
	return in
}

func newFile(cfg fileinput.Config, env app.InputEnv) (*fileinput.Input, error) {
	deps := fileinput.Deps{ID: env.ID, Store: env.Store, Logger: env.Logger, Once: env.Once, Stdin: env.Stdin}
	if env.Again != nil {
		deps.Wanted, cfg.IgnoreOlder = env.Again.Wanted, 0
	}
	return fileinput.New(cfg, deps)
}

// testFile reads the first records of each path.
func testFile(ctx context.Context, options any, env app.InputEnv, report func(app.Step)) {
	cfg := *options.(*fileinput.Config)
	for _, path := range cfg.Paths {
		if path == "-" {
			report(app.Step{Name: "standard input", Skipped: true, Detail: "what is read from it is gone, so it is not touched"})
			continue
		}
		one := cfg
		one.Paths = []string{path}
		own := env
		own.Store, own.Once = new(registry.Memory).Input(env.ID), true
		step := app.Step{Name: "read " + path}
		step.Detail, step.Err = readOne(ctx, one, own)
		report(step)
	}
}

// readOne reads the first records of an input, which must be objects.
func readOne(ctx context.Context, cfg fileinput.Config, env app.InputEnv) (detail string, err error) {
	in, err := newFile(cfg, env)
	if err != nil {
		return "", err
	}
	batch, err := in.Read(ctx)
	switch {
	case errors.Is(err, io.EOF):
		return "there is nothing to read now", in.Close()
	case err != nil:
		return "", errors.Join(err, in.Close())
	}
	first := batch.Records[0]
	var record map[string]json.RawMessage
	if json.Unmarshal(first.Raw, &record) != nil {
		err = fmt.Errorf("the first record of %q is not a JSON object; exclude files that are no CloudTrail logs with exclude_files", first.Origin.Path)
	} else {
		detail = fmt.Sprintf("a record of %s decodes", first.Origin.Path)
	}
	// Nothing is kept, so it does not matter what the batch is said to have become.
	batch.Ack(nil)
	return detail, errors.Join(err, in.Close())
}
