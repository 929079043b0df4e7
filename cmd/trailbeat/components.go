package main

import (
	"context"

	"github.com/trailbeat/trailbeat/internal/app"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/console"
	"github.com/trailbeat/trailbeat/output/elasticsearch"
	fileoutput "github.com/trailbeat/trailbeat/output/file"
	"github.com/trailbeat/trailbeat/output/sqlite"
)

// components lists every type that a configuration may name. A new type is a line here.
func components() app.Components {
	return app.Components{
		Inputs: map[string]app.Input{
			"aws-cloudtrail": eventHistoryInput(),
			"aws-cloudwatch": cloudWatchInput(),
			"aws-s3":         awsS3Input(),
			"file":           fileInput(),
		},
		Outputs: map[string]app.Output{
			"console":       consoleOutput(),
			"elasticsearch": elasticsearchOutput(),
			"file":          fileOutput(),
			"sqlite":        sqliteOutput(),
		},
		TemplateConfig: templateConfig,
		Template:       exportTemplate,
		Foreign:        foreignTop(),

		ForeignProcessors: foreignProcessors(),
	}
}

func consoleOutput() app.Output {
	out := app.NewOutput(console.DefaultConfig, func(_ context.Context, cfg console.Config, env app.OutputEnv) (output.Output, error) {
		return console.New(cfg, env.Stdout)
	})
	out.ToStdout, out.Appends = true, true
	return out
}

func fileOutput() app.Output {
	defaults := func() fileoutput.Config {
		cfg := fileoutput.DefaultConfig()
		cfg.Path = "documents"
		return cfg
	}
	out := app.NewOutput(defaults, func(_ context.Context, cfg fileoutput.Config, env app.OutputEnv) (output.Output, error) {
		cfg.Path = env.DataFile(cfg.Path)
		return fileoutput.New(cfg, env.Logger)
	})
	out.Appends = true
	return out
}

func sqliteOutput() app.Output {
	out := app.NewOutput(sqlite.DefaultConfig, func(_ context.Context, cfg sqlite.Config, env app.OutputEnv) (output.Output, error) {
		return sqlite.New(sqliteConfig(cfg, env), env.Logger)
	})
	out.Summary = sqliteSummary
	out.Notes = func(_ context.Context, cfg any, env app.OutputEnv, _ string, _ any) (output.Output, error) {
		return sqlite.New(sqliteConfig(*cfg.(*sqlite.Config), env), env.Logger) // each document names its data stream
	}
	return out
}

func sqliteConfig(cfg sqlite.Config, env app.OutputEnv) sqlite.Config {
	cfg.Path = env.DataFile(cfg.Path)
	return cfg
}

func elasticsearchOutput() app.Output {
	out := app.NewOutput(elasticsearch.DefaultConfig, func(_ context.Context, cfg elasticsearch.Config, env app.OutputEnv) (output.Output, error) {
		warnUnverified(&cfg, env)
		return newElasticsearch(&cfg, env)
	})
	out.Backoff = elasticsearchBackoff
	out.Streams = elasticsearchStreams
	out.Setup = setupElasticsearch
	out.Letters = openLetters
	out.Notes = openNotes
	out.Test = testElasticsearch
	out.Foreign = foreignElasticsearch()
	return out
}
