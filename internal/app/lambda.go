package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/shipper"
)

// runtimeAPI is set by AWS Lambda: where a function asks for its events.
const runtimeAPI = "AWS_LAMBDA_RUNTIME_API"

func inLambda() bool { return os.Getenv(runtimeAPI) != "" }

func (a *app) lambdaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lambda",
		Short: "Run as a function of AWS Lambda that a queue calls",
		Long: `Lambda is the bootstrap of a function of AWS Lambda (runtime provided.al2023) whose event source is an SQS queue with
ReportBatchItemFailures. In a function it is what the program does without a command. The configuration holds one input aws-s3 with queue_url, whose options say how objects are read;
messages come with the calls. A message is done when all its records are durable; the others are reported as failed and
come again. A function has no disk that lasts, so documents and dead letters must go to a cluster (dead_letter.output: data_stream).
The program must be built with the tag lambda.norpc, as the binaries of a release are.`,
		Example: `  trailbeat lambda -c /var/task/trailbeat.yml`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.load()
			if err != nil {
				return err
			}
			if err := s.fitForLambda(); err != nil {
				return usage(err)
			}
			s.dataThatCanBeWritten()
			return a.ship(cmd.Context(), s, shipment{sources: s.openFunction})
		},
	}
}

// fitForLambda says what of a configuration cannot be had in a function.
func (s *settings) fitForLambda() error {
	if !inLambda() {
		return fmt.Errorf("this is no function of AWS Lambda, as %s is not set; use \"trailbeat run\"", runtimeAPI)
	}
	errs := []error{s.needInputs(), s.needOutput()}
	if n := len(s.inputs); n > 1 {
		errs = append(errs, fmt.Errorf("a function has one input, but %d are enabled; make a function of each queue", n))
	}
	for i := range s.inputs {
		if in := &s.inputs[i]; in.kind.Function == nil {
			errs = append(errs, fmt.Errorf("input %q: a function is called with the messages of a queue; use type aws-s3 with queue_url", in.ID))
		}
	}
	kept := true
	for _, o := range s.allOutputs() {
		if o.kind.Letters == nil {
			kept = false
			errs = append(errs, fmt.Errorf("%s: a function has no disk that lasts; use output.elasticsearch", o.path()))
		}
	}
	if kept && s.DeadLetter.Output != lettersInStream {
		errs = append(errs, fmt.Errorf("dead_letter.output: %s is on a disk that a function loses; set %s", s.DeadLetter.Output, lettersInStream))
	}
	return errors.Join(errs...)
}

// dataThatCanBeWritten leaves path.data for a temporary folder where it is in the package of the function, which cannot be written
// to. Only the id of the agent lies there.
func (s *settings) dataThatCanBeWritten() {
	if os.MkdirAll(s.Path.Data, 0o700) != nil {
		s.Path.Data = filepath.Join(os.TempDir(), "trailbeat")
	}
}

// openFunction opens the input and lets it be called. Lambda ends the process when it needs it no more.
func (s *settings) openFunction(ctx context.Context, r *wiring) ([]shipper.Source, error) {
	in := &s.inputs[0]
	source, err := s.source(r, in)
	if err != nil {
		return nil, err
	}
	opened, serve, err := in.kind.Function(ctx, in.options, InputEnv{ID: in.ID, Logger: r.log.With("input.id", in.ID)})
	if err != nil {
		return nil, fmt.Errorf("opening input %q: %w", in.ID, err)
	}
	source.Input = opened
	go serve()
	return []shipper.Source{source}, nil
}
