package app

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/manpage"
)

func (a *app) exportManCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages of all commands into a directory",
		Long: `Export man writes one page of section 1 for each command into DIR, which is made where it is missing. Their date is
SOURCE_DATE_EPOCH where that is set, so that packages can be built twice with one result.`,
		Example: "  trailbeat export man /usr/local/share/man/man1\n  man trailbeat-run",
		Args:    arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("writing manual pages: %w", err)
			}
			if err := manpage.Tree(cmd.Root(), args[0], "Trailbeat "+version); err != nil {
				return fmt.Errorf("writing manual pages: %w", err)
			}
			return nil
		},
	}
}
