package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/config"
)

func (a *app) testCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "test",
		Short:   "Check the configuration, the inputs or the output",
		Example: "  trailbeat test config\n  trailbeat test input\n  trailbeat test output",
	}
	cmd.AddCommand(a.testConfigCommand(), a.testInputCommand(), a.testOutputCommand())
	return cmd
}

// configReport is what test config --output json prints.
type configReport struct {
	OK     bool     `json:"ok"`
	Files  []string `json:"files"`
	Inputs []string `json:"inputs"`
	// Output is the type of the output.
	Output   string        `json:"output"`
	Errors   []configFault `json:"errors"`
	Warnings []configFault `json:"warnings"`
}

// configFault is a fault of a configuration, or what is probably one.
type configFault struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Option is its dotted name. Empty: the fault is in the YAML itself, or in no one option.
	Option  string `json:"option"`
	Message string `json:"message"`
}

func configFaults(errs config.Errors, prefix string) []configFault {
	faults := []configFault{}
	for _, e := range errs {
		faults = append(faults, configFault{e.Pos.File, e.Pos.Line, e.Pos.Column, e.Path, prefix + e.Message})
	}
	return faults
}

func (a *app) testConfigCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check the configuration and say what it does",
		Long: `Test config reads the configuration as run does, without opening anything. All errors are told at once, each with
file, line and column. The exit code is 2 if there are any.`,
		Example: "  trailbeat test config -c trailbeat.yml\n  trailbeat test config --output json",
		Args:    noArguments,
	}
	format := formatFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		s, err := a.load()
		if err == nil {
			err = s.needInputs()
		}
		if err == nil {
			err = s.needOutput()
		}
		if format.json() {
			return errors.Join(a.printJSON(reportConfig(s, err)), err)
		}
		if err != nil {
			return err
		}
		for _, w := range s.warnings {
			fmt.Fprintf(a.Stderr, "%s: warning: %s has no effect: %s\n", w.Pos, w.Path, w.Message)
		}
		for _, w := range s.notes {
			fmt.Fprintf(a.Stderr, "%s: warning: %s: %s\n", w.Pos, w.Path, w.Message)
		}
		fmt.Fprintf(a.Stdout, "Config OK: %s -> output.%s\n", strings.Join(s.inputIDs(), ", "), s.output.name)
		return nil
	}
	return cmd
}

// reportConfig describes a configuration that was read, or why it could not be.
func reportConfig(s *settings, err error) configReport {
	r := configReport{OK: err == nil, Files: []string{}, Inputs: []string{}, Errors: []configFault{}, Warnings: []configFault{}}
	var faults config.Errors
	switch {
	case errors.As(err, &faults):
		r.Errors = configFaults(faults, "")
	case err != nil:
		r.Errors = []configFault{{Message: err.Error()}}
	}
	if s == nil {
		return r
	}
	r.Files, r.Inputs = append(r.Files, s.files...), append(r.Inputs, s.inputIDs()...)
	if s.output != nil {
		r.Output = s.output.name
	}
	r.Warnings = append(configFaults(s.warnings, "has no effect: "), configFaults(s.notes, "")...)
	return r
}

// outputReport is what test output --output json prints.
type outputReport struct {
	OK bool `json:"ok"`
	// Output is the type.
	Output string       `json:"output"`
	Steps  []stepReport `json:"steps"`
}

func (a *app) testOutputCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "output",
		Short: "Check that the output can be written to",
		Long: `Test output opens the configured output and, where it is a server, asks what it is, whether the credentials are good
and whether the data stream is ready. Nothing is written.`,
		Example: "  trailbeat test output -E output.elasticsearch.hosts=https://search:9200\n  trailbeat test output --output json",
		Args:    noArguments,
	}
	format := formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, r, err := a.loadForOutput()
		if err != nil {
			return err
		}
		report := outputReport{Output: s.output.name, Steps: []stepReport{}}
		failed := 0
		err = s.testOutput(cmd.Context(), r, func(step Step) {
			if step.Err != nil {
				failed++
			}
			report.Steps = append(report.Steps, reportStep(step))
			if !format.json() {
				a.printStep("", step)
			}
		})
		if err == nil && failed > 0 {
			err = fmt.Errorf("%d of the steps above failed", failed)
		} else if err != nil {
			report.Steps = append(report.Steps, reportStep(Step{Name: "open", Err: err}))
		}
		report.OK = err == nil
		if err != nil {
			err = fmt.Errorf("testing output.%s: %w", s.output.name, err)
		}
		switch {
		case format.json():
			return errors.Join(a.printJSON(report), err)
		case err == nil:
			fmt.Fprintf(a.Stdout, "output.%s OK\n", s.output.name)
		}
		return err
	}
	return cmd
}

func (s *settings) testOutput(ctx context.Context, r *wiring, report func(Step)) error {
	env := s.outputEnv(r)
	if s.output.kind.Test != nil {
		return s.output.kind.Test(ctx, s.output.options, env, report)
	}
	out, err := s.output.kind.Open(ctx, s.output.options, env)
	if err != nil {
		return err
	}
	return out.Close()
}
