// Package manpage writes the manual pages of commands. cobra's own generator makes Markdown first and reads that again, for which it brings a parser
// whose tables every start of the program would fill; and texts of help are no Markdown.
package manpage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Tree writes a page of section 1 for cmd and each command below it that is to be seen into dir, which must be there. The files are
// called as the commands, with hyphens. source is the program with its version. The date of the pages is SOURCE_DATE_EPOCH, in seconds, where that is set.
func Tree(cmd *cobra.Command, dir, source string) error {
	date := time.Now()
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return fmt.Errorf("SOURCE_DATE_EPOCH must be a number of seconds, is %q", epoch)
		}
		date = time.Unix(seconds, 0)
	}
	return tree(cmd, dir, source, date.UTC().Format("Jan 2006"))
}

func tree(cmd *cobra.Command, dir, source, date string) error {
	for _, c := range cmd.Commands() {
		if shown(c) {
			if err := tree(c, dir, source, date); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(filepath.Join(dir, name(cmd)+".1"), page(cmd, source, date), 0o644)
}

func shown(c *cobra.Command) bool { return c.IsAvailableCommand() && !c.IsAdditionalHelpTopicCommand() }

func name(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// page is the page of a command, in the macros of man(7).
func page(cmd *cobra.Command, source, date string) []byte {
	cmd.InitDefaultHelpFlag()
	var b bytes.Buffer
	fmt.Fprintf(&b, ".TH %q 1 %q %q %q\n", strings.ToUpper(name(cmd)), date, source, cmd.Root().Name())
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", escape(name(cmd)), escape(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", escape(cmd.UseLine()))
	b.WriteString(".SH DESCRIPTION\n")
	long := cmd.Long
	if long == "" {
		long = cmd.Short
	}
	paragraphs(&b, long)
	options(&b, "OPTIONS", cmd.NonInheritedFlags())
	options(&b, "OPTIONS OF ALL COMMANDS", cmd.InheritedFlags())
	if cmd.Example != "" {
		b.WriteString(".SH EXAMPLES\n.nf\n")
		lines(&b, cmd.Example)
		b.WriteString(".fi\n")
	}
	var also []string
	if cmd.HasParent() {
		also = append(also, `\fB`+escape(name(cmd.Parent()))+`\fR(1)`)
	}
	for _, c := range cmd.Commands() {
		if shown(c) {
			also = append(also, `\fB`+escape(name(c))+`\fR(1)`)
		}
	}
	if len(also) > 0 {
		fmt.Fprintf(&b, ".SH SEE ALSO\n%s\n", strings.Join(also, ", "))
	}
	return b.Bytes()
}

// paragraphs writes text with empty lines between its paragraphs. One whose lines are indented stays as it is.
func paragraphs(b *bytes.Buffer, text string) {
	for i, p := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		asItIs := strings.HasPrefix(p, " ") || strings.Contains(p, "\n ")
		if asItIs {
			b.WriteString(".nf\n")
		}
		lines(b, p)
		if asItIs {
			b.WriteString(".fi\n")
		}
	}
}

func options(b *bytes.Buffer, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" {
			return
		}
		b.WriteString(".TP\n")
		if f.Shorthand != "" && f.ShorthandDeprecated == "" {
			fmt.Fprintf(b, `\fB\-%s\fR, `, escape(f.Shorthand))
		}
		fmt.Fprintf(b, `\fB\-\-%s\fR`, escape(f.Name))
		value, usage := pflag.UnquoteUsage(f)
		if value != "" {
			fmt.Fprintf(b, ` \fI%s\fR`, escape(value))
		}
		b.WriteString("\n")
		switch f.DefValue {
		case "", "false", "0", "0s", "[]":
		default:
			usage += " (default " + f.DefValue + ")"
		}
		lines(b, usage)
	})
}

// lines writes lines of plain text. A line that begins like a macro is none.
func lines(b *bytes.Buffer, text string) {
	for line := range strings.Lines(text) {
		line = escape(strings.TrimSuffix(line, "\n"))
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		b.WriteString(line + "\n")
	}
}

// escape keeps backslashes, and hyphens that are copied into a shell.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\e`, `-`, `\-`).Replace(text)
}
