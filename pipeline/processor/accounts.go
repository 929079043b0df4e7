package processor

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/trailbeat/trailbeat/ecs"
)

// maxAccounts bounds the file, in bytes. An organisation of 10,000 accounts needs half a megabyte.
const maxAccounts = 64 << 20

// AddAccountNames writes the name of an account beside its number.
type AddAccountNames struct {
	Common `config:",inline"`
	// Path of a file: .csv with the columns id and name (in any order, with a header, or without one in this order), or .json,
	// .yml or .yaml with names by id, a list of objects with id and name, or what "aws organizations list-accounts" prints.
	Path string `config:"path"`
	// Field holds the number. Default cloud.account.id.
	Field string `config:"field"`
	// TargetField gets the name. Default cloud.account.name.
	TargetField string `config:"target_field"`
	// Overwrite replaces a name that is there. Default false.
	Overwrite bool `config:"overwrite"`
	// ReloadInterval is how often the file is looked at, and read when it has changed. Default 10s. Zero: never again.
	ReloadInterval time.Duration `config:"reload_interval"`
}

// DefaultAddAccountNames are the defaults.
func DefaultAddAccountNames() AddAccountNames {
	return AddAccountNames{Field: "cloud.account.id", TargetField: "cloud.account.name", ReloadInterval: 10 * time.Second}
}

var accountFormats = []string{".csv", ".json", ".yml", ".yaml"}

// Validate joins all that is wrong.
func (o *AddAccountNames) Validate() error {
	f := o.faults()
	if o.Path == "" {
		f.bad("path", "is missing; name the file with the accounts")
	} else if !slices.Contains(accountFormats, strings.ToLower(filepath.Ext(o.Path))) {
		f.bad("path", "is %q, but must end in one of %s, which says how the file is read", o.Path, strings.Join(accountFormats, ", "))
	}
	f.field("field", o.Field)
	if f.field("target_field", o.TargetField) {
		if err := new(ecs.Event).Put(o.TargetField, "name"); err != nil {
			f.bad("target_field", "cannot hold a name: %s", err)
		}
	}
	if o.ReloadInterval < 0 {
		f.bad("reload_interval", "must be >= 0, is %s", o.ReloadInterval)
	}
	return f.err()
}

func (o *AddAccountNames) names() []name {
	return []name{{option: "field", field: o.Field}, {option: "target_field", field: o.TargetField, makes: true}}
}
func (o *AddAccountNames) changes() scope { return scopeOf(o.TargetField) }

func (o *AddAccountNames) build(env *Env) (runner, error) {
	file := &accountFile{path: o.Path, log: env.Logger}
	first, err := file.read()
	if err != nil {
		return nil, err
	}
	a := &accountNames{field: ecs.RefOf(o.Field), target: ecs.RefOf(o.TargetField), overwrite: o.Overwrite}
	a.names.every, a.names.now, a.names.make = o.ReloadInterval, env.Now, file.refresh
	a.names.start(&first)
	return a, nil
}

type accountNames struct {
	names         refreshed[map[string]string]
	field, target ecs.Ref
	overwrite     bool
}

func (a *accountNames) run(ev *ecs.Event) error {
	id := a.field.Of(ev)
	if id.Kind != ecs.TextValue || !a.overwrite && a.target.Has(ev) {
		return nil
	}
	name := (*a.names.get())[id.Text]
	if name == "" {
		return nil
	}
	if a.target.Path() == "cloud.account.name" {
		ev.Cloud.Account.Name = name // spares the allocation of Put
		return nil
	}
	if err := ev.Put(a.target.Path(), name); err != nil {
		return fmt.Errorf("setting %s: %w", a.target.Path(), err)
	}
	return nil
}

// accountFile is the file as it was read last.
type accountFile struct {
	path     string
	log      *slog.Logger
	size     int64
	modified time.Time
	told     string // the fault that was logged last
}

func (f *accountFile) read() (map[string]string, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, fmt.Errorf("reading account names: %w", err)
	}
	if info.IsDir() || info.Size() > maxAccounts {
		return nil, fmt.Errorf("reading account names: %q is a directory or larger than %d bytes", f.path, maxAccounts)
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		return nil, fmt.Errorf("reading account names: %w", err)
	}
	// The size and time of before the reading: a change meanwhile is seen at the next look.
	f.size, f.modified = info.Size(), info.ModTime()
	names, err := parseAccounts(strings.ToLower(filepath.Ext(f.path)), data)
	if err != nil {
		return nil, fmt.Errorf("reading account names in %q: %w", f.path, err)
	}
	return names, nil
}

// refresh reads the file if it has changed. One that cannot be read changes nothing, and that is told once.
func (f *accountFile) refresh() *map[string]string {
	info, err := os.Stat(f.path)
	if err == nil && info.Size() == f.size && info.ModTime().Equal(f.modified) {
		return nil
	}
	names, err := f.read()
	if err != nil {
		if err.Error() != f.told {
			f.told = err.Error()
			f.log.Warn("account names cannot be read again, those of before stay", "file.path", f.path, "error.message", err)
		}
		return nil
	}
	f.told = ""
	f.log.Info("account names were read again", "file.path", f.path, "accounts", len(names))
	return &names
}

func parseAccounts(format string, data []byte) (map[string]string, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	names := map[string]string{}
	add := func(line int, id, name string) error {
		id, name = strings.TrimSpace(id), strings.TrimSpace(name)
		switch {
		case id == "":
			return fmt.Errorf("line %d has no account id", line)
		case !isAccountID(id):
			return fmt.Errorf("line %d: %q is no account id, which has 12 digits; keep leading zeros", line, id)
		}
		if old, twice := names[id]; twice && old != name {
			return fmt.Errorf("line %d: account %s has the names %q and %q", line, id, old, name)
		}
		names[id] = name
		return nil
	}
	var err error
	if format == ".csv" {
		err = csvAccounts(data, add)
	} else {
		err = yamlAccounts(data, add)
	}
	if err == nil && len(names) == 0 {
		err = errors.New("there is no account in it")
	}
	return names, err
}

func isAccountID(id string) bool {
	return len(id) == 12 && strings.Trim(id, "0123456789") == ""
}

// Names of the columns and members, in lower case.
var (
	idNames   = []string{"id", "account_id", "accountid", "account", "cloud.account.id"}
	nameNames = []string{"name", "account_name", "accountname", "alias", "cloud.account.name"}
)

func csvAccounts(data []byte, add func(line int, id, name string) error) error {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.Comment = -1, true, '#'
	id, name := 0, 1
	for first := true; ; first = false {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line, _ := r.FieldPos(0)
		if first && !isAccountID(strings.TrimSpace(row[0])) {
			column := func(names []string) int {
				return slices.IndexFunc(row, func(c string) bool { return slices.Contains(names, strings.ToLower(strings.TrimSpace(c))) })
			}
			if id, name = column(idNames), column(nameNames); id < 0 || name < 0 {
				return fmt.Errorf("line %d is neither an account (id,name) nor a header with the columns id and name", line)
			}
			continue
		}
		if len(row) <= max(id, name) {
			return fmt.Errorf("line %d has %d columns, too few for id and name", line, len(row))
		}
		if err := add(line, row[id], row[name]); err != nil {
			return err
		}
	}
}

// yamlAccounts reads YAML, and JSON, which is YAML too. It looks at the text of the nodes: as a number an id would lose its zeros.
func yamlAccounts(data []byte, add func(line int, id, name string) error) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return err
	}
	if len(doc.Content) == 0 {
		return nil
	}
	root := doc.Content[0]
	if root.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(root.Content); i += 2 {
			if strings.EqualFold(root.Content[i].Value, "accounts") {
				root = root.Content[i+1]
				break
			}
		}
	}
	if root.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(root.Content); i += 2 {
			key, value := root.Content[i], root.Content[i+1]
			if value.Kind != yaml.ScalarNode {
				return fmt.Errorf("line %d: the name of account %q is no text", value.Line, key.Value)
			}
			if err := add(key.Line, key.Value, value.Value); err != nil {
				return err
			}
		}
		return nil
	}
	if root.Kind != yaml.SequenceNode {
		return errors.New("it is neither a group of names by id nor a list of objects with id and name")
	}
	for _, item := range root.Content {
		var id, name string
		for i := 0; item.Kind == yaml.MappingNode && i+1 < len(item.Content); i += 2 {
			switch key := strings.ToLower(item.Content[i].Value); {
			case slices.Contains(idNames, key):
				id = item.Content[i+1].Value
			case slices.Contains(nameNames, key):
				name = item.Content[i+1].Value
			}
		}
		if err := add(item.Line, id, name); err != nil {
			return err
		}
	}
	return nil
}
