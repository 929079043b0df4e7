package app

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/terminal"
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
func (a *app) printJSON(v any) error { return printJSON(a.Stdout, v) }

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// completeFlag offers values of a flag to the shell.
func completeFlag(cmd *cobra.Command, flag string, values ...string) {
	// It fails for a flag that does not exist alone, which the test of all commands would show.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// style is how standard output takes colours.
func (a *app) style() terminal.Style {
	if a.out == nil {
		return terminal.Style{}
	}
	return terminal.Style{On: terminal.Colours(a.out.w)}
}
