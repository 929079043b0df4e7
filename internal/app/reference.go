package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/reference"
	"github.com/trailbeat/trailbeat/pipeline/condition"
	"github.com/trailbeat/trailbeat/pipeline/processor"
)

// Variant is one of the inputs that a type stands for.
type Variant struct {
	// Title says when it is meant: "with a queue".
	Title string
	Input Input
}

func (a *app) exportReferenceCommand() *cobra.Command {
	format := "markdown"
	formats := []string{"markdown", "yaml"}
	cmd := &cobra.Command{
		Use:   "reference",
		Short: "Print every option with its type, its default and what it does",
		Long: `Export reference prints all options of the configuration: as a page (markdown), or as a commented configuration file (yaml)
whose lines can be copied. Nothing is read for it.`,
		Example: "  trailbeat export reference | less\n  trailbeat export reference --format yaml > trailbeat.reference.yml",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			if !slices.Contains(formats, format) {
				return usage(fmt.Errorf("--format is %q, but must be one of %s", format, strings.Join(formats, ", ")))
			}
			ref, err := a.components.reference()
			if err != nil {
				return err
			}
			text := ref.Markdown
			if format == "yaml" {
				text = ref.YAML
			}
			_, err = a.Stdout.Write(text())
			return err
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "`NAME` of the format: "+strings.Join(formats, ", "))
	return cmd
}

func (a *app) exportSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of configuration files, for editors",
		Long: `Export schema prints a JSON Schema (draft 2020-12) of configuration files: editors with a YAML language server complete names,
show what they do and mark what is wrong. Values that exclude each other are only found by "trailbeat test config".`,
		Example: "  trailbeat export schema > trailbeat.schema.json",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			ref, err := a.components.reference()
			if err != nil {
				return err
			}
			text, err := ref.Schema()
			if err != nil {
				return err
			}
			_, err = a.Stdout.Write(text)
			return err
		},
	}
}

// reference describes all that can be configured with these components.
func (c Components) reference() (*reference.Reference, error) {
	comments, err := reference.Comments()
	if err != nil {
		return nil, err
	}
	ref := &reference.Reference{Aliases: aliases(), Comments: comments}
	ref.ForeignProcessors = deprecated(slices.DeleteFunc(slices.Clone(c.ForeignProcessors), func(f Foreign) bool { return f.Refuse != nil }))
	cfg := DefaultConfig()
	whole := config.Describe(&cfg)
	general := config.Option{Kind: config.KindGroup}
	parts := map[string]config.Option{}
	var order []string
	for _, o := range whole.Options {
		switch {
		case o.Name == "output" || o.Name == "processors" || o.Name == "setup":
		case o.Kind == config.KindGroup:
			parts[o.Name] = o
			order = append(order, o.Name)
		default:
			general.Options = append(general.Options, o)
		}
	}
	ref.Parts = append(ref.Parts, reference.Part{Title: "General", Group: general, Deprecated: deprecated(c.Foreign)})
	for _, name := range order {
		group := parts[name]
		if name == "trailbeat" {
			group.Options = slices.DeleteFunc(slices.Clone(group.Options), func(o config.Option) bool { return o.Name == "inputs" })
		}
		ref.Parts = append(ref.Parts, reference.Part{Title: titleOf(name), Path: name, Group: group})
	}
	ref.Parts = append(ref.Parts, c.inputParts()...)
	ref.Parts = append(ref.Parts, c.outputParts()...)
	if c.TemplateConfig != nil {
		ref.Parts = append(ref.Parts, reference.Part{Title: "Setup of the index template", Path: "setup.template", Group: config.Describe(c.TemplateConfig())})
	}
	ref.Parts = append(ref.Parts, c.processorParts()...)
	return ref, nil
}

func titleOf(name string) string { return "Group " + name }

// inputParts are the options that all inputs have, then those of each type.
func (c Components) inputParts() []reference.Part {
	var common InputConfig
	common.SetDefaults()
	own := config.Describe(&common)
	parts := []reference.Part{{
		Title: "Inputs", Path: "trailbeat.inputs", Type: "TYPE", Group: own,
		Text: "`trailbeat.inputs` is a list. These options belong to the elements of every type: " + strings.Join(names(c.Inputs), ", ") + ".",
	}}
	parts[0].Path += ".*"
	for _, name := range names(c.Inputs) {
		variants := c.Inputs[name].Variants
		if len(variants) == 0 {
			variants = []Variant{{Input: c.Inputs[name]}}
		}
		for _, v := range variants {
			parts = append(parts, reference.Part{
				Title: strings.TrimSpace("Input " + name + " " + v.Title), Path: "trailbeat.inputs.*", Type: name,
				Group: config.Describe(v.Input.Config()), Deprecated: deprecated(v.Input.Foreign),
			})
		}
	}
	return parts
}

func (c Components) outputParts() []reference.Part {
	own := config.Describe(&OutputConfig{Enabled: true})
	var parts []reference.Part
	for _, name := range names(c.Outputs) {
		kind := c.Outputs[name]
		options := kind.Config()
		if kind.Streams != nil {
			kind.Streams(options, DefaultConfig().DataStream.stream())
		}
		group := config.Describe(options)
		group.Options = append(slices.Clone(own.Options), group.Options...)
		parts = append(parts, reference.Part{
			Title: "Output " + name, Path: "output." + name, Group: group, Deprecated: deprecated(kind.Foreign),
			Text: "`output` enables one type. Further outputs, which rules of `routing` choose, are below `outputs.NAME`, with the same options.",
		})
	}
	return parts
}

// processorParts are the processors, then the conditions.
func (c Components) processorParts() []reference.Part {
	var parts []reference.Part
	for _, name := range processor.Names() {
		options, _ := processor.OptionsOf(name)
		group := config.Describe(options)
		group.Name = name
		parts = append(parts, reference.Part{Title: "Processor " + name, Path: "processors.*", Group: group})
	}
	when := config.Describe(&condition.Config{})
	parts = append(parts, reference.Part{
		Title: "Conditions", Path: reference.ConditionsPath, Group: when,
		Text: "A condition stands below `when` of a processor, or below `if` of a choice (`if`, `then`, `else`). Exactly one of these is in it.",
	})
	return parts
}

func deprecated(list []Foreign) map[string]string {
	out := map[string]string{}
	for _, f := range list {
		out[f.Option] = f.Why
	}
	return out
}
