package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/deadletter"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

// replayID is the name of the replay in logs and in the accounting.
const replayID = "replay"

func (a *app) replayCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Send the dead letters again",
		Long: `Replay maps and ships the dead letters again (those of dead_letter.path, or of dead_letter.data_stream), with the tags of
the input that they came from. What is delivered is removed there; what fails again stays. A run may go on meanwhile.`,
		Example: "  trailbeat replay --dry-run\n  trailbeat replay\n  trailbeat replay --dry-run --output json",
		Args:    noArguments,
	}
	format := formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := a.load()
		if err != nil {
			return err
		}
		if dryRun {
			return a.listLetters(cmd.Context(), s, format.json())
		}
		if err := s.needOutput(); err != nil {
			return err
		}
		return a.ship(cmd.Context(), s, shipment{
			once: true, patience: defaultPatience, sources: s.openReplay, json: format.json(), nothing: "there are no dead letters in %s",
		})
	}
	a.progressFlags(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "list the dead letters by reason and change nothing")
	return cmd
}

func (s *settings) openReplay(_ context.Context, r *wiring) ([]shipper.Source, error) {
	find, err := s.sourceByInput(r)
	if err != nil {
		return nil, err
	}
	replay, err := r.letters.replay()
	if err != nil {
		return nil, err
	}
	return []shipper.Source{{
		ID: replayID, Type: replayID, Input: replay, DataStream: s.DataStream.stream(), Of: find,
	}}, nil
}

// sourceByInput finds the input that a record came from. One that is gone from the configuration is taken for one with
// the defaults.
func (s *settings) sourceByInput(r *wiring) (func(*input.Origin) *shipper.Source, error) {
	byID := map[string]*shipper.Source{}
	for i := range s.inputs {
		source, err := s.source(r, &s.inputs[i])
		if err != nil {
			return nil, err
		}
		byID[source.ID] = &source
	}
	var defaults inputSetting
	defaults.SetDefaults()
	gone, err := s.source(r, &defaults)
	if err != nil {
		return nil, err
	}
	return func(o *input.Origin) *shipper.Source {
		if source := byID[o.InputID]; source != nil {
			return source
		}
		return &gone
	}, nil
}

// lettersReport is what replay --dry-run --output json prints.
type lettersReport struct {
	Place string `json:"place"`
	Total int    `json:"total"`
	// Faulty lines are no dead letters.
	Faulty  int            `json:"faulty"`
	Reasons []letterReason `json:"reasons"`
}

type letterReason struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// listLetters counts the dead letters by their reason.
func (a *app) listLetters(ctx context.Context, s *settings, asJSON bool) error {
	type reason struct{ kind, text string }
	at := map[reason]int{}
	report := lettersReport{Place: s.DeadLetter.place(), Reasons: []letterReason{}}
	err := a.eachLetter(ctx, s, func(l *shipper.Letter, err error) {
		if err != nil {
			report.Faulty++
			return
		}
		report.Total++
		key := reason{l.Type, firstLine(l.Reason)}
		i, known := at[key]
		if !known {
			i = len(report.Reasons)
			at[key] = i
			report.Reasons = append(report.Reasons, letterReason{Type: key.kind, Reason: key.text})
		}
		report.Reasons[i].Count++
	})
	if err != nil {
		return err
	}
	if asJSON {
		err = a.printJSON(report)
	} else {
		fmt.Fprintf(a.Stdout, "%d dead letters in %s\n", report.Total, report.Place)
		for _, r := range report.Reasons {
			fmt.Fprintf(a.Stdout, "%7d  %s: %s\n", r.Count, r.Type, r.Reason)
		}
	}
	if report.Faulty > 0 {
		err = errors.Join(err, fmt.Errorf("%d lines of %s are no dead letters; they stay where they are", report.Faulty, report.Place))
	}
	return err
}

// firstLine is enough of a reason to tell it from others.
func firstLine(text string) string {
	const longest = 160
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "..."
	}
	return text
}

// eachLetter calls fn for each line of the file. There need not be one.
func eachLetter(path string, fn func(*shipper.Letter, error)) error {
	f, err := openIfThere(path)
	if f == nil || err != nil {
		return err
	}
	defer f.Close() // only read
	for r := deadletter.NewReader(f); ; {
		letter, _, err := r.Next()
		var line *deadletter.LineError
		switch {
		case err == nil:
			fn(&letter, nil)
		case errors.As(err, &line):
			fn(nil, err)
		case isEnd(err):
			return nil
		default:
			return fmt.Errorf("reading dead letters: %w", err)
		}
	}
}
