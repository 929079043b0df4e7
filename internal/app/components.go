package app

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/deadletter"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
)

// Components are the types that a configuration may name.
type Components struct {
	Inputs  map[string]Input
	Outputs map[string]Output
	// TemplateConfig returns a pointer to the defaults of setup.template. Nil: there are no such options.
	TemplateConfig func() any
	// Template gives the index template for an engine, "elasticsearch" or "opensearch", with the options of setup.template
	// and those of the output, nil where another kind of output is configured. Nil: no output has a template.
	Template func(engine string, template, output any, ds shipper.DataStream) ([]byte, error)
	// Foreign are options of other programs at the top of a configuration that are taken without an effect.
	Foreign []Foreign
	// ForeignProcessors are processors of other programs, by their names as Option: those that are taken without an effect,
	// and, with Refuse, those that are not.
	ForeignProcessors []Foreign
}

// InputEnv is what an input is opened with.
type InputEnv struct {
	// ID of the configured input, unique in the run.
	ID string
	// Store keeps its checkpoints.
	Store input.Store
	// Stdin is read where the configuration says "-".
	Stdin io.Reader
	// Once says that the input ends when everything that is there now was read.
	Once bool
	// Until lets an input that lists objects leave out those that were delivered later. Zero: none is left out.
	Until time.Time
	// Again is set where the input is to read once more what it has read before. Nil: it goes on where it was.
	Again  *ReadAgain
	Logger *slog.Logger
}

// ReadAgain is how an input reads what it has read before. It changes nothing in its source then, and what its options say about where
// to begin does not hold.
type ReadAgain struct {
	// From lets an input that lists objects leave out those that were delivered before. Zero: none is left out.
	From time.Time
	// Accounts and Regions are those to read, where the input tells objects apart by them. Empty: those of its options.
	Accounts, Regions []string
	// Wanted says by the key or the absolute path whether an object is read. Nil: all are.
	Wanted func(name string) bool
}

// Input is a type of input. Make it with NewInput.
type Input struct {
	// Config returns a pointer to the defaults of the type's options.
	Config func() any
	// Open makes an input of what Config returned and the configuration filled.
	Open func(ctx context.Context, cfg any, env InputEnv) (input.Input, error)
	// Select chooses the input that is meant, for a type that stands for several: by the options that are set. Nil: the type
	// is one.
	Select func(options *config.Section) (Input, error)
	// Variants are the inputs that Select chooses from, for the reference. Nil: the type is one.
	Variants []Variant
	// Test looks at everything between here and a record, without changing anything, and hands each step to report as soon as
	// it is known. Nil: opening is the test.
	Test func(ctx context.Context, cfg any, env InputEnv, report func(Step))
	// Function opens an input that reads what a function of AWS Lambda is called with, in place of its queue, and gives what
	// takes the calls, until the process ends. Nil: the type cannot be called.
	Function func(ctx context.Context, cfg any, env InputEnv) (in input.Input, serve func(), err error)
	// Again says that what was read before can be read again (InputEnv.Again).
	Again bool
	// Borrow gives options the identity and the connections that other options have, of the same or another type. Nil: there are none.
	Borrow func(cfg, from any)
	// Policy gives what the input must be allowed to do. Nil: it needs no rights on AWS.
	Policy func(cfg any) ([]Statement, error)
	// Past reads what was delivered before, for the command backfill. Nil: the type has none.
	Past *Past
	// Files gives the files that the input reads, for those who look at files and not at records. Nil: it reads none of a trail.
	Files func(ctx context.Context, cfg any, env InputEnv) (*Files, error)
	// FilesPolicy gives what whoever looks at the files must be allowed to do. Nil where Files is.
	FilesPolicy func(cfg any) ([]Statement, error)
	// Foreign are options of other programs that are taken without an effect.
	Foreign []Foreign
}

// NewInput describes an input type whose options are C.
func NewInput[C any](defaults func() C, open func(context.Context, C, InputEnv) (input.Input, error)) Input {
	return Input{
		Config: func() any { cfg := defaults(); return &cfg },
		Open: func(ctx context.Context, cfg any, env InputEnv) (input.Input, error) {
			return open(ctx, *cfg.(*C), env)
		},
	}
}

// OutputEnv is what an output is opened with.
type OutputEnv struct {
	// DataPath is path.data: relative names of files are relative to it.
	DataPath string
	// Stdout is where documents for the console go.
	Stdout io.Writer
	// DataStream is where events without an index of their own go.
	DataStream shipper.DataStream
	// Streams are further data streams that rules of routing send documents to.
	Streams []Stream
	Logger  *slog.Logger
}

// DataFile puts a relative name below path.data.
func (e OutputEnv) DataFile(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(e.DataPath, name)
}

// SetupOptions say what setup does.
type SetupOptions struct {
	// DryRun writes what would be sent to Report and changes nothing.
	DryRun bool
	// Start says that a run begins: what the configuration wants to do by hand is left alone.
	Start bool
	// Template is what TemplateConfig returned and the configuration filled.
	Template any
	// Letters is the data stream of dead letters to be prepared as well. Empty: they do not go to the output.
	Letters string
	// Overwrite replaces what is there in another version.
	Overwrite bool
	// Report is for people.
	Report io.Writer
}

// Output is a type of output. Make it with NewOutput and set the hooks that the type has.
type Output struct {
	// Config returns a pointer to the defaults of the type's options.
	Config func() any
	// Open makes an output of what Config returned and the configuration filled.
	Open func(ctx context.Context, cfg any, env OutputEnv) (output.Output, error)
	// Backoff is how long to wait between tries. Nil: shipper.DefaultBackoff.
	Backoff func(cfg any) shipper.Backoff
	// Streams sets the data stream in the options where they have one of their own. Nil: they have none.
	Streams func(cfg any, ds shipper.DataStream)
	// Test checks that the output can be written to, and hands each step to report as soon as it is known. The error is for what
	// is no step. Nil: opening is the test.
	Test func(ctx context.Context, cfg any, env OutputEnv, report func(Step)) error
	// Setup prepares the place for the documents. Nil: nothing is to be done.
	Setup func(ctx context.Context, cfg any, env OutputEnv, opts SetupOptions) error
	// Letters opens, in the same cluster, the data stream for dead letters. template is as in SetupOptions. Nil: they can only go
	// to a file.
	Letters func(ctx context.Context, cfg any, env OutputEnv, stream string, template any) (deadletter.Cluster, error)
	// Notes opens, in the same cluster, a data stream for what Trailbeat itself has to say (integrity.data_stream). template is as in
	// SetupOptions. Nil: there is no place for it.
	Notes func(ctx context.Context, cfg any, env OutputEnv, stream string, template any) (output.Output, error)
	// Summary shows what lies in the output, shortly. Nil: nothing is shown.
	Summary func(ctx context.Context, cfg any, env OutputEnv, w io.Writer) error
	// Appends says that it stores a document again that is sent again, as it does not look what is there.
	Appends bool
	// ToStdout says that documents go to standard output, which nothing else may write to then.
	ToStdout bool
	// Foreign are options of other programs that are taken without an effect.
	Foreign []Foreign
}

// NewOutput describes an output type whose options are C.
func NewOutput[C any](defaults func() C, open func(context.Context, C, OutputEnv) (output.Output, error)) Output {
	return Output{
		Config: func() any { cfg := defaults(); return &cfg },
		Open: func(ctx context.Context, cfg any, env OutputEnv) (output.Output, error) {
			return open(ctx, *cfg.(*C), env)
		},
	}
}

// names lists the types in order.
func names[T any](types map[string]T) []string { return slices.Sorted(maps.Keys(types)) }
