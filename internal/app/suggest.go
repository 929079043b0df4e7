package app

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trailbeat/trailbeat/internal/config"
)

func unknownName(name string, names []string) string { return config.Unknown(name, names) }

// suggestFlag finds the flag that a misspelt one may have meant.
func suggestFlag(cmd *cobra.Command, err error) string {
	_, name, found := strings.Cut(err.Error(), "unknown flag: --")
	if !found {
		return ""
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	text := config.Unknown(name, names)
	before, near, ok := strings.Cut(text, `did you mean "`)
	if !ok || before != "" {
		return ""
	}
	return `; did you mean "--` + near
}
