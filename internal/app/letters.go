package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/deadletter"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

// The places for dead letters.
const (
	lettersInFile   = "file"
	lettersInStream = "data_stream"
)

// letterStore is a place for dead letters, and gives them back.
type letterStore struct {
	shipper.DeadLetters
	replay func() (input.Input, error)
	each   func(ctx context.Context, fn func(*shipper.Letter, error)) error
}

// openLetters opens the place that the configuration names.
func (s *settings) openLetters(ctx context.Context, r *wiring) (*letterStore, error) {
	if s.DeadLetter.Output == lettersInStream {
		if s.output == nil || s.output.kind.Letters == nil {
			return nil, usage(errors.New("dead_letter.output: data_stream needs output.elasticsearch; write file"))
		}
		cluster, err := s.output.kind.Letters(ctx, s.output.options, s.outputEnv(r, s.output), s.DeadLetter.DataStream, s.template)
		if err != nil {
			return nil, fmt.Errorf("opening dead_letter.data_stream: %w", err)
		}
		ds := s.DataStream.stream()
		stream := deadletter.OpenStream(cluster, s.DeadLetter.DataStream, ds.Type+"-"+ds.Dataset+"-"+ds.Namespace, r.log)
		r.onClose(stream.Close)
		return &letterStore{
			DeadLetters: stream, each: stream.Each,
			replay: func() (input.Input, error) { return stream.Replay() },
		}, nil
	}
	file, err := deadletter.Open(s.DeadLetter.Path, r.log)
	if err != nil {
		return nil, err
	}
	return &letterStore{
		DeadLetters: file,
		replay:      func() (input.Input, error) { return file.Replay() },
	}, nil
}

// place names where dead letters are.
func (c *DeadLetterConfig) place() string {
	if c.Output == lettersInStream {
		return "data stream " + c.DataStream
	}
	return c.Path
}

// eachLetter calls fn for each dead letter, wherever they are, and changes nothing.
func (a *app) eachLetter(ctx context.Context, s *settings, fn func(*shipper.Letter, error)) (err error) {
	if s.DeadLetter.Output != lettersInStream {
		return eachLetter(s.DeadLetter.Path, fn)
	}
	r := &wiring{io: a.IO, log: newLogger(a.Stderr, slog.LevelWarn, s.Logging.JSON)}
	defer func() {
		if closed := r.close(); err == nil {
			err = closed
		}
	}()
	letters, err := s.openLetters(ctx, r)
	if err != nil {
		return err
	}
	return letters.each(ctx, fn)
}
