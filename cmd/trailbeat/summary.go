package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/trailbeat/trailbeat/internal/app"
	"github.com/trailbeat/trailbeat/output/sqlite"
)

// summaryTop is how many values of a kind the summary shows.
const summaryTop = 5

// sqliteSummary shows what lies in the database, and what to do next with it.
func sqliteSummary(ctx context.Context, options any, env app.OutputEnv, w io.Writer) (err error) {
	cfg := sqliteConfig(*options.(*sqlite.Config), env)
	db, err := sqlite.New(cfg, env.Logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := db.Summary(ctx, summaryTop)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%d documents in %s", s.Documents, cfg.Path)
	if s.First != "" {
		fmt.Fprintf(w, ", from %s to %s", s.First, s.Last)
	}
	fmt.Fprint(w, "\n\n")
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "ACTION\t\tPRINCIPAL\t\tERROR\t\n")
	for i := range max(len(s.Actions), len(s.Principals), len(s.Errors)) {
		fmt.Fprintf(table, "%s%s%s\n", cell(s.Actions, i), cell(s.Principals, i), cell(s.Errors, i))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
	fmt.Fprintf(w, "\nNext: sqlite3 %q \"select time, action, principal, source_ip, error_code from events order by time desc limit 10\"\n", cfg.Path)
	return nil
}

// cell is a value with its count, or two empty cells.
func cell(counts []sqlite.Count, i int) string {
	if i >= len(counts) {
		return "\t\t"
	}
	return fmt.Sprintf("%s\t%d\t", shorten(counts[i].Value), counts[i].Count)
}

// shorten keeps the table within a terminal. The end of a name tells more than its beginning.
func shorten(text string) string {
	const longest = 32
	if runes := []rune(text); len(runes) > longest {
		return "..." + string(runes[len(runes)-longest+3:])
	}
	return text
}
