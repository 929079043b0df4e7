package app

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/migrate"
	"github.com/trailbeat/trailbeat/pipeline/processor"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

// configFile is the name that is looked for where no -c is given.
const configFile = "trailbeat.yml"

// settings are a configuration with its components found and their options filled.
type settings struct {
	Config
	inputs []inputSetting
	output *outputSetting // nil where none is enabled
	// outputs are further ones, by their names.
	outputs []*outputSetting
	// template holds the options of setup.template; nil where the components have none.
	template any
	// files that were read.
	files []string
	// processors are those of all inputs.
	processors []processor.Spec
	// enrichments are those of management.enrichments.
	enrichments map[string][]processor.Spec
	// warnings about options that have no effect.
	warnings config.Errors
	// top is the whole configuration, to tell where in it something stands. Nil: it could not be read.
	top *config.Section
	// notes are about options that have an effect, and probably not the one that was meant.
	notes config.Errors
}

type inputSetting struct {
	InputConfig
	kind    Input
	options any
	// processors run before those of all inputs.
	processors []processor.Spec
	// routing is that of the input alone. Nil: that of all.
	routing *routing.Config
}

type outputSetting struct {
	// id is its name below outputs. Empty: it is that of the group output.
	id string
	// name is its type.
	name    string
	kind    Output
	options any
	section *config.Section
}

// path is the dotted name of its options.
func (o *outputSetting) path() string {
	if o.id == "" {
		return "output." + o.name
	}
	return "outputs." + o.id + "." + o.name
}

// label is its name in rules of routing.
func (o *outputSetting) label() string { return cmp.Or(o.id, routing.Default) }

// globals are the flags that every command has.
type globals struct {
	files     []string
	overrides []string
	toStderr  bool
	verbose   bool
	path      PathConfig
	// Of commands that work for long.
	quiet, noProgress bool
}

// load reads the configuration that the flags name. Its errors are usage errors.
func (a *app) load() (*settings, error) {
	files, err := a.configFiles()
	if err != nil {
		return nil, usage(err)
	}
	sources, err := config.ReadFiles(files...)
	if err != nil {
		return nil, usage(err)
	}
	s, err := resolve(sources, a.flags.allOverrides(), a.components)
	if err != nil {
		return nil, usage(err)
	}
	s.files = files
	s.makePathsAbsolute()
	return s, nil
}

// configFiles are those of -c, each also looked for below path.config, or trailbeat.yml where it is.
func (a *app) configFiles() ([]string, error) {
	dirs := []string{a.flags.path.Config, a.flags.path.Home}
	if len(a.flags.files) == 0 {
		for _, dir := range append([]string{""}, dirs...) {
			if name := filepath.Join(dir, configFile); exists(name) {
				return []string{name}, nil
			}
		}
		return nil, nil
	}
	files := make([]string, len(a.flags.files))
	for i, name := range a.flags.files {
		files[i] = name
		for _, dir := range dirs {
			if below := filepath.Join(dir, name); dir != "" && !filepath.IsAbs(name) && !exists(name) && exists(below) {
				files[i] = below
			}
		}
		if !exists(files[i]) {
			return nil, fmt.Errorf("there is no configuration file %q; name one with -c, or put %s into the working directory", name, configFile)
		}
	}
	return files, nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// allOverrides are the -E flags, then the flags that stand for an option.
func (g *globals) allOverrides() []string {
	out := slices.Clone(g.overrides)
	for _, flag := range []struct{ option, value string }{
		{"path.home", g.path.Home}, {"path.config", g.path.Config}, {"path.data", g.path.Data}, {"path.logs", g.path.Logs},
	} {
		if flag.value != "" {
			out = append(out, flag.option+"="+strconv.Quote(flag.value))
		}
	}
	if g.quiet {
		out = append(out, "logging.level=warning")
	}
	if g.verbose {
		out = append(out, "logging.level=debug")
	}
	if g.toStderr {
		out = append(out, "logging.to_files=false")
	}
	return out
}

// resolve makes settings of sources: all errors at once, also those of the components' options.
func resolve(sources []config.Source, overrides []string, components Components) (*settings, error) {
	variables := lookup
	if namesVariables(sources, overrides) {
		var err error
		if variables, err = secrets(keystorePath(sources, overrides)); err != nil {
			return nil, err
		}
	}
	var faults, notes config.Errors
	tree, err := config.Load(sources, config.Options{Overrides: overrides, Aliases: aliases(), Lookup: variables, Rewrite: func(root config.Node) {
		wrong, unused := migrate.Modules(root)
		faults, notes = append(faults, wrong...), append(notes, unused...)
	}})
	if err != nil {
		return nil, err
	}
	s, more := inspect(tree, components)
	if faults = append(faults, more...); len(faults) > 0 {
		faults.Sort()
		return nil, faults
	}
	s.warnings = append(s.warnings, notes...)
	s.warnings.Sort()
	s.notes.Sort()
	return s, nil
}

// inspect makes settings of a tree as far as they can be made, and tells what is wrong.
func inspect(tree *config.Tree, components Components) (*settings, config.Errors) {
	s := &settings{Config: DefaultConfig()}
	var all config.Errors
	// note keeps positioned errors; anything else is a fault of the program and comes back.
	note := func(err error) {
		var errs config.Errors
		if errors.As(err, &errs) {
			all = append(all, errs...)
		}
	}
	s.decodeTop(tree, components.Foreign, note)
	s.resolveInputs(components, note)
	s.resolveProcessors(components, note)
	s.resolveOutputs(components, note)
	s.checkRouting()
	s.resolveTemplate(components, note)
	return s, all
}

// lookup gives the variables of the environment, and the paths by their option's name where the configuration has none.
func lookup(name string) (string, bool) {
	defaults := DefaultConfig().Path
	switch name {
	case "path.home", "path.config":
		return ".", true
	case "path.data":
		return defaults.Data, true
	case "path.logs":
		return defaults.Logs, true
	}
	return os.LookupEnv(name)
}

func (s *settings) resolveInputs(components Components, note func(error)) {
	count := map[string]int{}
	ids := map[string]bool{}
	for _, in := range s.Trailbeat.Inputs {
		kind, known := components.Inputs[in.Type]
		switch {
		case in.Rest == nil: // not a group; said already
			continue
		case in.Type == "":
			note(in.Rest.Errorf("type", "is missing; %s", config.Unknown("", names(components.Inputs))))
			continue
		case !known && !in.Enabled:
			// Configurations of other programs come with an example that is switched off.
			s.noEffect(in.Rest, "type", fmt.Sprintf("there is no input %q, and it is not enabled", in.Type))
			continue
		case !known:
			note(in.Rest.Errorf("type", "there is no input %q; %s", in.Type, config.Unknown(in.Type, names(components.Inputs))))
			continue
		}
		if kind.Select != nil {
			chosen, err := kind.Select(in.Rest)
			if err != nil {
				note(err)
				continue
			}
			kind = chosen
		}
		options := kind.Config()
		s.decodeOptions(in.Rest, options, kind.Foreign, note)
		count[in.Type]++
		if in.ID == "" {
			in.ID = in.Type
			if n := count[in.Type]; n > 1 {
				in.ID += "-" + strconv.Itoa(n)
			}
		}
		if ids[in.ID] {
			note(in.Rest.Errorf("id", "two inputs have the id %q; give each an id of its own", in.ID))
		}
		ids[in.ID] = true
		if in.Enabled {
			s.inputs = append(s.inputs, inputSetting{InputConfig: in, kind: kind, options: options})
		}
	}
}

// resolveOutputs finds the output, and those below outputs.
func (s *settings) resolveOutputs(components Components, note func(error)) {
	s.output = s.resolveOutput(components, "", s.Output, note)
	for _, id := range names(s.Outputs) {
		out := s.resolveOutput(components, id, s.Outputs[id], note)
		if out == nil {
			continue
		}
		for _, other := range s.allOutputs() {
			if other.name == out.name && reflect.DeepEqual(other.options, out.options) {
				note(out.section.Errorf("", "is the same place as %s; give it one of its own, or send the documents there", other.path()))
			}
		}
		s.outputs = append(s.outputs, out)
	}
}

// resolveOutput finds the one of a group that is enabled; nil where none is.
func (s *settings) resolveOutput(components Components, id string, group map[string]*OutputConfig, note func(error)) *outputSetting {
	var found *outputSetting
	for _, name := range names(group) {
		out := group[name]
		if out == nil || out.Rest == nil {
			continue
		}
		kind, known := components.Outputs[name]
		if !known && !out.Enabled {
			s.noEffect(out.Rest, "", fmt.Sprintf("there is no output %q, and it is not enabled", name))
			continue
		}
		if !known {
			note(out.Rest.Errorf("", "there is no output %q; %s", name, config.Unknown(name, names(components.Outputs))))
			continue
		}
		if !out.Enabled {
			continue
		}
		options := kind.Config()
		if kind.Streams != nil {
			kind.Streams(options, s.DataStream.stream())
		}
		s.decodeOptions(out.Rest, options, kind.Foreign, note)
		if found != nil {
			note(out.Rest.Errorf("", "two outputs are enabled, this and %s; write \"enabled: false\" below one of them%s", found.path(), moreOutputs(id)))
			continue
		}
		found = &outputSetting{id: id, name: name, kind: kind, options: options, section: out.Rest}
	}
	return found
}

// moreOutputs says where a second output belongs.
func moreOutputs(id string) string {
	if id != "" {
		return ""
	}
	return ", or put it below outputs and send documents there with routing"
}

func (s *settings) resolveTemplate(components Components, note func(error)) {
	section := s.Setup.Template
	if section == nil {
		section = config.NewSection("setup.template")
		s.Setup.Template = section
	}
	if components.TemplateConfig != nil {
		s.template = components.TemplateConfig()
		note(section.Decode(s.template))
	}
}

// needOutput says what to do where no output is configured.
func (s *settings) needOutput() error {
	if s.output != nil {
		return nil
	}
	return usage(fmt.Errorf("no output is configured%s; add \"output.sqlite: {}\" to keep the documents in a database file, or output.elasticsearch with its hosts", s.where()))
}

func (s *settings) needInputs() error {
	if len(s.inputs) > 0 {
		return nil
	}
	return usage(fmt.Errorf("no input is configured%s; add one below trailbeat.inputs, for example\n"+
		"  trailbeat.inputs:\n    - type: file\n      paths: [/path/to/cloudtrail]", s.where()))
}

// needSources is needInputs for a run, which the management API may give inputs later.
func (s *settings) needSources() error {
	if s.Management.Enabled {
		return nil
	}
	return s.needInputs()
}

// where names the files that were read.
func (s *settings) where() string {
	if len(s.files) == 0 {
		return fmt.Sprintf(" (there is no %s here, and no -c was given)", configFile)
	}
	return " in " + strings.Join(s.files, ", ")
}

// makePathsAbsolute puts relative directories below path.home, so that a later change of the working directory moves
// nothing.
func (s *settings) makePathsAbsolute() {
	home, err := filepath.Abs(s.Path.Home)
	if err != nil {
		home = s.Path.Home
	}
	s.Path.Home = home
	s.Path.Config = below(home, s.Path.Config)
	s.Path.Data = below(home, s.Path.Data)
	s.Path.Logs = below(home, s.Path.Logs)
	s.DeadLetter.Path = below(s.Path.Data, s.DeadLetter.Path)
	s.Keystore.Path = below(s.Path.Data, s.Keystore.Path)
}
