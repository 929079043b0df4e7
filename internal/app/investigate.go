package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/investigate"
	"github.com/trailbeat/trailbeat/internal/terminal"
)

// investigateOptions are the flags of investigate.
type investigateOptions struct {
	*targetFlags
	store     string
	questions []string
	of        string
	query     string
	sql, list bool
	limit     int
	format    string
}

// The formats of answers.
var answerFormats = []string{formatText, "csv", formatJSON}

// allQuestions stands for every question that needs no value.
const allQuestions = "all"

func (a *app) investigateCommand() *cobra.Command {
	var opts investigateOptions
	cmd := &cobra.Command{
		Use:   "investigate [FILE|FOLDER|s3://BUCKET/PREFIX...]",
		Short: "Load a range of records into a database file, and ask what responders to an incident ask",
		Long: `Investigate loads what it is given into a database file (--store), once in effect, and goes on there when it is called again.
Then it answers questions: who used a key, an address or a role, and where that led; failures, logins without a second factor, use of
root; what lets somebody come back, what blinds those who watch, what was read and shared; who and what is new; a time line. Without
--question it shows what the store holds. With --sql it prints the question as SQL, which you can change and ask with --query, or with
any tool that reads SQLite. No question and no query can change the store.`,
		Example: `  trailbeat investigate --store case.db --from 2026-11-18 --to 2026-11-21 s3://my-trail
  trailbeat investigate --store case.db --list
  trailbeat investigate --store case.db --question sessions --of AKIAIOSFODNN7EXAMPLE
  trailbeat investigate --store case.db --question persistence,defence-evasion -o csv > found.csv
  trailbeat investigate --store case.db --question role --of deploy --sql
  trailbeat investigate --store case.db --query "SELECT time, who, action FROM trail WHERE country = 'AQ'"`,
	}
	opts.targetFlags = a.targetFlags(cmd)
	a.progressFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&opts.store, "store", "investigation.db", "`FILE` of the database; beside it FILE.state remembers what was read")
	flags.StringSliceVar(&opts.questions, "question", nil, "`NAMES` of questions, see --list, or all that need no value: all")
	flags.StringVar(&opts.of, "of", "", "the `VALUE` that the question is about: a key, an address, a role, a principal")
	flags.StringVar(&opts.query, "query", "", "ask this `SQL`")
	flags.BoolVar(&opts.sql, "sql", false, "print the questions as SQL and ask nothing")
	flags.BoolVar(&opts.list, "list", false, "list the questions")
	flags.IntVar(&opts.limit, "limit", 1000, "the most `ROWS` of an answer; 0: all")
	flags.StringVarP(&opts.format, "output", "o", formatText, "`FORMAT`: "+strings.Join(answerFormats, ", "))
	completeFlag(cmd, "output", answerFormats...)
	names := []string{allQuestions}
	for _, q := range investigate.Questions() {
		names = append(names, q.Name)
	}
	completeFlag(cmd, "question", names...)
	cmd.RunE = func(cmd *cobra.Command, targets []string) error { return a.investigate(cmd.Context(), opts, targets) }
	return cmd
}

// asked are the questions that the flags name.
func (o *investigateOptions) asked() ([]investigate.Question, error) {
	var list []investigate.Question
	for _, name := range o.questions {
		if name == allQuestions {
			for _, q := range investigate.Questions() {
				if !q.Needs() {
					list = append(list, q)
				}
			}
			continue
		}
		q, err := investigate.Find(name)
		if err != nil {
			return nil, err
		}
		if q.Needs() && o.of == "" {
			return nil, fmt.Errorf("the question %s needs %s: add --of VALUE", q.Name, q.Of)
		}
		list = append(list, q)
	}
	if o.of != "" && !slices.ContainsFunc(list, func(q investigate.Question) bool { return q.Of != "" }) {
		return nil, errors.New("--of is for a question that takes a value; see --list")
	}
	return list, nil
}

func (a *app) investigate(ctx context.Context, opts investigateOptions, targets []string) error {
	list, err := opts.asked()
	switch {
	case err != nil:
	case !slices.Contains(answerFormats, opts.format):
		err = fmt.Errorf("--output is %q, but must be one of %s", opts.format, strings.Join(answerFormats, ", "))
	case opts.limit < 0:
		err = fmt.Errorf("--limit must be >= 0, is %d", opts.limit)
	case opts.query != "" && (len(list) > 0 || opts.sql):
		err = errors.New("--query goes alone; leave out --question and --sql")
	case opts.sql && len(list) == 0:
		err = errors.New("--sql prints questions; name them with --question")
	case opts.retain != "all" && opts.retain != "flattened":
		err = fmt.Errorf("--retain is %q, but questions need all or flattened: issued keys and roles stand in the parameters of calls", opts.retain)
	case opts.store == "":
		err = errors.New("--store must not be empty")
	default:
		err = opts.check(time.Now())
	}
	if err != nil {
		return usage(err)
	}
	values := investigate.Values{Of: opts.of, From: opts.start, To: opts.end}
	var failed error
	switch {
	case opts.list:
		return a.listQuestions(opts.format)
	case opts.sql && len(targets) == 0:
		return a.printSQL(list, values)
	case len(targets) > 0:
		// What could be read is worth an answer, and the exit code tells that it is not all.
		var wrong *usageError
		if failed = a.loadStore(ctx, opts, targets); failed != nil && (ctx.Err() != nil || errors.As(failed, &wrong) || !exists(opts.store)) {
			return failed
		}
	case !exists(opts.store):
		return usage(fmt.Errorf("there is no database %q; name what is to be loaded into it: files, folders, or s3://bucket/prefix", opts.store))
	}
	if err := a.prepareStore(ctx, opts.store); err != nil {
		return errors.Join(err, failed)
	}
	if opts.sql {
		return errors.Join(a.printSQL(list, values), failed)
	}
	return errors.Join(a.answer(ctx, opts, list, values), failed)
}

func (a *app) listQuestions(format string) error {
	type entry struct {
		Name     string `json:"name"`
		Title    string `json:"title"`
		About    string `json:"about,omitempty"`
		Of       string `json:"of,omitempty"`
		Optional bool   `json:"of_optional,omitempty"`
	}
	r := investigate.Result{Columns: []string{"question", "what it asks", "--of"}}
	var all []entry
	for _, q := range investigate.Questions() {
		of := q.Of
		if q.Optional {
			of = "[" + of + "]"
		}
		all = append(all, entry{q.Name, q.Title, q.About, q.Of, q.Optional})
		r.Rows = append(r.Rows, []any{q.Name, q.Title, of})
	}
	switch format {
	case formatJSON:
		return a.printJSON(all)
	case formatText:
		for _, row := range r.Rows {
			fmt.Fprintf(a.Stdout, "%-17s %s\n", row[0], row[1])
			if row[2] != "" {
				fmt.Fprintf(a.Stdout, "%-17s --of %s\n", "", row[2])
			}
		}
		return nil
	}
	return r.WriteCSV(a.Stdout)
}

func (a *app) printSQL(list []investigate.Question, values investigate.Values) error {
	for i := range list {
		if _, err := fmt.Fprintf(a.Stdout, "-- %s: %s\n%s;\n", list[i].Name, list[i].Title, list[i].Text(values)); err != nil {
			return err
		}
	}
	return nil
}

// loadStore ships the targets into the store. What it says goes to stderr: stdout is for answers.
func (a *app) loadStore(ctx context.Context, opts investigateOptions, targets []string) error {
	if err := needTargets("investigate", targets); err != nil {
		return err
	}
	if !exists(opts.store) && !slices.ContainsFunc(targets, mayBeThere) { // an empty database would answer all questions with nothing
		return fmt.Errorf("reading %q: there is no such file or folder; no database was made", targets[0])
	}
	store, err := filepath.Abs(opts.store)
	if err != nil {
		return fmt.Errorf("resolving --store %q: %w", opts.store, err)
	}
	s, err := opts.settings(a, targets, fmt.Sprintf("path.data: %s\noutput.sqlite.path: %s\nhttp.enabled: false\n%s", quoted(store+".state"), quoted(store), opts.rangeRule()))
	if err != nil {
		return err
	}
	quiet := *a
	quiet.Stdout = a.Stderr
	return quiet.ship(ctx, s, shipment{
		once: true, patience: defaultPatience, sources: s.openInputs, until: opts.until(),
		nothing: "nothing new to load; what was loaded before is remembered in %s",
	})
}

// rangeRule drops what happened out of the range. What could not be mapped has no time of its own and stays.
func (f *targetFlags) rangeRule() string {
	var bounds []string
	if !f.start.IsZero() {
		bounds = append(bounds, fmt.Sprintf(`{range: {"@timestamp.lt": %q}}`, f.start.Format(time.RFC3339)))
	}
	if !f.end.IsZero() {
		bounds = append(bounds, fmt.Sprintf(`{range: {"@timestamp.gte": %q}}`, f.end.Format(time.RFC3339)))
	}
	if bounds == nil {
		return ""
	}
	return "processors:\n  - drop_event:\n      id: out-of-range\n      when:\n        and:\n          - or: [" + strings.Join(bounds, ", ") +
		"]\n          - not: {equals: {event.kind: pipeline_error}}\n"
}

// prepareStore makes the store ready for questions.
func (a *app) prepareStore(ctx context.Context, store string) error {
	status := a.openStatus(false)
	defer status.Stop()
	var done, of atomic.Int64
	begun := time.Now()
	status.Start(func() string {
		if of.Load() == 0 {
			return ""
		}
		return fmt.Sprintf("%s  %d of %d documents are made ready for questions  %s", terminal.Bar(float64(done.Load())/float64(of.Load()), 16), done.Load(), of.Load(),
			wholeSeconds(time.Since(begun)))
	})
	return investigate.Prepare(ctx, store, func(n, all int64) { done.Store(n); of.Store(all) })
}

// answer asks, and prints what comes back.
func (a *app) answer(ctx context.Context, opts investigateOptions, list []investigate.Question, values investigate.Values) (err error) {
	store, err := investigate.Open(ctx, opts.store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if opts.query != "" {
		r, err := store.Query(ctx, opts.query, opts.limit)
		if err != nil {
			return usage(fmt.Errorf("--query: %w", err))
		}
		return a.printAnswer(opts, "", r, false)
	}
	if len(list) == 0 {
		overview, err := investigate.Find("overview")
		if err != nil {
			return err
		}
		list = append(list, overview)
	}
	var all []any
	for i := range list {
		r, err := store.Ask(ctx, &list[i], values, opts.limit)
		if err != nil {
			return err
		}
		if opts.format == formatJSON && len(list) > 1 {
			all = append(all, struct {
				Question string              `json:"question"`
				Answer   *investigate.Result `json:"answer"`
			}{list[i].Name, r})
			continue
		}
		if err := a.printAnswer(opts, list[i].Title, r, len(list) > 1); err != nil {
			return err
		}
	}
	if all != nil {
		return a.printJSON(all)
	}
	return nil
}

func (a *app) printAnswer(opts investigateOptions, title string, r *investigate.Result, several bool) error {
	if r.More {
		fmt.Fprintf(a.Stderr, "There are more than %d rows; --limit 0 gives all.\n", opts.limit)
	}
	switch opts.format {
	case formatJSON:
		return a.printJSON(r)
	case formatText:
		style, width := a.style(), 0
		if isTerminal(a.Stdout) {
			width, _ = terminal.Size(a.out.w)
		}
		if several {
			fmt.Fprintln(a.Stdout, style.Accent("# "+title))
		}
		if len(r.Rows) == 0 {
			fmt.Fprintln(a.Stdout, "nothing found")
		} else if err := r.WriteTable(a.Stdout, style, width); err != nil {
			return err
		}
		if several {
			fmt.Fprintln(a.Stdout)
		}
		return nil
	}
	if several {
		fmt.Fprintf(a.Stdout, "# %s\n", title)
	}
	return r.WriteCSV(a.Stdout)
}
