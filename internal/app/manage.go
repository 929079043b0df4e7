package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/manage"
	"github.com/trailbeat/trailbeat/internal/manage/api"
	"github.com/trailbeat/trailbeat/internal/registry"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/pipeline/processor"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

const (
	// managedState is where the registry keeps the sources and orders of the management API.
	managedState = ".management"
	// managedVault is the keystore of their secrets, below path.data.
	managedVault = "management.keystore"
)

// newManageHandler makes what answers the management API; nil where it is off.
func (s *settings) newManageHandler(r *wiring, job shipment) (*api.Handler, error) {
	if !s.Management.Enabled || !job.managed || job.once {
		return nil, nil
	}
	return api.New(api.Options{Token: s.Management.Token, Outputs: s.outputNames(), Enrichments: names(s.Management.Enrichments), Version: Version(), Logger: r.log})
}

// management runs the sources of the management API. Nil: there are none.
type management struct {
	engine  *manageEngine
	manager *manage.Manager
	handler *api.Handler
}

// openManagement loads the sources. With once they are opened at once, and are among the sources of the run.
func (s *settings) openManagement(ctx context.Context, r *wiring, w *watch, components Components, job shipment) (*management, error) {
	if !s.Management.Enabled || !job.managed {
		return nil, nil
	}
	store, err := r.store(managedState)
	if err != nil {
		return nil, err
	}
	m := &management{engine: &manageEngine{s: s, r: r, w: w, components: components}}
	if w != nil {
		m.handler = w.manage
	}
	m.manager, err = manage.Open(manage.Options{
		Config: s.Management, Store: store.(manage.Store), Engine: m.engine, Logger: r.log, Lookup: s.manageLookup,
		VaultPath: filepath.Join(s.Path.Data, managedVault), VaultPassword: os.Getenv(keystorePassword),
	})
	if err != nil {
		return nil, passwordHint(err)
	}
	if job.once {
		m.manager.Start(ctx)
	}
	return m, nil
}

// manageLookup gives a variable that a source names.
func (s *settings) manageLookup(name string) (string, bool) {
	variables, err := secrets(s.Keystore.Path)
	if err != nil {
		return "", false
	}
	return variables(name)
}

// sources are those that are read once.
func (m *management) sources() []shipper.Source {
	if m == nil {
		return nil
	}
	return m.engine.collected
}

// run starts the sources and carries out orders until the function that it gives is called.
func (m *management) run(ctx context.Context, flow *shipper.Shipper) (end func()) {
	if m == nil || m.handler == nil {
		return func() {}
	}
	m.engine.flow = flow
	ctx, cancel := context.WithCancel(ctx)
	m.manager.Start(ctx)
	var done sync.WaitGroup
	done.Go(func() { m.manager.Run(ctx) })
	m.handler.Serve(m.manager)
	return func() {
		m.handler.Serve(nil)
		cancel()
		done.Wait()
	}
}

// manageEngine is the engine of the manager.
type manageEngine struct {
	s          *settings
	r          *wiring
	w          *watch
	components Components
	// flow is what sources become part of. Nil: they are collected.
	flow      *shipper.Shipper
	collected []shipper.Source
}

// perils are options that let a source read files of this machine, by the types of inputs that have them, and by processors.
var perils = []string{"shared_credential_file", "web_identity.token_file", "add_account_names.path"}

// maxManagedWorkers bounds what a request can make the process hold in memory.
const maxManagedWorkers = 64

// Check implements manage.Engine.
func (e *manageEngine) Check(in manage.Input) (warnings []string, faults []manage.Fault) {
	for _, name := range []string{"id", "enabled"} {
		if _, there := in.Options[name]; there {
			faults = append(faults, manage.Fault{Member: name, Message: "cannot be set: the id is given by the API, and a source that is not to run is deleted, and restored later"})
		}
	}
	eachOption(in.Options, "", func(at string) {
		for _, peril := range perils {
			if at == peril || strings.HasSuffix(at, "."+peril) {
				faults = append(faults, manage.Fault{Member: at, Message: "cannot be set here, as it names a file of this machine; the configuration file can, and management.enrichments for processors"})
			}
		}
	})
	if n, ok := in.Options["number_of_workers"].(json.Number); ok {
		if most, err := n.Int64(); err != nil || most > maxManagedWorkers {
			faults = append(faults, manage.Fault{Member: "number_of_workers", Message: fmt.Sprintf("must be a whole number of %d at most here", maxManagedWorkers)})
		}
	}
	kind, _ := in.Options["type"].(string)
	if _, known := e.components.Inputs[kind]; known {
		faults = append(faults, wrongTypes("", e.inputOptions(kind), in.Options)...)
	}
	faults = append(faults, wrongTypes("routing", config.Describe(&routing.Config{}), in.Routing)...)
	_, warnings, more := e.resolve(in)
	for _, f := range more {
		if !slices.ContainsFunc(faults, func(o manage.Fault) bool { return o.Member == f.Member }) {
			faults = append(faults, f)
		}
	}
	return warnings, faults
}

// eachOption calls fn with the dotted name of each member below v; elements of lists have no part in it.
func eachOption(v any, at string, fn func(at string)) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			full := strings.TrimPrefix(at+"."+name, ".")
			fn(full)
			eachOption(member, full, fn)
		}
	case []any:
		for _, item := range v {
			eachOption(item, at, fn)
		}
	}
}

// resolve makes an input of a source, as if it stood in the configuration.
func (e *manageEngine) resolve(in manage.Input) (*inputSetting, []string, []manage.Fault) {
	const group = "trailbeat.inputs.0"
	options := literal(in.Options).(map[string]any)
	options["id"] = in.ID
	tree, err := asConfig(map[string]any{"trailbeat": map[string]any{"inputs": []any{options}}})
	var faults config.Errors
	if err != nil && !errors.As(err, &faults) {
		return nil, nil, []manage.Fault{{Message: err.Error()}}
	}
	var s *settings
	if err == nil {
		s, faults = inspect(tree, e.components)
	}
	tell := func(path string) string {
		return strings.TrimPrefix(strings.TrimPrefix(path, group), ".")
	}
	if len(faults) > 0 || s == nil || len(s.inputs) != 1 {
		list := []manage.Fault{}
		for _, f := range faults {
			list = append(list, manage.Fault{Member: tell(f.Path), Message: f.Message})
		}
		if len(list) == 0 {
			list = append(list, manage.Fault{Message: "makes no input"})
		}
		return nil, nil, list
	}
	var warnings []string
	for _, w := range s.warnings {
		warnings = append(warnings, tell(w.Path)+" has no effect: "+w.Message)
	}
	for _, w := range s.notes {
		warnings = append(warnings, tell(w.Path)+": "+w.Message)
	}
	found := &s.inputs[0]
	found.processors = append(addFields(e.s.Fields, e.s.FieldsUnderRoot), found.processors...)
	for _, name := range in.Enrichments {
		found.processors = append(found.processors, e.s.enrichments[name]...)
	}
	var more []string
	found.routing, more, faults = e.routing(in)
	if len(faults) > 0 {
		list := []manage.Fault{}
		for _, f := range faults {
			list = append(list, manage.Fault{Member: f.Path, Message: f.Message})
		}
		return nil, nil, list
	}
	return found, append(warnings, more...), nil
}

// asConfig makes a configuration of what came as JSON. It has no variables.
func asConfig(v map[string]any) (*config.Tree, error) {
	data, err := json.Marshal(v) // JSON is YAML, but for characters that YAML wants to be escaped
	if err != nil {
		return nil, fmt.Errorf("writing the options: %w", err)
	}
	var text bytes.Buffer
	for _, c := range string(data) {
		switch {
		case c < 0x7f:
			text.WriteRune(c)
		case c <= 0xffff:
			fmt.Fprintf(&text, `\u%04x`, c)
		default:
			fmt.Fprintf(&text, `\U%08x`, c)
		}
	}
	none := func(string) (string, bool) { return "", false }
	return config.Load([]config.Source{{Name: "source", Data: text.Bytes()}}, config.Options{Lookup: none})
}

// literal keeps texts from being taken for variables.
func literal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = literal(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = literal(v[i])
		}
		return out
	case string:
		return strings.ReplaceAll(v, "${", "$${")
	}
	return v
}

// open is resolve for a source that was good once.
func (e *manageEngine) open(in manage.Input) (*inputSetting, error) {
	found, _, faults := e.resolve(in)
	if len(faults) > 0 {
		return nil, &manage.InvalidError{Faults: faults}
	}
	return found, nil
}

// Test implements manage.Engine.
func (e *manageEngine) Test(ctx context.Context, in manage.Input, report func(manage.Step)) bool {
	found, err := e.open(in)
	if err != nil {
		report(manage.Step{Name: "options", State: stepFailed, Detail: err.Error()})
		return false
	}
	var memory registry.Memory
	ok := true
	env := InputEnv{ID: in.ID, Store: memory.Input(in.ID), Stdin: bytes.NewReader(nil), Once: true, Logger: e.r.log.With("input.id", in.ID)}
	testInput(ctx, found, env, func(step Step) {
		one := reportStep(step)
		ok = ok && step.Err == nil
		if one.Error != "" {
			one.Detail = one.Error
		}
		report(manage.Step{Name: one.Name, State: one.State, Detail: one.Detail})
	})
	return ok
}

// Start implements manage.Engine.
func (e *manageEngine) Start(ctx context.Context, in manage.Input) error {
	found, err := e.open(in)
	if err != nil {
		return err
	}
	source, err := e.s.openInput(ctx, e.r, found)
	if err != nil {
		return fmt.Errorf("opening it: %w", err)
	}
	if e.flow == nil {
		e.collected = append(e.collected, source)
		return nil
	}
	if err := e.flow.Add(source); err != nil {
		err = errors.Join(err, source.Input.Close())
		if errors.Is(err, shipper.ErrEnded) {
			return fmt.Errorf("%w (%w)", manage.ErrStopping, err)
		}
		return err
	}
	e.w.join(&source)
	return nil
}

// Stop implements manage.Engine.
func (e *manageEngine) Stop(ctx context.Context, id string) (int64, error) {
	returned, err := e.flow.Remove(ctx, id)
	if errors.Is(err, shipper.ErrNoSource) {
		return 0, nil
	}
	e.w.leave(id)
	return returned, err
}

// Forget implements manage.Engine.
func (e *manageEngine) Forget(id string) error {
	_, err := e.r.registry.Clear(id)
	return err
}

// Status implements manage.Engine.
func (e *manageEngine) Status(id string) manage.Status {
	if e.flow == nil {
		return manage.Status{}
	}
	var st manage.Status
	var fault error
	st.Running, st.Reading, fault = e.flow.Health(id)
	if fault != nil {
		st.Error = fault.Error()
	}
	for _, in := range e.flow.Accounting().Snapshot().Inputs {
		if in.ID == id {
			st.Received, st.Indexed, st.Duplicate, st.Filtered = in.Received, in.Indexed, in.Duplicate, in.Filtered
			st.DeadLettered, st.InFlight, st.Returned, st.ReadErrors = in.DeadLettered, in.InFlight, in.Returned, in.ReadErrors
		}
	}
	return st
}

// IsSecret implements manage.Engine.
func (e *manageEngine) IsSecret(kind, option string) bool {
	in, known := e.components.Inputs[kind]
	if !known {
		return false
	}
	if secretOption(in.Config(), option) {
		return true
	}
	return slices.ContainsFunc(in.Variants, func(v Variant) bool { return secretOption(v.Input.Config(), option) })
}

// secretOption reports whether a struct says of an option that it is secret.
func secretOption(options any, name string) bool {
	at := config.Describe(options)
	for part := range strings.SplitSeq(name, ".") {
		for at.Element != nil {
			at = *at.Element
		}
		i := slices.IndexFunc(at.Options, func(o config.Option) bool { return o.Name == part })
		if i < 0 {
			return false
		}
		at = at.Options[i]
	}
	return at.Secret || at.Element != nil && at.Element.Secret
}

// resolveEnrichments reads the processors that sources of the management API may name.
func (s *settings) resolveEnrichments(r *processorReader) {
	s.enrichments = map[string][]processor.Spec{}
	for _, name := range names(s.Management.Enrichments) {
		s.enrichments[name] = r.list(s.Management.Enrichments[name].Processors, false)
	}
}
