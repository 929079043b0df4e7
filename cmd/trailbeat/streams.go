package main

import (
	"cmp"
	"errors"
	"slices"

	"github.com/trailbeat/trailbeat/internal/app"
	"github.com/trailbeat/trailbeat/output/elasticsearch"
)

// eachStream calls do for each further data stream that rules of routing name, with an output for it and the template that it needs.
// One of the dataset of the output has its template already, unless it keeps documents for a time of its own.
func eachStream(cfg any, template elasticsearch.TemplateConfig, env app.OutputEnv, do func(*elasticsearch.Output, elasticsearch.TemplateConfig) error) error {
	var errs []error
	done := []string{env.DataStream.Dataset}
	for _, s := range env.Streams {
		if s.Retention == "" {
			if slices.Contains(done, s.Dataset) {
				continue
			}
			done = append(done, s.Dataset)
		}
		conf, own := forStream(*cfg.(*elasticsearch.Config), template, s)
		out, err := newElasticsearch(&conf, env)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		errs = append(errs, do(out, own), out.Close())
	}
	return errors.Join(errs...)
}

// forStream gives the options of the output, and those of the template, for a further data stream: of its dataset, or, where it
// keeps documents for a time of its own, of that data stream alone.
func forStream(conf elasticsearch.Config, template elasticsearch.TemplateConfig, s app.Stream) (elasticsearch.Config, elasticsearch.TemplateConfig) {
	elasticsearchStreams(&conf, s.DataStream)
	name := s.Dataset
	conf.Index, template.Pattern = "", ""
	if s.Retention != "" {
		name += "-" + s.Namespace
		conf.Index = s.Type + "-" + name
		template.Priority = cmp.Or(template.Priority, elasticsearch.BuiltinPriority) + 1 // above that of the dataset
		template.Lifecycle = elasticsearch.LifecycleConfig{DataRetention: s.Retention}
	}
	if template.Name != "" {
		template.Name += "-" + name
	}
	return conf, template
}
