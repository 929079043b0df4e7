package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/config"
)

func (a *app) exportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Print the effective configuration, the reference of options, the index template, the fields, an IAM policy or manual pages",
		Example: "  trailbeat export config\n  trailbeat export template --engine opensearch\n  trailbeat export fields\n  trailbeat export iam-policy\n  trailbeat export man man1",
	}
	cmd.AddCommand(a.exportConfigCommand(), a.exportTemplateCommand(), a.exportFieldsCommand(), a.exportPolicyCommand(),
		a.exportReferenceCommand(), a.exportSchemaCommand(), a.exportManCommand())
	return cmd
}

func (a *app) exportConfigCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print the effective configuration as YAML",
		Long: `Export config prints every option with the value that it has: all files and -E merged, variables expanded, defaults
filled in. Secrets are printed as "` + config.Redacted + `".`,
		Example: "  trailbeat export config -c base.yml -c site.yml",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			s, err := a.load()
			if err != nil {
				return err
			}
			text, err := config.Marshal(&s.Config)
			if err != nil {
				return err
			}
			_, err = a.Stdout.Write(text)
			return err
		},
	}
}

func (a *app) exportTemplateCommand() *cobra.Command {
	engine := engines[0]
	cmd := &cobra.Command{
		Use:     "template",
		Short:   "Print the index template as JSON",
		Long:    "Export template prints the body of the index template that setup installs.",
		Example: "  trailbeat export template --engine opensearch",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			if !slices.Contains(engines, engine) {
				return usage(fmt.Errorf("--engine is %q, but must be one of %s", engine, strings.Join(engines, ", ")))
			}
			if a.components.Template == nil {
				return usage(fmt.Errorf("this binary was built without an output that has a template"))
			}
			s, err := a.load()
			if err != nil {
				return err
			}
			var output any
			if s.output != nil && s.output.name == engines[0] {
				output = s.output.options
			}
			text, err := a.components.Template(engine, s.template, output, s.DataStream.stream())
			if err != nil {
				return err
			}
			_, err = a.Stdout.Write(append(text, '\n'))
			return err
		},
	}
	cmd.Flags().StringVar(&engine, "engine", engine, "`NAME` of the engine: "+strings.Join(engines, ", "))
	return cmd
}

// engines that there is a template for.
var engines = []string{"elasticsearch", "opensearch"}

func (a *app) exportFieldsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "fields",
		Short:   "Print the fields of the documents with their types, tab separated",
		Example: "  trailbeat export fields | grep user_identity",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			for _, f := range ecs.Fields() {
				if _, err := fmt.Fprintf(a.Stdout, "%s\t%s\n", f.Name, f.Type); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
