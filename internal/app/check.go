package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/registry"
)

// Step is one thing that a test of an input looked at.
type Step struct {
	// Name, such as "read one object".
	Name string
	// Detail is what was found, or why the step was skipped.
	Detail string
	// Skipped says that the step does not apply or could not be looked at.
	Skipped bool
	// Err is what went wrong, and how to mend it. Nil: all is well.
	Err error
}

// The states of a step.
const (
	stepOK      = "ok"
	stepFailed  = "failed"
	stepSkipped = "skipped"
)

// stepReport is a Step as --output json prints it.
type stepReport struct {
	Name string `json:"name"`
	// State is ok, failed or skipped.
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"`
	Error  string `json:"error,omitempty"`
}

func reportStep(step Step) stepReport {
	r := stepReport{Name: step.Name, State: stepOK, Detail: step.Detail}
	switch {
	case step.Err != nil:
		r.State, r.Error = stepFailed, step.Err.Error()
	case step.Skipped:
		r.State = stepSkipped
	}
	return r
}

// inputsReport is what test input --output json prints.
type inputsReport struct {
	OK     bool          `json:"ok"`
	Inputs []inputReport `json:"inputs"`
}

// inputReport is one input of it.
type inputReport struct {
	ID    string       `json:"id"`
	Type  string       `json:"type"`
	OK    bool         `json:"ok"`
	Steps []stepReport `json:"steps"`
}

func (a *app) testInputCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "input [ID...]",
		Short: "Check that the inputs can be read",
		Long: `Test input goes the way from here to a record of each configured input, or of those that are named: credentials, the
place, one object or message, and one record in it. Each line says ok, or what is missing and what would mend it. Nothing
is stored or shipped, checkpoints are not touched, and a message that was received is released again. The exit code is 1 if a
step failed.`,
		Example: "  trailbeat test input\n  trailbeat test input aws-s3\n  trailbeat test input --output json",
	}
	format := formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, ids []string) error {
		s, log, err := a.loadQuietly()
		if err != nil {
			return err
		}
		if err := s.needInputs(); err != nil {
			return err
		}
		inputs, err := s.inputsNamed(ids)
		if err != nil {
			return err
		}
		failed := 0
		var memory registry.Memory
		report := inputsReport{Inputs: []inputReport{}}
		for _, in := range inputs {
			env := InputEnv{ID: in.ID, Store: memory.Input(in.ID), Stdin: a.Stdin, Once: true, Logger: log.With("input.id", in.ID)}
			one := inputReport{ID: in.ID, Type: in.Type, OK: true, Steps: []stepReport{}}
			if !format.json() {
				fmt.Fprintf(a.Stdout, "input %s (%s)\n", in.ID, in.Type)
			}
			testInput(cmd.Context(), in, env, func(step Step) {
				one.OK = one.OK && step.Err == nil
				one.Steps = append(one.Steps, reportStep(step))
				if !format.json() {
					a.printStep("  ", step)
				}
			})
			if !one.OK {
				failed++
			}
			report.Inputs = append(report.Inputs, one)
		}
		report.OK = failed == 0
		if failed > 0 {
			err = fmt.Errorf("%d of %d inputs cannot be read as they are, see above", failed, len(inputs))
		}
		if format.json() {
			err = errors.Join(a.printJSON(report), err)
		}
		return err
	}
	return cmd
}

// inputsNamed are the inputs with these ids, all of them where there are none.
func (s *settings) inputsNamed(ids []string) ([]*inputSetting, error) {
	var chosen []*inputSetting
	known := make([]string, len(s.inputs))
	for i := range s.inputs {
		known[i] = s.inputs[i].ID
		if len(ids) == 0 || slices.Contains(ids, known[i]) {
			chosen = append(chosen, &s.inputs[i])
		}
	}
	for _, id := range ids {
		if !slices.Contains(known, id) {
			return nil, usage(fmt.Errorf("there is no input %q in the configuration; %s", id, unknownName(id, known)))
		}
	}
	return chosen, nil
}

// testInput hands the steps of one input to report.
func testInput(ctx context.Context, in *inputSetting, env InputEnv, report func(Step)) {
	if in.kind.Test != nil {
		in.kind.Test(ctx, in.options, env, report)
		return
	}
	source, err := in.kind.Open(ctx, in.options, env)
	if err == nil {
		err = source.Close()
	}
	report(Step{Name: "open", Err: err})
}

// printStep prints a step for people.
func (a *app) printStep(indent string, step Step) {
	style := a.style()
	state, detail, paint := stepOK, step.Detail, style.Good
	switch {
	case step.Err != nil:
		state, detail, paint = "FAILED", step.Err.Error(), style.Bad
	case step.Skipped:
		state, paint = stepSkipped, style.Dim
	}
	line := fmt.Sprintf("%s%-40s %s%*s", indent, step.Name, paint(state), max(0, 8-len(state)), "")
	fmt.Fprintln(a.Stdout, strings.TrimRight(line+" "+detail, " "))
}
