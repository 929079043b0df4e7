package app

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/pipeline"
	"github.com/trailbeat/trailbeat/pipeline/geoip"
	"github.com/trailbeat/trailbeat/pipeline/processor"
	"github.com/trailbeat/trailbeat/pipeline/routing"
	"github.com/trailbeat/trailbeat/pipeline/useragent"
)

// PipelineConfig is the group pipeline.
type PipelineConfig struct {
	// GeoIP holds the databases of source.geo and source.as.
	GeoIP geoip.Config `config:"geoip"`
	// UserAgent is about user_agent.*.
	UserAgent useragent.Config `config:"user_agent"`
}

func defaultPipelineConfig() PipelineConfig {
	return PipelineConfig{GeoIP: geoip.DefaultConfig(), UserAgent: useragent.DefaultConfig()}
}

// Validate joins all that is wrong.
func (c PipelineConfig) Validate() error {
	return errors.Join(append(prefixed("geoip", c.GeoIP.Validate()), prefixed("user_agent", c.UserAgent.Validate())...)...)
}

// config makes the mapping's configuration. Tags come with each event, so there are none by default: an input that wants
// no tags at all gets none.
func (c PipelineConfig) config(retain string, log *slog.Logger) pipeline.Config {
	off := false
	return pipeline.Config{
		Tags: []string{}, ActorTargetMapping: &off, Retain: retain, UserAgent: &c.UserAgent, GeoIP: &c.GeoIP, Logger: log,
	}
}

// openPipeline makes the pipeline of all inputs that keep everything.
func (s *settings) openPipeline(r *wiring) error {
	list, err := r.buildProcessors("", s.processors)
	if err != nil {
		return err
	}
	r.processors = list
	if r.routing, err = routing.New(s.Routing); err != nil {
		return fmt.Errorf("making the rules of routing: %w", err)
	}
	cfg := r.mapping(s.Pipeline.config(retains[0], r.log), list)
	if r.shared != nil {
		r.pipeline, err = r.shared.With(cfg)
		return err
	}
	p, err := pipeline.New(cfg)
	if err != nil {
		return fmt.Errorf("opening the pipeline: %w", err)
	}
	r.onClose(p.Close)
	r.pipeline = p
	return nil
}

// mapping adds processors and the rules of routing to a configuration of the mapping.
func (r *wiring) mapping(cfg pipeline.Config, lists ...*processor.List) pipeline.Config {
	cfg = withProcessors(cfg, lists...)
	cfg.Routing = r.routing
	return cfg
}

// newMapPipeline makes the pipeline of the command map.
func newMapPipeline(opts mapOptions, list *processor.List, table *routing.Table) (*pipeline.Pipeline, error) {
	c := defaultPipelineConfig()
	c.GeoIP.City, c.GeoIP.ASN, c.GeoIP.ReloadInterval = opts.city, opts.asn, 0
	cfg := withProcessors(c.config(opts.retain, nil), list)
	cfg.WithoutID, cfg.Routing = !opts.meta, table
	p, err := pipeline.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("opening the pipeline: %w", err)
	}
	return p, nil
}

func isDrop(err error) bool { return errors.Is(err, pipeline.ErrDrop) }

// identify gives a document an _id from the place of its record, if the record has no identity of its own.
func identify(ev *ecs.Event, rec *input.Record) {
	o := rec.Origin
	switch {
	case ev.Meta.ID != "" || o == nil:
	case rec.SourceID != "":
		// The source knows its records by name, so their number does not matter.
		pipeline.SetObjectID(ev, o.LogGroup, o.LogStream+"\xff"+rec.SourceID, 0)
	case o.Bucket != "":
		pipeline.SetObjectID(ev, o.Bucket, o.Key, rec.Index)
	default:
		pipeline.SetObjectID(ev, "", o.Path, rec.Index)
	}
}
