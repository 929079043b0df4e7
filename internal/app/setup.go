package app

import (
	"errors"
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
stream, and one for each further data stream that rules of routing name; run does that too when it starts, unless
setup.template.enabled is false. Other outputs need no setup.`,
		Example: `  trailbeat setup --dry-run
  trailbeat setup --overwrite -E output.elasticsearch.hosts=https://search:9200`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, r, err := a.loadForOutput()
			if err != nil {
				return err
			}
			opts.Report, opts.Template = a.Stdout, s.template
			var errs []error
			for _, o := range s.allOutputs() {
				if o.kind.Setup == nil {
					fmt.Fprintf(a.Stdout, "%s needs no setup\n", o.path())
					continue
				}
				own := opts
				if o.id == "" && s.DeadLetter.Output == lettersInStream {
					own.Letters = s.DeadLetter.DataStream
				}
				if err := o.kind.Setup(cmd.Context(), o.options, s.outputEnv(r, o), own); err != nil {
					errs = append(errs, fmt.Errorf("preparing %s: %w", o.path(), err))
				}
			}
			return errors.Join(errs...)
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
