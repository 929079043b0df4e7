package manpage

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTree(t *testing.T) {
	run := func(*cobra.Command, []string) {}
	root := &cobra.Command{Use: "beat", Short: "Ship", Long: "Ship things.", Run: run}
	root.PersistentFlags().BoolP("verbose", "v", false, "say more")
	sub := &cobra.Command{
		Use: "one-by FILE", Short: "Ship one", Example: "  beat one-by 'C:\\x'\n.hidden", Run: run,
		Long: "First\nlines.\n\n.not a macro\n\n  as it is\n  here too\n\n'nor this",
	}
	sub.Flags().StringP("config", "c", "a.yml", "the `file` to read")
	sub.Flags().String("gone", "", "is gone")
	require.NoError(t, sub.Flags().MarkHidden("gone"))
	root.AddCommand(sub, &cobra.Command{Use: "secret", Hidden: true, Run: run})
	dir := t.TempDir()
	t.Setenv("SOURCE_DATE_EPOCH", "0")
	require.NoError(t, Tree(root, dir, "Beat 1"))
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(dir, "beat-one-by.1"), filepath.Join(dir, "beat.1")}, files)
	page, err := os.ReadFile(files[0])
	require.NoError(t, err)
	assert.Equal(t, `.TH "BEAT-ONE-BY" 1 "Jan 1970" "Beat 1" "beat"
.SH NAME
beat\-one\-by \- Ship one
.SH SYNOPSIS
.B beat one\-by FILE [flags]
.SH DESCRIPTION
First
lines.
.PP
\&.not a macro
.PP
.nf
  as it is
  here too
.fi
.PP
\&'nor this
.SH OPTIONS
.TP
\fB\-c\fR, \fB\-\-config\fR \fIfile\fR
the file to read (default a.yml)
.TP
\fB\-h\fR, \fB\-\-help\fR
help for one\-by
.SH OPTIONS OF ALL COMMANDS
.TP
\fB\-v\fR, \fB\-\-verbose\fR
say more
.SH EXAMPLES
.nf
  beat one\-by 'C:\ex'
\&.hidden
.fi
.SH SEE ALSO
\fBbeat\fR(1)
`, string(page))
	t.Setenv("SOURCE_DATE_EPOCH", "today")
	assert.ErrorContains(t, Tree(root, dir, "Beat 1"), `SOURCE_DATE_EPOCH must be a number of seconds, is "today"`)
}
