package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/config"
)

func (a *app) testCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "test",
		Short:   "Check the configuration, the inputs or the outputs",
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
	// Output is the type of the output, Outputs are the names of those below outputs.
	Output   string        `json:"output"`
	Outputs  []string      `json:"outputs,omitempty"`
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
			err = s.needSources()
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
		fmt.Fprintf(a.Stdout, "Config OK: %s -> %s\n", strings.Join(s.inputIDs(), ", "), s.outputPaths())
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
	for _, o := range s.outputs {
		r.Outputs = append(r.Outputs, o.id)
	}
	r.Warnings = append(configFaults(s.warnings, "has no effect: "), configFaults(s.notes, "")...)
	return r
}

// outputReport is what test output --output json prints.
type outputReport struct {
	OK bool `json:"ok"`
	// Name is that below outputs. Absent: it is the one of the group output.
	Name string `json:"name,omitempty"`
	// Output is the type.
	Output string       `json:"output"`
	Steps  []stepReport `json:"steps"`
	// Outputs are those below outputs.
	Outputs []outputReport `json:"outputs,omitempty"`
}

func (a *app) testOutputCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "output [NAME...]",
		Short: "Check that the outputs can be written to",
		Long: `Test output opens the configured output and those below outputs, or those that are named (default is that of the group output),
and, where one is a server, asks what it is, whether the credentials are good and whether its data streams are ready. Nothing is written.`,
		Example: "  trailbeat test output -E output.elasticsearch.hosts=https://search:9200\n  trailbeat test output cheap --output json",
	}
	format := formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		s, r, err := a.loadForOutput()
		if err != nil {
			return err
		}
		chosen, err := s.outputsNamed(names)
		if err != nil {
			return err
		}
		var reports []outputReport
		var errs []error
		for _, o := range chosen {
			if len(chosen) > 1 && !format.json() {
				fmt.Fprintf(a.Stdout, "%s\n", o.path())
			}
			report, err := a.testOutput(cmd.Context(), s, r, o, !format.json())
			reports, errs = append(reports, report), append(errs, err)
		}
		err = errors.Join(errs...)
		if format.json() {
			whole := reports[0]
			whole.OK, whole.Outputs = err == nil, reports[1:]
			return errors.Join(a.printJSON(whole), err)
		}
		return err
	}
	return cmd
}

// outputsNamed are the outputs with these names, all of them where there are none.
func (s *settings) outputsNamed(names []string) ([]*outputSetting, error) {
	var chosen []*outputSetting
	var known []string
	for _, o := range s.allOutputs() {
		known = append(known, o.label())
		if len(names) == 0 || slices.Contains(names, o.label()) {
			chosen = append(chosen, o)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, usage(fmt.Errorf("there is no output %q in the configuration; %s", name, unknownName(name, known)))
		}
	}
	return chosen, nil
}

// testOutput looks at one output, and tells each step as soon as it is known.
func (a *app) testOutput(ctx context.Context, s *settings, r *wiring, o *outputSetting, told bool) (outputReport, error) {
	report := outputReport{Name: o.id, Output: o.name, Steps: []stepReport{}}
	failed := 0
	err := o.test(ctx, s.outputEnv(r, o), func(step Step) {
		if step.Err != nil {
			failed++
		}
		report.Steps = append(report.Steps, reportStep(step))
		if told {
			a.printStep("", step)
		}
	})
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of the steps above failed", failed)
	} else if err != nil {
		report.Steps = append(report.Steps, reportStep(Step{Name: "open", Err: err}))
	}
	report.OK = err == nil
	switch {
	case err != nil:
		err = fmt.Errorf("testing %s: %w", o.path(), err)
	case told:
		fmt.Fprintf(a.Stdout, "%s OK\n", o.path())
	}
	return report, err
}

func (o *outputSetting) test(ctx context.Context, env OutputEnv, report func(Step)) error {
	if o.kind.Test != nil {
		return o.kind.Test(ctx, o.options, env, report)
	}
	out, err := o.kind.Open(ctx, o.options, env)
	if err != nil {
		return err
	}
	return out.Close()
}
