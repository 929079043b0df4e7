package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/integrity"
	"github.com/trailbeat/trailbeat/internal/manage"
	"github.com/trailbeat/trailbeat/internal/monitor/web"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

// Config is a whole configuration.
type Config struct {
	// Name is agent.name of the documents. Default: the name of the machine.
	Name string `config:"name"`
	// Agent is about agent.id of the documents.
	Agent AgentConfig `config:"agent"`
	// Path holds the directories.
	Path PathConfig `config:"path"`
	// Logging is about Trailbeat's own log.
	Logging LoggingConfig `config:"logging"`
	// Trailbeat holds the inputs and the flow.
	Trailbeat TrailbeatConfig `config:"trailbeat"`
	// Pipeline is about the mapping.
	Pipeline PipelineConfig `config:"pipeline"`
	// Processors change documents and take some out, after those of the input. Default: none.
	Processors []*config.Section `config:"processors"`
	// Fields are added to every document, below fields. Default: none.
	Fields map[string]any `config:"fields"`
	// FieldsUnderRoot adds Fields to the document itself. Default false.
	FieldsUnderRoot bool `config:"fields_under_root"`
	// Tags are added to those of each input. Default: none.
	Tags []string `config:"tags"`
	// DataStream names where documents go to: logs-DATASET-NAMESPACE.
	DataStream DataStreamConfig `config:"data_stream"`
	// Output holds the outputs by type, of which one is enabled.
	Output map[string]*OutputConfig `config:"output"`
	// Outputs are further outputs by a name of your choice, each with its type below it, for rules of routing to send documents to.
	// Default: none.
	Outputs map[string]map[string]*OutputConfig `config:"outputs"`
	// Routing says which documents go to which data stream and to which output, to the dead letters, or nowhere.
	Routing routing.Config `config:"routing"`
	// Setup is about what `setup` and the start of `run` prepare.
	Setup SetupConfig `config:"setup"`
	// DeadLetter is about records that can never be indexed.
	DeadLetter DeadLetterConfig `config:"dead_letter"`
	// Integrity looks, while a run goes on, whether the hours of the past are complete.
	Integrity integrity.Config `config:"integrity"`
	// HTTP serves the status page, the metrics and the API.
	HTTP web.Config `config:"http"`
	// Keystore has values of variables.
	Keystore KeystoreConfig `config:"keystore"`
	// Management lets sources be made, changed and taken away while the shipper runs.
	Management manage.Config `config:"management"`
}

// KeystoreConfig is the group keystore.
type KeystoreConfig struct {
	// Path of the file with secrets, which `trailbeat keystore` makes. Relative: below path.data. No file need be there. Default
	// trailbeat.keystore.
	Path string `config:"path"`
}

// AgentConfig is the group agent.
type AgentConfig struct {
	// Seed makes agent.id: the same seed gives the same id, after a new installation and on another machine too. Give each Trailbeat
	// one of its own. Default empty: the id is random, made at the first start, and kept in path.data.
	Seed string `config:"seed"`
}

// PathConfig is the group path.
type PathConfig struct {
	// Home is the directory that the others are below where they are relative. Default empty: the working directory.
	Home string `config:"home"`
	// Config is where trailbeat.yml is looked for. Default empty: path.home.
	Config string `config:"config"`
	// Data is where checkpoints, dead letters and the embedded database are. Default "data", below path.home.
	Data string `config:"data"`
	// Logs is where the log file goes if logging.to_files is on. Default "logs", below path.home.
	Logs string `config:"logs"`
}

// LoggingConfig is the group logging.
type LoggingConfig struct {
	// Level is the least level that is logged: debug, info, warning or error. Default info.
	Level string `config:"level"`
	// JSON writes each line as a JSON object. Default false: text.
	JSON bool `config:"json"`
	// ToFiles appends to the file trailbeat.log in path.logs instead of writing to stderr. Default false.
	ToFiles bool `config:"to_files"`
	// Files is about these files.
	Files LogFilesConfig `config:"files"`
}

// TrailbeatConfig is the group trailbeat.
type TrailbeatConfig struct {
	// Inputs are read side by side. No default: run needs one.
	Inputs []InputConfig `config:"inputs"`
	// Config holds the options of the flow.
	shipper.Config `config:",inline"`
}

// InputConfig is one element of trailbeat.inputs.
type InputConfig struct {
	// Type of the input. No default.
	Type string `config:"type"`
	// ID tells inputs apart in logs, checkpoints and accounting; changing it makes the input read everything again.
	// Default: the type, and its number where there are several of it.
	ID string `config:"id"`
	// Enabled. Default true; false leaves the input out.
	Enabled bool `config:"enabled"`
	// Tags of every document. Default [forwarded, aws-cloudtrail].
	Tags []string `config:"tags"`
	// PreserveOriginalEvent keeps the raw record in event.original. Default false.
	PreserveOriginalEvent bool `config:"preserve_original_event"`
	// ActorTargetMapping makes the entity fields of actor and target. Default true.
	ActorTargetMapping bool `config:"actor_target_mapping"`
	// Retain says which forms of request parameters, response elements, additional and service event data are kept: all,
	// keyword (the string form), flattened, minimal or none. Default all.
	Retain string `config:"retain"`
	// Processors change documents of this input and take some out, before those of all inputs. Default: none.
	Processors []*config.Section `config:"processors"`
	// Fields are added to every document of this input, below fields. Default: none.
	Fields map[string]any `config:"fields"`
	// FieldsUnderRoot adds Fields to the document itself. Default false.
	FieldsUnderRoot bool `config:"fields_under_root"`
	// Rest are the options of the type.
	Rest *config.Section `config:",inline"`
}

// retains are the values of retain.
var retains = []string{"all", "keyword", "flattened", "minimal", "none"}

// The tags that turn options of the mapping on.
const (
	tagPreserve    = "preserve_original_event"
	tagActorTarget = "actor_target_mapping"
)

func defaultTags() []string { return []string{"forwarded", "aws-cloudtrail"} }

// SetDefaults sets what holds where nothing is set.
func (c *InputConfig) SetDefaults() {
	c.Enabled, c.Tags, c.ActorTargetMapping, c.Retain = true, defaultTags(), true, "all"
}

// documentTags are the tags that documents start with, in the order of Elastic's integration.
func (c *InputConfig) documentTags() []string {
	var tags []string
	if c.PreserveOriginalEvent {
		tags = append(tags, tagPreserve)
	}
	if c.ActorTargetMapping {
		tags = append(tags, tagActorTarget)
	}
	return append(tags, c.Tags...)
}

// DataStreamConfig is the group data_stream.
type DataStreamConfig struct {
	// Dataset is the middle part of the name. Default aws.cloudtrail.
	Dataset string `config:"dataset"`
	// Namespace is the last part of the name, free to choose. Default "default".
	Namespace string `config:"namespace"`
}

func (c DataStreamConfig) stream() shipper.DataStream {
	return shipper.DataStream{Type: "logs", Dataset: c.Dataset, Namespace: c.Namespace}
}

// OutputConfig is one member of output, or of one of outputs.
type OutputConfig struct {
	// Enabled. Default true. Of output, and of each of outputs, one type is enabled at a time.
	Enabled bool `config:"enabled"`
	// Rest are the options of the type.
	Rest *config.Section `config:",inline"`
}

// SetDefaults sets what holds where nothing is set.
func (c *OutputConfig) SetDefaults() { c.Enabled = true }

// SetupConfig is the group setup.
type SetupConfig struct {
	// Template holds the options of the index template, which are those of Components.TemplateConfig.
	Template *config.Section `config:"template"`
}

// DeadLetterConfig is the group dead_letter.
type DeadLetterConfig struct {
	// Output says where they go: file, or data_stream in the cluster of output.elasticsearch. Default file.
	Output string `config:"output"`
	// DataStream is the data stream of output: data_stream. Default logs-aws.cloudtrail.deadletter-default.
	DataStream string `config:"data_stream"`
	// Path of the file. Default "deadletter.ndjson", below path.data.
	Path string `config:"path"`
	// KeepDocument adds the mapped document to each record. Default false.
	KeepDocument bool `config:"keep_document"`
}

// DefaultConfig is the configuration where nothing is set.
func DefaultConfig() Config {
	return Config{
		Path:       PathConfig{Data: "data", Logs: "logs"},
		Logging:    LoggingConfig{Level: "info", Files: defaultLogFiles()},
		Trailbeat:  TrailbeatConfig{Config: shipper.DefaultConfig()},
		Pipeline:   defaultPipelineConfig(),
		DataStream: DataStreamConfig{Dataset: "aws.cloudtrail", Namespace: "default"},
		DeadLetter: DeadLetterConfig{Output: lettersInFile, DataStream: "logs-aws.cloudtrail.deadletter-default", Path: "deadletter.ndjson"},
		HTTP:       web.DefaultConfig(),
		Integrity:  integrity.DefaultConfig(),
		Keystore:   KeystoreConfig{Path: keystoreFile},
		Management: manage.DefaultConfig(),
	}
}

// aliases are the names of Beats for options that we have under another one.
func aliases() map[string]string {
	return map[string]string{
		"filebeat.inputs":           "trailbeat.inputs",
		"filebeat.shutdown_timeout": "trailbeat.shutdown_timeout",
		"cloud.id":                  "output.elasticsearch.cloud.id",
		"cloud.auth":                "output.elasticsearch.cloud.auth",
	}
}

// Validate joins all that is wrong beyond the types of single options.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, err := parseLevel(c.Logging.Level); err != nil {
		bad("logging.level: %w", err)
	}
	errs = append(errs, prefixed("logging", c.Logging.Files.Validate())...)
	if c.Path.Data == "" {
		bad("path.data: must not be empty; checkpoints need a place")
	}
	if c.DeadLetter.Output != lettersInFile && c.DeadLetter.Output != lettersInStream {
		bad("dead_letter.output: must be file or data_stream, is %q", c.DeadLetter.Output)
	}
	if strings.Count(c.DeadLetter.DataStream, "-") != 2 || strings.ToLower(c.DeadLetter.DataStream) != c.DeadLetter.DataStream {
		bad("dead_letter.data_stream: must be TYPE-DATASET-NAMESPACE in lower case, such as logs-aws.cloudtrail.deadletter-default, is %q", c.DeadLetter.DataStream)
	}
	if c.DeadLetter.Path == "" {
		bad("dead_letter.path: must not be empty; records that cannot be indexed need a place")
	}
	for _, part := range []struct{ option, value string }{
		{"data_stream.dataset", c.DataStream.Dataset}, {"data_stream.namespace", c.DataStream.Namespace},
	} {
		switch {
		case part.value == "":
			bad("%s: must not be empty", part.option)
		case part.value != strings.ToLower(part.value) || strings.ContainsAny(part.value, "-\\/*?\"<>| ,#:") || len(part.value) > 100:
			bad("%s: must be lower case, at most 100 bytes, without - \\ / * ? \" < > | , # : and space; is %q", part.option, part.value)
		}
	}
	errs = append(errs, c.validateRouting()...)
	errs = append(errs, prefixed("trailbeat", c.Trailbeat.Config.Validate())...)
	errs = append(errs, prefixed("pipeline", c.Pipeline.Validate())...)
	errs = append(errs, prefixed("http", c.HTTP.Validate())...)
	errs = append(errs, prefixed("integrity", c.Integrity.Validate())...)
	errs = append(errs, prefixed("management", c.Management.Validate())...)
	if on := c.HTTP.Enabled; c.Management.Enabled && on != nil && !*on {
		bad("management.enabled: is served below http, and http.enabled is false; remove one of them")
	}
	for _, spec := range addFields(c.Fields, c.FieldsUnderRoot) {
		errs = append(errs, spec.Options.Validate())
	}
	if slices.Contains(c.Tags, "") {
		bad("tags: holds an empty tag; remove it")
	}
	for i, in := range c.Trailbeat.Inputs {
		for _, spec := range addFields(in.Fields, in.FieldsUnderRoot) {
			errs = append(errs, prefixed(fmt.Sprintf("trailbeat.inputs.%d", i), spec.Options.Validate())...)
		}
		if !slices.Contains(retains, in.Retain) {
			bad("trailbeat.inputs.%d.retain: is %q, but must be one of %s", i, in.Retain, strings.Join(retains, ", "))
		}
		if slices.Contains(in.Tags, "") {
			bad("trailbeat.inputs.%d.tags: holds an empty tag; remove it", i)
		}
	}
	return errors.Join(errs...)
}

// prefixed puts the name of a group before each error of it.
func prefixed(group string, err error) []error {
	if err == nil {
		return nil
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for i, one := range all {
		all[i] = fmt.Errorf("%s.%w", group, one)
	}
	return all
}
