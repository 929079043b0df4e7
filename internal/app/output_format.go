package app

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

// The formats of what commands print.
const (
	formatText = "text"
	formatJSON = "json"
)

// format is the flag --output of a command.
type format string

// formatFlag gives a command the flag --output.
func formatFlag(cmd *cobra.Command) *format {
	f := format(formatText)
	cmd.Flags().VarP(&f, "output", "o", "`FORMAT`: text, or json for programs")
	completeFlag(cmd, "output", formatText, formatJSON)
	return &f
}

// String is part of pflag.Value.
func (f *format) String() string { return string(*f) }

// Set is part of pflag.Value.
func (f *format) Set(text string) error {
	if text != formatText && text != formatJSON {
		return fmt.Errorf("must be %s or %s", formatText, formatJSON)
	}
	*f = format(text)
	return nil
}

// Type is part of pflag.Value.
func (f *format) Type() string { return "string" }

func (f *format) json() bool { return *f == formatJSON }

// printJSON prints a value for programs: one object, indented, with a newline.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// completeFlag offers values of a flag to the shell.
func completeFlag(cmd *cobra.Command, flag string, values ...string) {
	// It fails for a flag that does not exist alone, which the test of all commands would show.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
