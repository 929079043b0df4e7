package app

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"
)

func (a *app) setupCommand() *cobra.Command {
	var opts SetupOptions
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Prepare the output: install the index template",
		Long: `Setup prepares the place that documents go to. For output.elasticsearch it installs the index template of the data
stream; run does that too when it starts, unless setup.template.enabled is false. Other outputs need no setup.`,
		Example: `  trailbeat setup --dry-run
  trailbeat setup --overwrite -E output.elasticsearch.hosts=https://search:9200`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, r, err := a.loadForOutput()
			if err != nil {
				return err
			}
			if s.output.kind.Setup == nil {
				fmt.Fprintf(a.Stdout, "output.%s needs no setup\n", s.output.name)
				return nil
			}
			opts.Report, opts.Template = a.Stdout, s.template
			if s.DeadLetter.Output == lettersInStream {
				opts.Letters = s.DeadLetter.DataStream
			}
			if err := s.output.kind.Setup(cmd.Context(), s.output.options, s.outputEnv(r), opts); err != nil {
				return fmt.Errorf("preparing output.%s: %w", s.output.name, err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&opts.DryRun, "dry-run", false, "print what would be sent and change nothing")
	cmd.Flags().BoolVar(&opts.Overwrite, "overwrite", false, "replace a template that is there in another version")
	return cmd
}

// loadForOutput is for commands that only need the output. They log warnings to stderr.
func (a *app) loadForOutput() (*settings, *wiring, error) {
	s, log, err := a.loadQuietly()
	if err != nil {
		return nil, nil, err
	}
	if err := s.needOutput(); err != nil {
		return nil, nil, err
	}
	return s, &wiring{io: a.IO, log: log}, nil
}

// loadQuietly is for commands that answer a question: they log nothing below warnings, and that to stderr.
func (a *app) loadQuietly() (*settings, *slog.Logger, error) {
	s, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	level := slog.LevelWarn
	if a.flags.verbose {
		level = slog.LevelDebug
	}
	return s, newLogger(a.Stderr, level, s.Logging.JSON), nil
}
