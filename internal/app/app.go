package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/config"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is wrong usage or a wrong configuration.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

// errSaid says that the command failed and has told why already.
var errSaid = errors.New("failed")

// IO are the streams of a process.
type IO struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// app is one invocation of the program.
type app struct {
	IO
	components Components
	flags      globals
	out        *stdout // what IO.Stdout is
}

// Main runs the command that args name and returns the exit code of the process.
func Main(args []string, streams IO, components Components) int {
	out := &stdout{w: streams.Stdout}
	streams.Stdout = out
	a := &app{IO: streams, components: components, out: out}
	ignoreBrokenPipe()
	ctx, stop := interruptible(context.Background(), streams.Stderr)
	defer stop()
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(streams.Stdin)
	root.SetOut(streams.Stdout)
	root.SetErr(streams.Stderr)
	err := root.ExecuteContext(ctx)
	return a.exitCode(err)
}

func (a *app) exitCode(err error) int {
	var wrong *usageError
	var code *codeError
	switch {
	case err == nil:
		return exitDone
	case a.out.gone.Load():
		// Whoever reads has seen enough.
		return exitDone
	case errors.Is(err, errSaid):
		return exitFailed
	case errors.As(err, &code):
		return code.code
	case errors.As(err, &wrong):
		var faults config.Errors
		if errors.As(err, &faults) {
			// Each on a line of its own that begins with its place, as editors and terminals expect it.
			fmt.Fprintf(a.Stderr, "trailbeat: the configuration cannot be used:\n%s\n", faults)
			return exitUsage
		}
		fmt.Fprintf(a.Stderr, "trailbeat: %s\n", err)
		return exitUsage
	default:
		fmt.Fprintf(a.Stderr, "trailbeat: %s\n", err)
		return exitFailed
	}
}

const rootHelp = `Trailbeat reads AWS CloudTrail records, makes the ECS documents of them that Elastic's integration makes, and
ships them to Elasticsearch, OpenSearch, a SQLite file, NDJSON files or standard output: at least once, and once in effect.

Without a command it does "run", and in a function of AWS Lambda "lambda".`

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "trailbeat",
		Short: "CloudTrail records in, ECS documents out",
		Long:  rootHelp,
		Example: `  trailbeat run --once                        read what is there, ship it, end
  trailbeat map events.json.gz | head -1      see one document
  trailbeat test config -c my.yml             check a configuration
  trailbeat run --once -E output.sqlite.enabled=false -E output.console.pretty=true`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              noArguments,
	}
	flags := root.PersistentFlags()
	flags.StringArrayVarP(&a.flags.files, "config", "c", nil, "configuration `FILE`; repeatable, a later one wins (default trailbeat.yml)")
	flags.StringArrayVarP(&a.flags.overrides, "set", "E", nil, "set an option: `name=value`; repeatable, after all files")
	flags.BoolVarP(&a.flags.toStderr, "stderr", "e", false, "log to stderr, whatever logging.to_files says")
	flags.BoolVarP(&a.flags.verbose, "verbose", "v", false, "log at level debug")
	flags.StringVar(&a.flags.path.Home, "path.home", "", "`DIR` that the other paths are below")
	flags.StringVar(&a.flags.path.Config, "path.config", "", "`DIR` where configuration files are looked for")
	flags.StringVar(&a.flags.path.Data, "path.data", "", "`DIR` of checkpoints, dead letters and the embedded database")
	flags.StringVar(&a.flags.path.Logs, "path.logs", "", "`DIR` of the log file")

	run := a.runCommand()
	root.AddCommand(
		run,
		a.mapCommand(),
		a.benchCommand(),
		a.costCommand(),
		a.investigateCommand(),
		a.auditCommand(),
		a.setupCommand(),
		a.testCommand(),
		a.exportCommand(),
		a.replayCommand(),
		a.backfillCommand(),
		a.stateCommand(),
		a.topCommand(),
		a.keystoreCommand(),
		a.lambdaCommand(),
		a.migrateCommand(),
		a.verifyCommand(),
		a.completionCommand(),
		a.versionCommand(),
	)
	// Without a command the root is "run", flags included; the bootstrap of a function is called without one too.
	root.RunE = run.RunE
	if inLambda() {
		root.RunE = a.lambdaCommand().RunE
	}
	root.Flags().AddFlagSet(run.Flags())
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "help" {
			cmd.Example = "  trailbeat help run\n  trailbeat help state reset"
		}
	}
	usageErrors(root)
	a.completions(root)
	return root
}

// usageErrors turns the errors of flags and of unknown commands into usage errors.
func usageErrors(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w%s\nSee \"%s --help\"", explainFlag(err), suggestFlag(cmd, err), cmd.CommandPath()))
	})
	for _, sub := range cmd.Commands() {
		if sub.HasSubCommands() {
			sub.Args = noArguments
			sub.RunE = func(cmd *cobra.Command, _ []string) error {
				return usage(fmt.Errorf("%q needs one of its commands: %s\nSee \"%s --help\"",
					cmd.CommandPath(), strings.Join(commandNames(cmd), ", "), cmd.CommandPath()))
			}
		}
		usageErrors(sub)
	}
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

// noArguments refuses arguments. Where there are sub-commands it takes one for a misspelt command.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		return usage(fmt.Errorf("there is no command %q; %s\nSee \"%s --help\"",
			args[0], unknownName(args[0], commandNames(cmd)), cmd.CommandPath()))
	}
	return usage(fmt.Errorf("%q takes no arguments, but got %q\nSee \"%s --help\"", cmd.CommandPath(), args[0], cmd.CommandPath()))
}
