package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
)

// Stream is a data stream that rules of routing send documents to.
type Stream struct {
	shipper.DataStream
	// Retention is how long it keeps documents, such as 30d. Empty: as the configuration says for all.
	Retention string
}

// allOutputs are the output and those below outputs.
func (s *settings) allOutputs() []*outputSetting {
	if s.output == nil {
		return nil
	}
	return append([]*outputSetting{s.output}, s.outputs...)
}

// toStdout reports whether documents go to standard output.
func (s *settings) toStdout() bool {
	return slices.ContainsFunc(s.allOutputs(), func(o *outputSetting) bool { return o.kind.ToStdout })
}

// outputPaths names all outputs for people.
func (s *settings) outputPaths() string {
	var paths []string
	for _, o := range s.allOutputs() {
		paths = append(paths, o.path())
	}
	return strings.Join(paths, ", ")
}

func (o *outputSetting) backoff() shipper.Backoff {
	if o.kind.Backoff == nil {
		return shipper.DefaultBackoff()
	}
	return o.kind.Backoff(o.options)
}

func (s *settings) outputEnv(r *wiring, o *outputSetting) OutputEnv {
	env := OutputEnv{DataPath: s.Path.Data, Stdout: r.io.Stdout, DataStream: s.DataStream.stream(), Logger: r.log}
	streams, _ := s.Routing.Streams(env.DataStream.Dataset, env.DataStream.Namespace) // its error is one of the configuration
	for _, stream := range streams {
		to := shipper.DataStream{Type: env.DataStream.Type, Dataset: stream.Dataset, Namespace: stream.Namespace}
		if stream.Output == o.label() && (to != env.DataStream || stream.Retention != "") {
			env.Streams = append(env.Streams, Stream{to, stream.Retention})
		}
	}
	if o.id != "" {
		env.Logger = r.log.With("output", o.id)
	}
	return env
}

// openedOutput is an output of a run, with what waits before it.
type openedOutput struct {
	*outputSetting
	out   output.Output
	retry *shipper.Retry
}

// openedOutputs are all outputs of a run, that of the group output first.
type openedOutputs struct {
	all   []*openedOutput
	split *shipper.Split // nil: there is one
}

// openOutputs opens all outputs. Where one fails the others are closed again.
func (s *settings) openOutputs(ctx context.Context, r *wiring) (*openedOutputs, error) {
	opened := new(openedOutputs)
	for _, o := range s.allOutputs() {
		out, err := s.openOutput(ctx, r, o)
		if err != nil {
			return nil, errors.Join(err, opened.close())
		}
		opened.all = append(opened.all, &openedOutput{outputSetting: o, out: out})
	}
	return opened, nil
}

func (o *openedOutputs) close() error {
	var errs []error
	for _, one := range o.all {
		errs = append(errs, one.out.Close())
	}
	return errors.Join(errs...)
}

// join makes one output of all, with retries before each, watched.
func (o *openedOutputs) join(s *settings, job shipment, watch *watch, log *slog.Logger) (output.Output, error) {
	var branches []shipper.Branch
	for _, one := range o.all {
		cfg, own := s.Trailbeat.Config, log
		if one.id != "" {
			cfg, own = shipper.Config{}, log.With("output", one.id)
		}
		one.retry = shipper.Decorate(watch.output(one), cfg, one.backoff(), own)
		if job.once {
			one.retry.GiveUpAfter(job.patience)
		}
		branches = append(branches, shipper.Branch{Name: one.id, Output: one.retry, Appends: one.kind.Appends})
	}
	if len(branches) == 1 {
		return branches[0].Output, nil
	}
	var err error
	o.split, err = shipper.NewSplit(branches)
	return o.split, err
}

// counts are what each output took; nil where there is one.
func (o *openedOutputs) counts() []shipper.BranchCounts {
	if o.split == nil {
		return nil
	}
	return o.split.Counts()
}

// openOutput opens one output and prepares the place that it writes to.
func (s *settings) openOutput(ctx context.Context, r *wiring, o *outputSetting) (output.Output, error) {
	env := s.outputEnv(r, o)
	prepare := func(ctx context.Context) error {
		if o.kind.Setup == nil {
			return nil
		}
		opts := SetupOptions{Start: true, Template: s.template, Report: io.Discard}
		if err := o.kind.Setup(ctx, o.options, env, opts); err != nil {
			return fmt.Errorf("preparing %s: %w", o.path(), err)
		}
		return nil
	}
	unprepared := prepare(ctx)
	if output.IsFatal(unprepared) {
		return nil, unprepared
	}
	out, err := o.kind.Open(ctx, o.options, env)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", o.path(), err)
	}
	if unprepared != nil {
		// The server may be down for now. The flow waits for it, and writes nothing to what is not prepared.
		r.log.Warn("output could not be prepared yet", "output", cmp.Or(o.id, o.name), "error.message", unprepared)
		late := &lateOutput{Output: out, prepare: prepare}
		late.why.Store(&unprepared)
		out = late
	}
	return out, nil
}

// summarize shows what lies in the outputs, as far as they can tell.
func (s *settings) summarize(ctx context.Context, r *wiring, w io.Writer) error {
	var errs []error
	for _, o := range s.allOutputs() {
		if o.kind.Summary == nil {
			continue
		}
		if o.id != "" {
			fmt.Fprintf(w, "%s:\n", o.path())
		}
		errs = append(errs, o.kind.Summary(ctx, o.options, s.outputEnv(r, o), w))
	}
	return errors.Join(errs...)
}
