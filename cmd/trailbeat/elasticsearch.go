package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/trailbeat/trailbeat/internal/app"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output/elasticsearch"
	"github.com/trailbeat/trailbeat/output/elasticsearch/sigv4"
)

func newElasticsearch(cfg *elasticsearch.Config, env app.OutputEnv) (*elasticsearch.Output, error) {
	opts := elasticsearch.Options{Logger: env.Logger, UserAgent: "trailbeat/" + app.Version()}
	if s := cfg.AWS.SigV4; s.Enabled {
		signer, err := sigv4.New(context.Background(), sigv4.Config{Region: s.Region, Service: s.Service})
		if err != nil {
			return nil, err
		}
		opts.Wrap = signer.Wrap
	}
	return elasticsearch.New(*cfg, opts)
}

func templateConfig() any { cfg := elasticsearch.DefaultTemplateConfig(); return &cfg }

func elasticsearchBackoff(cfg any) shipper.Backoff {
	b := cfg.(*elasticsearch.Config).Backoff
	return shipper.Backoff{Init: b.Init, Max: b.Max}
}

// elasticsearchStreams makes data_stream of the configuration the default of the output's own.
func elasticsearchStreams(cfg any, ds shipper.DataStream) {
	to := &cfg.(*elasticsearch.Config).DataStream
	to.Type, to.Dataset, to.Namespace = ds.Type, ds.Dataset, ds.Namespace
}

// warnUnverified tells that the connection proves nothing about the server. It is said once in a command.
func warnUnverified(cfg *elasticsearch.Config, env app.OutputEnv) {
	if cfg.SSL.Unverified() {
		env.Logger.Warn("certificates are not verified, so anybody on the way can read and change what is sent; see ssl.certificate_authorities and ssl.ca_trusted_fingerprint",
			"ssl.verification_mode", "none")
	}
}

// setupElasticsearch installs the index template. At the start of a run it makes sure that documents can be sent.
func setupElasticsearch(ctx context.Context, cfg any, env app.OutputEnv, opts app.SetupOptions) (err error) {
	template := opts.Template.(*elasticsearch.TemplateConfig)
	out, err := newElasticsearch(cfg.(*elasticsearch.Config), env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if opts.Start {
		return errors.Join(out.Prepare(ctx, *template), eachStream(cfg, *template, env, func(own *elasticsearch.Output, t elasticsearch.TemplateConfig) error {
			return own.Prepare(ctx, t)
		}))
	}
	warnUnverified(cfg.(*elasticsearch.Config), env)
	report, err := out.Setup(ctx, *template, elasticsearch.SetupOptions{DryRun: opts.DryRun, Overwrite: opts.Overwrite})
	if err != nil {
		return err
	}
	printSetup(opts, report)
	err = eachStream(cfg, *template, env, func(own *elasticsearch.Output, t elasticsearch.TemplateConfig) error {
		report, err := own.Setup(ctx, t, elasticsearch.SetupOptions{DryRun: opts.DryRun, Overwrite: opts.Overwrite})
		if err == nil {
			printSetup(opts, report)
		}
		return err
	})
	return errors.Join(err, setupLetters(ctx, cfg, env, opts))
}

func printSetup(opts app.SetupOptions, report elasticsearch.SetupReport) {
	would := ""
	if opts.DryRun && report.Action != elasticsearch.SetupNothing {
		would = "would "
	}
	fmt.Fprintf(opts.Report, "%s: index template %s: %s%s\n", describe(report.Server), report.Template, would, report.Action)
	if report.Action == elasticsearch.SetupUpdate || opts.DryRun {
		fmt.Fprint(opts.Report, report.Diff)
	}
	for _, note := range report.Notes {
		fmt.Fprintf(opts.Report, "note: %s\n", note)
	}
}

func describe(s elasticsearch.Server) string {
	text := strings.TrimSpace(string(s.Flavour) + " " + s.Version)
	if s.Serverless {
		text = "elasticsearch serverless"
	}
	if s.Cluster != "" {
		text += " (cluster " + s.Cluster + ")"
	}
	return text
}

// testElasticsearch looks at everything between here and a stored document.
func testElasticsearch(ctx context.Context, cfg any, env app.OutputEnv, report func(app.Step)) (err error) {
	out, err := newElasticsearch(cfg.(*elasticsearch.Config), env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	warnUnverified(cfg.(*elasticsearch.Config), env)
	for _, step := range out.Test(ctx) {
		report(app.Step{Name: step.Name, Detail: step.Detail, Skipped: step.Skipped, Err: step.Err})
	}
	return eachStream(cfg, elasticsearch.DefaultTemplateConfig(), env, func(own *elasticsearch.Output, _ elasticsearch.TemplateConfig) error {
		step := app.Step{Name: "data stream " + own.DefaultIndex(), Err: own.CheckReady(ctx)}
		if step.Err == nil {
			step.Detail = "a rule of routing sends documents there, and it takes them"
		}
		report(step)
		return nil
	})
}

// exportTemplate gives the index template as setup would install it.
func exportTemplate(engine string, template, output any, ds shipper.DataStream) ([]byte, error) {
	conf, ok := output.(*elasticsearch.Config)
	if !ok {
		cfg := elasticsearch.DefaultConfig()
		conf = &cfg
		elasticsearchStreams(conf, ds)
	}
	t, err := elasticsearch.BuildTemplate(elasticsearch.Flavour(engine), conf, *template.(*elasticsearch.TemplateConfig))
	if err != nil {
		return nil, err
	}
	return t.Body, nil
}
