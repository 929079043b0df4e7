package app

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) testCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "test",
		Short:   "Check the configuration, the inputs or the output",
		Example: "  trailbeat test config\n  trailbeat test input\n  trailbeat test output",
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "config",
		Short: "Check the configuration and say what it does",
		Long: `Test config reads the configuration as run does, without opening anything. All errors are told at once, each with
file, line and column. The exit code is 2 if there are any.`,
		Example: "  trailbeat test config -c trailbeat.yml",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			s, err := a.load()
			if err != nil {
				return err
			}
			if err := s.needInputs(); err != nil {
				return err
			}
			if err := s.needOutput(); err != nil {
				return err
			}
			ids := make([]string, len(s.inputs))
			for i, in := range s.inputs {
				ids[i] = in.ID
			}
			for _, w := range s.warnings {
				fmt.Fprintf(a.Stderr, "%s: warning: %s has no effect: %s\n", w.Pos, w.Path, w.Message)
			}
			for _, w := range s.notes {
				fmt.Fprintf(a.Stderr, "%s: warning: %s: %s\n", w.Pos, w.Path, w.Message)
			}
			fmt.Fprintf(a.Stdout, "Config OK: %s -> output.%s\n", strings.Join(ids, ", "), s.output.name)
			return nil
		},
	}, a.testInputCommand(), &cobra.Command{
		Use:   "output",
		Short: "Check that the output can be written to",
		Long: `Test output opens the configured output and, where it is a server, asks what it is, whether the credentials are good
and whether the data stream is ready. Nothing is written.`,
		Example: "  trailbeat test output -E output.elasticsearch.hosts=https://search:9200",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, r, err := a.loadForOutput()
			if err != nil {
				return err
			}
			env := s.outputEnv(r)
			if s.output.kind.Test != nil {
				if err := s.output.kind.Test(cmd.Context(), s.output.options, env, a.Stdout); err != nil {
					return fmt.Errorf("testing output.%s: %w", s.output.name, err)
				}
			} else {
				out, err := s.output.kind.Open(cmd.Context(), s.output.options, env)
				if err == nil {
					err = out.Close()
				}
				if err != nil {
					return fmt.Errorf("testing output.%s: %w", s.output.name, err)
				}
			}
			fmt.Fprintf(a.Stdout, "output.%s OK\n", s.output.name)
			return nil
		},
	})
	return cmd
}
