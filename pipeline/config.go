package pipeline

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/trailbeat/trailbeat/pipeline/cloudtrail"
	"github.com/trailbeat/trailbeat/pipeline/geoip"
	"github.com/trailbeat/trailbeat/pipeline/processor"
	"github.com/trailbeat/trailbeat/pipeline/routing"
	"github.com/trailbeat/trailbeat/pipeline/useragent"
)

// Config says how records are mapped. The zero Config is Elastic's default, without geo data. The names are those of the
// integration's settings.
type Config struct {
	// Tags that every document gets. Default, with nil: forwarded, aws-cloudtrail. An event that brings tags keeps its own
	// instead of all that this Config would give it.
	Tags []string `config:"tags"`
	// PreserveOriginalEvent keeps the raw record in event.original and adds the tag preserve_original_event. Default false:
	// event.original stays only in documents of kind pipeline_error.
	PreserveOriginalEvent bool `config:"preserve_original_event"`
	// ActorTargetMapping writes the entity fields (actor, target, related.entity, ...) and adds the tag actor_target_mapping.
	// Default, with nil: true.
	ActorTargetMapping *bool `config:"actor_target_mapping"`
	// Retain says which copies of the parameters stay: all, keyword, flattened, minimal or none. Default, when empty: all.
	Retain string `config:"retain"`
	// UserAgent is how user agents are parsed. Default, with nil: useragent.DefaultConfig, the cluster's rules.
	UserAgent *useragent.Config `config:"user_agent"`
	// GeoIP names the City and ASN databases. Default, with nil: none, and no geo data.
	GeoIP *geoip.Config `config:"geoip"`
	// Processors change documents after the mapping and take some out. Default, with nil: none.
	Processors *processor.Chain
	// Routing says where documents go, behind the processors. Default, with nil: where they go anyway.
	Routing *routing.Table
	// WithoutID leaves Meta.ID of the events alone. Default false: it becomes the _id of the document.
	WithoutID bool
	// Logger gets what is worth knowing about databases. Default, with nil: nothing is logged.
	Logger *slog.Logger
}

// DefaultTags are the tags of the integration.
func DefaultTags() []string { return []string{"forwarded", "aws-cloudtrail"} }

// Validate names all that is wrong with c.
func (c *Config) Validate() error {
	var errs []error
	if err := cloudtrail.Retain(c.Retain).Validate(); err != nil {
		errs = append(errs, fmt.Errorf("retain: %w", err))
	}
	if c.UserAgent != nil {
		errs = append(errs, prefixed("user_agent.", c.UserAgent.Validate())...)
	}
	if c.GeoIP != nil {
		errs = append(errs, prefixed("geoip.", c.GeoIP.Validate())...)
	}
	return errors.Join(errs...)
}

// prefixed puts the name of the section before each of the joined errors.
func prefixed(section string, err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{fmt.Errorf("%s%w", section, err)}
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		errs = append(errs, fmt.Errorf("%s%w", section, e))
	}
	return errs
}

// tags are those that an event without tags gets, in the order of the integration.
func (c *Config) tags() []string {
	var tags []string
	if c.PreserveOriginalEvent {
		tags = append(tags, cloudtrail.TagPreserveOriginalEvent)
	}
	if c.ActorTargetMapping == nil || *c.ActorTargetMapping {
		tags = append(tags, cloudtrail.TagActorTargetMapping)
	}
	if c.Tags == nil {
		return append(tags, DefaultTags()...)
	}
	return append(tags, c.Tags...)
}
