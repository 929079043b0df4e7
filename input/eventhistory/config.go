package eventhistory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/batch"
)

// Config of the aws-cloudtrail input.
type Config struct {
	// AWS is the block of credentials, endpoint and connections. Its api_timeout bounds each call of this input too. Its region is
	// only that from which the account is asked for its regions.
	AWS aws.Config `config:",inline"`

	// Regions whose event history is read: names; "all" for those that are enabled in the account (needs account:ListRegions; new ones are
	// found while running); "default" for those that no account can switch off. Default empty: all.
	Regions []string `config:"regions"`
	// EventCategories are management, insight or both. Default management. Insights are there only where a trail has them enabled.
	EventCategories []string `config:"event_categories"`
	// LookupAttributes limit reading to events with one of these attributes, each of which is asked for by itself, as AWS takes one in a
	// call. Default none: all events.
	LookupAttributes []Attribute `config:"lookup_attributes"`

	// StartTimestamp is the oldest event to read when the input runs for the first time: a time (RFC 3339), a day (2026-01-31), a
	// duration before now (720h, 30d) or beginning, which is 90 days ago. Default empty: beginning.
	StartTimestamp string `config:"start_timestamp"`
	// IgnoreOlder leaves out what is older than this when it is its turn. Default 0: nothing.
	IgnoreOlder time.Duration `config:"ignore_older"`
	// ScanFrequency is the time from one look for new events to the next. Default 1m; must be above 0.
	ScanFrequency time.Duration `config:"scan_frequency"`
	// Lookback is how far before the look before each look begins, to find events that came late. Default 30m: six times what CloudTrail
	// needs on average. 0 finds no late events.
	Lookback time.Duration `config:"lookback"`
	// LookbackMax is how far Lookback may grow by itself where events are seen to come later than half of it. Default 2h; 0 or
	// anything up to Lookback lets it not grow.
	LookbackMax time.Duration `config:"lookback_max"`
	// APISleep is the least time between two LookupEvents calls in one account and region, of all inputs together. Default
	// 500ms, which is AWS's quota of 2 calls a second; 0 sets no floor.
	APISleep time.Duration `config:"api_sleep"`
	// Workers is how many regions (and categories, and attributes) are read at the same time. Default 5; must be above 0.
	Workers int `config:"number_of_workers"`

	// SeenMax is how many events are remembered for each region, category and attribute, so that the lookback is not delivered again.
	// Default 200000 (about 8 MiB); 0 remembers none. What is beyond it comes again and is a duplicate by its document id.
	SeenMax int `config:"seen_max"`
	// Flight bounds the batches.
	batch.Flight `config:",inline"`
}

// Attribute is one that events are looked up by. The names are those of AWS.
type Attribute struct {
	// Key is EventId, EventName, ReadOnly, Username, ResourceType, ResourceName, EventSource or AccessKeyId; for insights one of
	// EventId, EventName and EventSource. Required.
	Key string `config:"attribute_key"`
	// Value must be equal, in upper and lower case too. Required.
	Value string `config:"attribute_value"`
}

// The values of Regions that are no names, and those of EventCategories.
const (
	regionsAll     = "all"
	regionsDefault = "default"

	categoryManagement = "management"
	categoryInsight    = "insight"
)

// attributeKeys are what AWS looks up by, insightKeys those of insights.
var (
	attributeKeys = []string{"EventId", "EventName", "ReadOnly", "Username", "ResourceType", "ResourceName", "EventSource", "AccessKeyId"}
	insightKeys   = []string{"EventId", "EventName", "EventSource"}
)

// DefaultConfig gives the defaults. They are complete: all of the event history of all regions is read.
func DefaultConfig() Config {
	return Config{
		AWS:             aws.DefaultConfig(),
		EventCategories: []string{categoryManagement},
		ScanFrequency:   time.Minute,
		Lookback:        30 * time.Minute,
		LookbackMax:     2 * time.Hour,
		APISleep:        500 * time.Millisecond,
		Workers:         5,
		SeenMax:         200_000,
		Flight:          batch.DefaultFlight(),
	}
}

// Validate joins all that is wrong.
func (c Config) Validate() error {
	errs := []error{c.AWS.Validate()}
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	c.validateWhat(bad)
	if _, err := aws.ParseStart(c.StartTimestamp, time.Now()); err != nil {
		bad("start_timestamp: %w", err)
	}
	if c.ScanFrequency <= 0 {
		bad("scan_frequency: must be > 0, is %s", c.ScanFrequency)
	}
	for _, d := range []struct {
		name string
		is   time.Duration
	}{{"ignore_older", c.IgnoreOlder}, {"lookback", c.Lookback}, {"lookback_max", c.LookbackMax}, {"api_sleep", c.APISleep}} {
		if d.is < 0 || d.is > kept {
			bad("%s: must be >= 0 and at most %s, which is what AWS keeps, is %s", d.name, kept, d.is)
		}
	}
	if c.SeenMax < 0 {
		bad("seen_max: must be >= 0, is %d", c.SeenMax)
	}
	if c.Workers <= 0 {
		bad("number_of_workers: must be > 0, is %d", c.Workers)
	}
	c.Flight.Validate(bad)
	return errors.Join(errs...)
}

func (c Config) validateWhat(bad func(string, ...any)) {
	for i, r := range c.Regions {
		switch {
		case r == "" || strings.ContainsAny(r, " /:|*"):
			bad("regions.%d: must be the name of a region such as eu-west-1, all or default, is %q", i, r)
		case slices.Index(c.Regions, r) < i:
			bad("regions.%d: %s is there twice", i, r)
		case slices.Contains(c.Regions, regionsAll) && len(c.Regions) > 1 && i == 0:
			bad("regions: all goes alone, as it has the others in it")
		}
	}
	if len(c.EventCategories) == 0 {
		bad("event_categories: must name management, insight or both")
	}
	for i, name := range c.EventCategories {
		switch {
		case name != categoryManagement && name != categoryInsight:
			bad("event_categories.%d: must be management or insight, is %q; data events are in no event history, a trail has them", i, name)
		case slices.Index(c.EventCategories, name) < i:
			bad("event_categories.%d: %s is there twice", i, name)
		}
	}
	for i, a := range c.LookupAttributes {
		name := fmt.Sprintf("lookup_attributes.%d.", i)
		switch {
		case !slices.Contains(attributeKeys, a.Key):
			bad("%sattribute_key: must be one of %s, is %q", name, strings.Join(attributeKeys, ", "), a.Key)
		case slices.Contains(c.EventCategories, categoryInsight) && !slices.Contains(insightKeys, a.Key):
			bad("%sattribute_key: AWS looks up insights by %s only, is %q; make another input for event_categories insight", name, strings.Join(insightKeys, ", "), a.Key)
		}
		switch {
		case a.Value == "" || len(a.Value) > 2000:
			bad("%sattribute_value: must have 1 to 2000 characters, has %d", name, len(a.Value))
		case a.Key == "ReadOnly" && a.Value != "true" && a.Value != "false":
			bad("%sattribute_value: must be true or false for ReadOnly, is %q", name, a.Value)
		case slices.Index(c.LookupAttributes, a) < i:
			bad("lookup_attributes.%d: %s=%s is there twice", i, a.Key, a.Value)
		}
	}
}

// asks says that the account is asked for its regions.
func (c Config) asks() bool { return len(c.Regions) == 0 || slices.Contains(c.Regions, regionsAll) }
