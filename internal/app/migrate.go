package app

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/migrate"
)

func (a *app) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate FILE",
		Short: "Make a configuration of one of Filebeat's, LimaCharlie's or RSA's",
		Long: `Migrate reads a configuration file of Filebeat ("-": standard input) and prints one of Trailbeat that reads and writes the
same: inputs, the module aws with its fileset cloudtrail, processors, the output, logging and paths. Variables stay variables.
It also takes the file of LimaCharlie's adapter (s3, sqs, sqs_files), and a list of the parameters of RSA's plugin cloudtrail as CSV
or JSON; of these, secrets become variables, which "trailbeat keystore add" or the environment gives a value, and documents go to
a database file until you name another output.
Standard error lists what has no counterpart, each with its place and the reason: what has no effect here, and what is NOT TAKEN OVER
although it changes what is read or stored. The exit code is 1 if the result still needs something that only you know.

What Filebeat has read already is not known to Trailbeat. A queue hands out each file once, whoever asks; a bucket that is listed
is read from its beginning unless start_timestamp says otherwise. Documents that are there under the same _id are not stored twice.`,
		Example: "  trailbeat migrate /etc/filebeat/filebeat.yml > trailbeat.yml\n  trailbeat migrate adapter.yml > trailbeat.yml\n  trailbeat migrate sources.csv > trailbeat.yml\n  trailbeat test config -c trailbeat.yml",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(fmt.Errorf("%q takes one file, such as filebeat.yml, but got %d\nSee \"%s --help\"", cmd.CommandPath(), len(args), cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			source, err := a.readSource(args[0])
			if err != nil {
				return usage(err)
			}
			m := migration{components: a.components, name: source.Name}
			text, err := m.run(source)
			if err != nil {
				return usage(err)
			}
			if _, err := a.Stdout.Write(text); err != nil {
				return err
			}
			m.report(a.Stderr)
			if len(m.open) > 0 {
				return errSaid
			}
			return nil
		},
	}
}

func (a *app) readSource(name string) (config.Source, error) {
	if name != "-" {
		sources, err := config.ReadFiles(name)
		if err != nil {
			return config.Source{}, err
		}
		return sources[0], nil
	}
	data, err := io.ReadAll(a.Stdin)
	if err != nil {
		return config.Source{}, fmt.Errorf("reading standard input: %w", err)
	}
	return config.Source{Name: "standard input", Data: data}, nil
}

// migration is one run of the command.
type migration struct {
	components Components
	name       string
	// found is what was changed or left out.
	found []finding
	// open is what the result still needs.
	open []string
}

type finding struct {
	*config.Error
	// kind says what became of the option.
	kind string
}

const (
	findingUnused  = "left out"
	findingRefused = "NOT TAKEN OVER"
	findingChanged = "changed"
)

func (m *migration) note(kind string, errs ...*config.Error) {
	for _, e := range errs {
		m.found = append(m.found, finding{e, kind})
	}
}

func (m *migration) run(source config.Source) ([]byte, error) {
	converted, err := migrate.Convert(source)
	if err != nil {
		return nil, err
	}
	if converted != nil {
		m.note(findingRefused, converted.Refused...)
		m.note(findingUnused, converted.Unused...)
		m.note(findingChanged, converted.Changed...)
		source.Data = converted.Config
	}
	root, err := config.Parse(source)
	if err != nil {
		return nil, err
	}
	refused, unused := migrate.Modules(root)
	m.note(findingRefused, refused...)
	m.note(findingUnused, unused...)
	if err := root.Alias(aliases()); err != nil {
		return nil, err
	}
	m.note(findingChanged, migrate.Paths(root)...)
	s, open := m.reduce(root)
	s.files = []string{m.name}
	for _, e := range open {
		m.open = append(m.open, e.Path+": "+e.Message)
	}
	for _, err := range []error{s.needInputs(), s.needOutput()} {
		if err != nil {
			m.open = append(m.open, err.Error())
		}
	}
	slices.SortStableFunc(m.found, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return m.print(root)
}

// reduce takes out what has no effect or cannot be used, until nothing is left that could be taken out. What is wrong then is
// something that is missing.
func (m *migration) reduce(root config.Node) (*settings, config.Errors) {
	guarded := regexp.MustCompile(`^((?:.+\.)?processors\.\d+(?:\.(?:then|else)\.\d+)*)\.(?:if|\w+\.when)(?:\.|$)`)
	for {
		s, faults := inspect(root.Tree(os.LookupEnv), m.components)
		var paths []string
		remove := func(kind string, e *config.Error) {
			path := e.Path
			if element, isType := strings.CutSuffix(path, ".type"); isType && strings.HasPrefix(path, "trailbeat.inputs.") {
				path = element // an input of an unknown type has nothing to offer
			}
			if m := guarded.FindStringSubmatch(path); m != nil {
				path = m[1] // without its condition it would do something else
			}
			at, there := root.Get(path)
			if !there || slices.ContainsFunc(paths, func(p string) bool { return p == path || strings.HasPrefix(path, p+".") }) {
				return
			}
			paths = append(paths, path)
			message, _, _ := strings.Cut(e.Message, "; these exist here: ") // names of ours do not help who knows Filebeat
			m.note(kind, &config.Error{Pos: at.Position(), Path: at.Name(), Message: message})
		}
		for _, e := range s.warnings {
			remove(findingUnused, e)
		}
		faults = slices.DeleteFunc(faults, func(e *config.Error) bool {
			// Nobody knows what a variable will hold.
			at, there := root.Get(e.Path)
			return there && at.HasVariables() && !strings.Contains(e.Message, "there is no ")
		})
		for _, e := range faults {
			remove(findingRefused, e)
		}
		if len(paths) == 0 {
			return s, faults
		}
		// The last elements of lists go first, so that the numbers of the others stay right.
		slices.SortFunc(paths, func(a, b string) int { return comparePaths(b, a) })
		for _, path := range paths {
			root.Remove(path)
		}
	}
}

// comparePaths orders dotted names, numbers in them by value.
func comparePaths(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		if x != "" && y != "" && strings.Trim(x, "0123456789") == "" && strings.Trim(y, "0123456789") == "" {
			return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
		}
		return cmp.Compare(x, y)
	})
}

// print writes the configuration with a comment on each option.
func (m *migration) print(root config.Node) ([]byte, error) {
	ref, err := m.components.reference()
	if err != nil {
		return nil, err
	}
	summaries := ref.Summaries()
	root.Order("name", "agent", "tags", "fields", "fields_under_root", "trailbeat", "processors", "data_stream", "output", "setup", "logging", "path")
	body, err := root.YAML(func(path string) string {
		if strings.HasSuffix(path, ".enabled") {
			return ""
		}
		return summaries[path]
	}, "trailbeat", "output", "setup")
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "# Made from %s by \"trailbeat migrate\". Check it with \"trailbeat test config\", then \"trailbeat test input\" and \"trailbeat test output\".\n", m.name)
	fmt.Fprint(&out, "# Every option with its default: trailbeat export reference\n")
	out.Write(regexp.MustCompile(`(?m)^(# .*\n)?[a-z]`).ReplaceAll(body, []byte("\n$0")))
	for _, f := range m.found {
		if f.kind == findingRefused {
			fmt.Fprintf(&out, "\n# NOT TAKEN OVER from line %d: %s: %s\n", f.Pos.Line, f.Path, strings.ReplaceAll(f.Message, "\n", "\n# "))
		}
	}
	for _, text := range m.open {
		fmt.Fprintf(&out, "\n# STILL NEEDED: %s\n", strings.ReplaceAll(text, "\n", "\n# "))
	}
	return []byte(out.String()), nil
}

// report lists what became of what is not in the result.
func (m *migration) report(w io.Writer) {
	for _, f := range m.found {
		fmt.Fprintf(w, "%s: %s: %s: %s\n", f.Pos, f.kind, f.Path, f.Message)
	}
	for _, text := range m.open {
		fmt.Fprintf(w, "still needed: %s\n", text)
	}
	count := func(kind string) (n int) {
		for _, f := range m.found {
			if f.kind == kind {
				n++
			}
		}
		return n
	}
	fmt.Fprintf(w, "%d options left out as they have no effect here, %d not taken over, %d changed, %d things still needed\n",
		count(findingUnused), count(findingRefused), count(findingChanged), len(m.open))
}
