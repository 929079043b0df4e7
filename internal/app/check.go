package app

import (
	"context"
	"fmt"
	"io"
	"slices"

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

func (a *app) testInputCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "input [ID...]",
		Short: "Check that the inputs can be read",
		Long: `Test input goes the way from here to a record of each configured input, or of those that are named: credentials, the
place, one object or message, and one record in it. Each line says ok, or what is missing and what would mend it. Nothing
is stored or shipped, checkpoints are not touched, and a message that was received is released again. The exit code is 1 if a
step failed.`,
		Example: "  trailbeat test input\n  trailbeat test input aws-s3",
		RunE: func(cmd *cobra.Command, ids []string) error {
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
			for _, in := range inputs {
				env := InputEnv{ID: in.ID, Store: memory.Input(in.ID), Stdin: a.Stdin, Once: true, Logger: log.With("input.id", in.ID)}
				if !a.testInput(cmd.Context(), in, env) {
					failed++
				}
			}
			if failed > 0 {
				return fmt.Errorf("%d of %d inputs cannot be read as they are, see above", failed, len(inputs))
			}
			return nil
		},
	}
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

// testInput prints the steps of one input and reports whether none failed.
func (a *app) testInput(ctx context.Context, in *inputSetting, env InputEnv) bool {
	fmt.Fprintf(a.Stdout, "input %s (%s)\n", in.ID, in.Type)
	good := true
	report := func(step Step) {
		good = good && step.Err == nil
		printStep(a.Stdout, step)
	}
	if in.kind.Test != nil {
		in.kind.Test(ctx, in.options, env, report)
		return good
	}
	source, err := in.kind.Open(ctx, in.options, env)
	if err == nil {
		err = source.Close()
	}
	report(Step{Name: "open", Err: err})
	return good
}

func printStep(w io.Writer, step Step) {
	state, detail := "ok", step.Detail
	switch {
	case step.Err != nil:
		state, detail = "FAILED", step.Err.Error()
	case step.Skipped:
		state = "skipped"
	}
	line := fmt.Sprintf("  %-40s %-8s %s", step.Name, state, detail)
	for len(line) > 0 && line[len(line)-1] == ' ' {
		line = line[:len(line)-1]
	}
	fmt.Fprintln(w, line)
}
