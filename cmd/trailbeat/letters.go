package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/app"
	"github.com/trailbeat/trailbeat/internal/deadletter"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/elasticsearch"
)

// letterCluster is the cluster of the output, as a place for dead letters. It is prepared when it opens, or, where the server
// is down then, before the first letter.
type letterCluster struct {
	*elasticsearch.Output
	template elasticsearch.TemplateConfig

	mu    sync.Mutex
	ready bool
}

// lettersConfig is the configuration of the output, for the data stream of dead letters.
func lettersConfig(cfg any, stream string) *elasticsearch.Config {
	conf := *cfg.(*elasticsearch.Config)
	conf.Index, conf.Pipeline, conf.Raw, conf.RequireDataStream = stream, "", false, true
	return &conf
}

func openLetters(ctx context.Context, cfg any, env app.OutputEnv, stream string, template any) (deadletter.Cluster, error) {
	out, err := newElasticsearch(lettersConfig(cfg, stream), env)
	if err != nil {
		return nil, err
	}
	c := &letterCluster{Output: out, template: *template.(*elasticsearch.TemplateConfig)}
	if err := c.prepare(ctx); output.IsFatal(err) {
		return nil, errors.Join(err, out.Close())
	}
	return c, nil
}

func (c *letterCluster) prepare(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ready {
		return nil
	}
	if err := c.PrepareLetters(ctx, c.template); err != nil {
		return err
	}
	c.ready = true
	return nil
}

func (c *letterCluster) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	if err := c.prepare(ctx); err != nil {
		return output.Result{}, err
	}
	return c.Output.Write(ctx, events)
}

func (c *letterCluster) Read(size int) deadletter.Cursor {
	return letterCursor{c.Scroll(c.DefaultIndex(), size)}
}

func (c *letterCluster) Remove(ctx context.Context, docs []deadletter.Stored) (int, error) {
	all := make([]elasticsearch.StoredDocument, len(docs))
	for i, d := range docs {
		all[i] = elasticsearch.StoredDocument{Index: d.Index, ID: d.ID, SeqNo: d.SeqNo, Term: d.Term}
	}
	return c.Output.Remove(ctx, all)
}

type letterCursor struct{ *elasticsearch.Scroll }

func (c letterCursor) Next(ctx context.Context) ([]deadletter.Stored, error) {
	docs, err := c.Scroll.Next(ctx)
	if errors.Is(err, elasticsearch.ErrScrollGone) {
		return nil, deadletter.ErrExpired
	}
	all := make([]deadletter.Stored, len(docs))
	for i, d := range docs {
		all[i] = deadletter.Stored{Index: d.Index, ID: d.ID, SeqNo: d.SeqNo, Term: d.Term, Source: d.Source}
	}
	return all, err
}

// setupLetters installs the template of dead letters, if they go to the cluster.
func setupLetters(ctx context.Context, cfg any, env app.OutputEnv, opts app.SetupOptions) (err error) {
	if opts.Letters == "" || opts.Start {
		return nil
	}
	out, err := newElasticsearch(lettersConfig(cfg, opts.Letters), env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	template := *opts.Template.(*elasticsearch.TemplateConfig)
	report, err := out.SetupLetters(ctx, template, elasticsearch.SetupOptions{DryRun: opts.DryRun, Overwrite: opts.Overwrite})
	if err != nil {
		return fmt.Errorf("dead_letter.data_stream: %w", err)
	}
	printSetup(opts, report)
	return nil
}

// openNotes opens the data stream of Trailbeat's own findings.
func openNotes(ctx context.Context, cfg any, env app.OutputEnv, stream string, template any) (output.Output, error) {
	out, err := newElasticsearch(lettersConfig(cfg, stream), env)
	if err != nil {
		return nil, err
	}
	if err := out.PrepareNotes(ctx, *template.(*elasticsearch.TemplateConfig)); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}
