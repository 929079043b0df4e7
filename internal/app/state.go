package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/registry"
)

func (a *app) stateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Look at the checkpoints, or change them",
		Long: `State shows what the inputs remember of what they have read. The commands list and show may be used while a run is on;
set and reset need it stopped. Changing a checkpoint can make an input read again, or leave out, what it should not.`,
		Example: "  trailbeat state list\n  trailbeat state show aws-s3\n  trailbeat state reset aws-s3 --yes",
	}
	cmd.AddCommand(a.stateListCommand(), a.stateShowCommand(), a.stateSetCommand(), a.stateResetCommand())
	return cmd
}

// stateReport is what state list --output json prints.
type stateReport struct {
	Inputs []inputState `json:"inputs"`
}

// inputState is an input that has checkpoints.
type inputState struct {
	ID         string    `json:"id"`
	Keys       int64     `json:"keys"`
	Bytes      int64     `json:"bytes"`
	Updated    time.Time `json:"updated"`
	Configured bool      `json:"configured"`
}

func (a *app) stateListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the inputs that have checkpoints, with their number and size",
		Example: "  trailbeat state list\n  trailbeat state list --output json",
		Args:    noArguments,
	}
	format := formatFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		s, err := a.load()
		if err != nil {
			return err
		}
		report := stateReport{Inputs: []inputState{}}
		said := a.Stderr
		if format.json() {
			said = io.Discard // the empty list says it
		}
		err = s.withState(said, func(reg *registry.Registry) error {
			inputs, err := reg.Inputs()
			if err == nil && len(inputs) == 0 {
				fmt.Fprintln(said, "there are no checkpoints")
			}
			configured := s.inputIDs()
			for _, in := range inputs {
				report.Inputs = append(report.Inputs, inputState{
					in.ID, int64(in.Entries), int64(in.Bytes), in.Updated.UTC().Truncate(time.Second), slices.Contains(configured, in.ID),
				})
			}
			return err
		})
		switch {
		case err != nil:
			return err
		case format.json():
			return a.printJSON(report)
		case len(report.Inputs) == 0:
			return nil
		}
		table := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "INPUT\tKEYS\tBYTES\tUPDATED\tCONFIGURED")
		for _, in := range report.Inputs {
			known := "no"
			if in.Configured {
				known = "yes"
			}
			fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\n", in.ID, in.Keys, in.Bytes, in.Updated.Format(time.RFC3339), known)
		}
		return table.Flush()
	}
	return cmd
}

func (a *app) stateShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show INPUT [KEY]",
		Short: "Print the checkpoints of an input, or one of them",
		Long: `State show prints one checkpoint of the input a line: its key and its value, tab separated. With KEY it prints that value
alone, in the form that "state set" takes.`,
		Example: "  trailbeat state show aws-s3\n  trailbeat state show aws-s3 KEY",
		Args:    arguments(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := a.load()
			if err != nil {
				return err
			}
			found := 0
			err = s.withState(a.Stderr, func(reg *registry.Registry) error {
				for e, err := range reg.Entries(args[0]) {
					if err != nil {
						return err
					}
					if len(args) == 2 && e.Key != args[1] {
						continue
					}
					found++
					if err := printEntry(a.Stdout, e, len(args) == 2); err != nil {
						return err
					}
				}
				if found == 0 {
					return s.noState(reg, args)
				}
				return nil
			})
			return err
		},
	}
}

func printEntry(w io.Writer, e registry.Entry, alone bool) error {
	var err error
	if alone {
		_, err = fmt.Fprintf(w, "%s\n", e.Value)
	} else {
		_, err = fmt.Fprintf(w, "%s\t%s\n", e.Key, e.Value)
	}
	return err
}

func (a *app) stateSetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set INPUT KEY JSON",
		Short: "Set one checkpoint of an input",
		Long: `State set stores a checkpoint. What the keys and values mean is the business of the input: take one that "state show"
printed and change it. No run may be on.`,
		Example: `  trailbeat state set aws-s3 KEY "$(trailbeat state show aws-s3 KEY)"`,
		Args:    arguments(3, 3),
		RunE: func(_ *cobra.Command, args []string) error {
			id, key := args[0], args[1]
			var value json.RawMessage
			if err := json.Unmarshal([]byte(args[2]), &value); err != nil {
				return usage(fmt.Errorf("the value is not JSON: %w; text needs double quotes of its own: '\"text\"'", err))
			}
			if key == "" || bytes.Equal(value, []byte("null")) {
				return usage(errors.New("a key must not be empty, and a value not null; to remove a checkpoint: trailbeat state reset INPUT --key KEY --yes"))
			}
			s, err := a.load()
			if err != nil {
				return err
			}
			return s.changeState(id, func(reg *registry.Registry) error {
				if err := reg.Input(id).Put(key, value); err != nil {
					return err
				}
				fmt.Fprintf(a.Stdout, "%s: %s is set\n", id, key)
				return nil
			})
		},
	}
}

func (a *app) stateResetCommand() *cobra.Command {
	var key string
	var yes bool
	cmd := &cobra.Command{
		Use:   "reset INPUT",
		Short: "Remove the checkpoints of an input, so that it starts anew",
		Long: `State reset removes all checkpoints of an input, or the one of --key. The input then reads from the start of its source, as its
options say; what is in the output already is a duplicate there. No run may be on. Without --yes nothing is changed.`,
		Example: "  trailbeat state reset aws-s3 --yes\n  trailbeat state reset aws-s3 --key KEY --yes",
		Args:    arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, one := args[0], cmd.Flags().Changed("key")
			s, err := a.load()
			if err != nil {
				return err
			}
			return s.changeState(id, func(reg *registry.Registry) error {
				keys, err := stateKeys(reg, id)
				if err != nil {
					return err
				}
				what := fmt.Sprintf("%d checkpoints", len(keys))
				if one {
					what = fmt.Sprintf("the checkpoint %q", key)
				}
				switch {
				case one && !slices.Contains(keys, key):
					return s.noState(reg, []string{id, key})
				case len(keys) == 0:
					return s.noState(reg, []string{id})
				case !yes:
					return usage(fmt.Errorf("this would remove %s of input %q, which then reads them again; add --yes to do it", what, id))
				case one:
					err = reg.Input(id).Delete(key)
				default:
					_, err = reg.Clear(id)
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(a.Stdout, "%s: %s removed\n", id, what)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "remove only the checkpoint `KEY`")
	cmd.Flags().BoolVar(&yes, "yes", false, "really do it")
	return cmd
}

// registryPath is where the checkpoints are.
func (s *settings) registryPath() string { return filepath.Join(s.Path.Data, registry.FileName) }

// withState opens the checkpoints for reading. That there are none yet is said and no error.
func (s *settings) withState(stderr io.Writer, fn func(*registry.Registry) error) (err error) {
	reg, err := registry.OpenReadOnly(s.registryPath())
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(stderr, "there are no checkpoints yet: %s does not exist\n", s.registryPath())
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reg.Close()) }()
	return fn(reg)
}

// changeState opens the checkpoints for changes. The input must be configured or have some, since a misspelt id would do
// nothing and say that it had.
func (s *settings) changeState(id string, fn func(*registry.Registry) error) (err error) {
	if !exists(s.registryPath()) && !slices.Contains(s.inputIDs(), id) {
		return usage(fmt.Errorf("there is no input %q in the configuration, and there are no checkpoints in %s", id, s.Path.Data))
	}
	reg, err := registry.Open(s.registryPath())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reg.Close()) }()
	inputs, err := reg.Inputs()
	if err != nil {
		return err
	}
	known := s.inputIDs()
	for _, in := range inputs {
		known = append(known, in.ID)
	}
	if !slices.Contains(known, id) {
		return usage(fmt.Errorf("no input %q is configured or has checkpoints; %s", id, unknownName(id, known)))
	}
	return fn(reg)
}

// noState says that there is no such checkpoint.
func (s *settings) noState(reg *registry.Registry, args []string) error {
	keys, err := stateKeys(reg, args[0])
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		return usage(fmt.Errorf("input %q has no checkpoint %q; %s", args[0], args[1], shortList(args[1], keys)))
	}
	inputs, err := reg.Inputs()
	if err != nil {
		return err
	}
	var ids []string
	for _, in := range inputs {
		ids = append(ids, in.ID)
	}
	if len(ids) == 0 {
		return usage(fmt.Errorf("there are no checkpoints in %s", s.Path.Data))
	}
	return usage(fmt.Errorf("input %q has no checkpoints; %s", args[0], shortList(args[0], ids)))
}

// shortList suggests a name of many.
func shortList(name string, names []string) string {
	const most = 10
	if text := unknownName(name, names); len(names) <= most || !strings.HasPrefix(text, "these") {
		return text
	}
	return fmt.Sprintf("there are %d others", len(names))
}

func stateKeys(reg *registry.Registry, id string) ([]string, error) {
	var keys []string
	for e, err := range reg.Entries(id) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, e.Key)
	}
	return keys, nil
}

// inputIDs are those of the enabled inputs.
func (s *settings) inputIDs() []string {
	ids := make([]string, len(s.inputs))
	for i, in := range s.inputs {
		ids[i] = in.ID
	}
	return ids
}

// arguments takes from least to most of them, named as in Use.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		return usage(fmt.Errorf("%q got %d arguments, but is used so: %s\nSee \"%s --help\"", cmd.CommandPath(), len(args),
			strings.TrimSuffix(cmd.UseLine(), " [flags]"), cmd.CommandPath()))
	}
}
