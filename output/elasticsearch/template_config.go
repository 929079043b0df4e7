package elasticsearch

import (
	"errors"
	"fmt"
	"strings"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

// TemplateConfig is the group setup.template: the index template that makes data streams of what is written.
type TemplateConfig struct {
	// Enabled installs the template before a run. Default true. Off, a run refuses to start where there is none.
	Enabled bool `config:"enabled"`
	// Overwrite replaces a template of this name that somebody else installed. Default false.
	Overwrite bool `config:"overwrite"`
	// Name of the template. Default empty: trailbeat- and the name of the data stream without its namespace,
	// trailbeat-logs-aws.cloudtrail.
	Name string `config:"name"`
	// Pattern of the names that it is for. Default empty: all namespaces of the data stream, logs-aws.cloudtrail-*.
	Pattern string `config:"pattern"`
	// Priority among templates that match the same name. Default 0: that of the built-in template, which is above those of
	// the server itself and of Elastic's integration.
	Priority int `config:"priority"`
	// Settings of the index, nested or dotted, laid over those of the template, such as number_of_shards: 2. Default none.
	Settings map[string]any `config:"settings"`
	// Lifecycle of the documents.
	Lifecycle LifecycleConfig `config:"lifecycle"`
}

// LifecycleConfig is the group setup.template.lifecycle.
type LifecycleConfig struct {
	// DataRetention is how long documents are kept, such as 365d. Default empty: for ever. Elasticsearch 8.11 and newer.
	DataRetention string `config:"data_retention"`
	// Policy is the name of an ILM policy of the cluster to use instead. Default empty: none. Elasticsearch only;
	// OpenSearch attaches policies by a pattern that stands in the policy.
	Policy string `config:"policy"`
}

// DefaultTemplateConfig installs the built-in template as it is.
func DefaultTemplateConfig() TemplateConfig { return TemplateConfig{Enabled: true} }

var retention = lazyregexp.New(`^[1-9][0-9]*(d|h|m|s)$`)

// Validate joins all that is wrong, each with the option's name relative to setup.template.
func (c *TemplateConfig) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Name != "" && (strings.ToLower(c.Name) != c.Name || strings.ContainsAny(c.Name, " ,#*/?")) {
		bad("name: must be in lower case without spaces, commas, # * / ?, is %q", c.Name)
	}
	if strings.ContainsAny(c.Pattern, " ,#?/") {
		bad("pattern: must be one name in which * stands for anything, is %q", c.Pattern)
	}
	if c.Pattern == "*" {
		bad("pattern: must not be * alone, which would take all indices of the cluster")
	}
	if c.Priority < 0 {
		bad("priority: must be >= 0 (0: the built-in one), is %d", c.Priority)
	}
	if r := c.Lifecycle.DataRetention; r != "" && !retention().MatchString(r) {
		bad("lifecycle.data_retention: must be a number with d, h, m or s, such as 365d, is %q", r)
	}
	if c.Lifecycle.DataRetention != "" && c.Lifecycle.Policy != "" {
		bad("lifecycle.policy: cannot go together with lifecycle.data_retention; remove one of them")
	}
	return errors.Join(errs...)
}
