package manage

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/registry"
)

// fakeEngine notes what it is asked for.
type fakeEngine struct {
	mu      sync.Mutex
	notes   []string
	running map[string]Input
	tests   []Input
	// fail makes a step fail by its name: test, prepare, start, forget.
	fail map[string]error
	// at is called with each step, before it is taken. Nil: nobody is.
	at       func(step string)
	returned int64
}

func (e *fakeEngine) step(name, id string) error {
	if e.at != nil {
		e.at(name)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.notes = append(e.notes, name+" "+id[:4])
	return e.fail[name]
}

func (e *fakeEngine) IsSecret(_, option string) bool { return option == "secret_access_key" }

func (e *fakeEngine) Check(in Input) ([]string, []Fault) {
	if in.Options["bad"] != nil {
		return nil, []Fault{{"bad", "is not known"}}
	}
	return []string{"look at this"}, nil
}

func (e *fakeEngine) Test(_ context.Context, in Input, report func(Step)) bool {
	e.mu.Lock()
	e.tests = append(e.tests, in)
	e.mu.Unlock()
	err := e.step("test", in.ID)
	s := Step{Name: "look", State: "ok"}
	if err != nil {
		s.State, s.Detail = Failed, err.Error()
	}
	report(s)
	return err == nil
}

func (e *fakeEngine) Prepare(_ context.Context, in Input) error { return e.step("prepare", in.ID) }

func (e *fakeEngine) Start(_ context.Context, in Input) error {
	if err := e.step("start", in.ID); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running[in.ID] = in
	return nil
}

func (e *fakeEngine) Stop(_ context.Context, id string) (int64, error) {
	if err := e.step("stop", id); err != nil {
		return 0, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.running, id)
	return e.returned, nil
}

func (e *fakeEngine) Forget(id string) error { return e.step("forget", id) }

func (e *fakeEngine) Status(id string) Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.running[id]
	return Status{Running: ok, Reading: ok}
}

// steps gives what was done since it was asked last, without ids.
func (e *fakeEngine) steps() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []string
	for _, n := range e.notes {
		name, _, _ := strings.Cut(n, " ")
		list = append(list, name)
	}
	e.notes = nil
	return strings.Join(list, " ")
}

// bench is a manager over a registry that outlives it.
type bench struct {
	*Manager
	t      *testing.T
	dir    string
	engine *fakeEngine
	store  *failingStore
	now    time.Time
	end    func()
}

// failingStore fails where it is told to, as a full disk does.
type failingStore struct {
	Store
	mu  sync.Mutex
	err error
}

func (s *failingStore) PutAll(values map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	return s.Store.PutAll(values)
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)}
	b.open()
	t.Cleanup(func() { b.end() })
	return b
}

// open is a process that begins. The one before was ended by end, or was killed.
func (b *bench) open() {
	b.t.Helper()
	reg, err := registry.Open(filepath.Join(b.dir, "registry.db"))
	require.NoError(b.t, err)
	b.engine = &fakeEngine{running: map[string]Input{}, fail: map[string]error{}}
	b.store = &failingStore{Store: reg.Input("management").(Store)}
	cfg := DefaultConfig()
	cfg.References = []string{"REFERRED"}
	cfg.Enrichments = map[string]Enrichment{"team": {Processors: []*config.Section{}}}
	b.Manager, err = Open(Options{
		Config: cfg, Store: b.store, Engine: b.engine, VaultPath: filepath.Join(b.dir, "vault"), Now: func() time.Time { return b.now },
		Lookup: func(name string) (string, bool) { return "value of " + name, name == "REFERRED" },
	})
	require.NoError(b.t, err)
	b.end = func() { require.NoError(b.t, reg.Close()) }
}

// run carries out orders until fn returns.
func (b *bench) run(fn func()) {
	b.t.Helper()
	ctx, stop := context.WithCancel(b.t.Context())
	var done sync.WaitGroup
	done.Go(func() { b.Manager.Run(ctx) })
	fn()
	stop()
	done.Wait()
	b.stopped = false
}

// outcome waits for the end of an order.
func (b *bench) outcome(o Order, err error) Order {
	b.t.Helper()
	require.NoError(b.t, err)
	b.run(func() {
		require.Eventually(b.t, func() bool {
			o, err = b.Order("*", o.ID)
			require.NoError(b.t, err)
			return o.ended()
		}, time.Minute, time.Millisecond)
	})
	return o
}

func draft(name string) Draft {
	return Draft{Name: name, Options: map[string]any{"type": "aws-s3", "bucket": "one", "secret_access_key": "hush-hush"}}
}

func (b *bench) made(name string) Order {
	b.t.Helper()
	o := b.outcome(b.Create(draft(name)))
	require.Equal(b.t, Succeeded, o.State, o.Message)
	b.engine.steps()
	return o
}

// files holds all that is on disk.
func (b *bench) files() string {
	var all strings.Builder
	list, err := os.ReadDir(b.dir)
	require.NoError(b.t, err)
	for _, f := range list {
		data, err := os.ReadFile(filepath.Join(b.dir, f.Name()))
		require.NoError(b.t, err)
		all.Write(data)
	}
	return all.String()
}

func TestLifeOfASource(t *testing.T) {
	b := newBench(t)
	o := b.outcome(b.Create(draft("trail")))
	assert.Equal(t, Succeeded, o.State)
	assert.Equal(t, []string{"look at this"}, o.Warnings)
	assert.Equal(t, []Step{{Name: "look", State: "ok"}}, o.Steps)
	assert.Equal(t, "test prepare stop start", b.engine.steps())
	assert.Equal(t, "hush-hush", b.engine.running[o.Source].Options["secret_access_key"])

	s, err := b.Source("", o.Source)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"type": "aws-s3", "bucket": "one", "secret_access_key": Masked}, b.Options(s))

	change := draft("trail")
	change.Options["bucket"], change.Options["secret_access_key"] = "two", Masked
	o = b.outcome(b.Edit(s.ID, change))
	assert.Equal(t, Succeeded, o.State)
	assert.Equal(t, "test prepare stop start", b.engine.steps())
	assert.Equal(t, "two", b.engine.running[s.ID].Options["bucket"])
	assert.Equal(t, "hush-hush", b.engine.running[s.ID].Options["secret_access_key"], "the secret that was there")

	o = b.outcome(b.Delete("", s.ID))
	assert.Equal(t, Succeeded, o.State)
	assert.Equal(t, "stop", b.engine.steps())
	assert.Empty(t, b.Sources("*", false))
	assert.Len(t, b.Sources("*", true), 1)
	_, err = b.Edit(s.ID, change)
	require.ErrorContains(t, err, "in the trash")

	o = b.outcome(b.Restore("", s.ID))
	assert.Equal(t, Succeeded, o.State)
	assert.Equal(t, "test prepare stop start", b.engine.steps())
	assert.Equal(t, "hush-hush", b.engine.running[s.ID].Options["secret_access_key"])

	_, err = b.Purge("", s.ID)
	require.ErrorContains(t, err, "not in the trash")
	b.outcome(b.Delete("", s.ID))
	o = b.outcome(b.Purge("", s.ID))
	assert.Equal(t, Succeeded, o.State)
	assert.Empty(t, b.Sources("*", true))
	assert.Empty(t, b.vault.store.Names())
	assert.Len(t, b.Orders(""), 6)
	assert.NotContains(t, b.files(), "hush-hush")
}

func TestWhatFailsChangesNothing(t *testing.T) {
	for _, step := range []string{"test", "prepare", "start"} {
		t.Run(step, func(t *testing.T) {
			b := newBench(t)
			b.engine.fail[step] = errors.New("no such bucket")
			o := b.outcome(b.Create(draft("trail")))
			assert.Equal(t, Failed, o.State)
			assert.Empty(t, b.Sources("*", false))
			text, _ := json.Marshal(o)
			assert.Contains(t, string(text), "no such bucket")
			assert.Empty(t, b.vault.store.Names(), "its secret is forgotten")

			b.engine.fail = map[string]error{}
			id := b.made("trail").Source
			b.engine.fail[step] = errors.New("no such bucket")
			change := draft("changed")
			o = b.outcome(b.Edit(id, change))
			assert.Equal(t, Failed, o.State)
			s, err := b.Source("", id)
			require.NoError(t, err)
			assert.Equal(t, "trail", s.Name)
			if step != "start" { // that fails for the one before too, here
				assert.Contains(t, b.engine.running, id)
			}
			b.end()
			b.open()
			s, err = b.Source("", id)
			require.NoError(t, err)
			assert.Equal(t, "trail", s.Name, "after a restart too")
		})
	}
}

func TestEditThatCannotStartGoesBack(t *testing.T) {
	b := newBench(t)
	id := b.made("trail").Source
	tries := 0
	b.engine.at = func(step string) {
		if step != "start" {
			return
		}
		tries++
		b.engine.mu.Lock()
		defer b.engine.mu.Unlock()
		delete(b.engine.fail, "start")
		if tries == 1 {
			b.engine.fail["start"] = errors.New("no such disk")
		}
	}
	change := draft("changed")
	change.Options["bucket"] = "two"
	o := b.outcome(b.Edit(id, change))
	assert.Equal(t, Failed, o.State)
	assert.Contains(t, o.Message, "no such disk; it is as it was")
	assert.Equal(t, "one", b.engine.running[id].Options["bucket"])
}

// What could not be delivered in time is not lost: an edit reads it again, and a deletion does not happen.
func TestDrainThatTakesTooLong(t *testing.T) {
	b := newBench(t)
	id := b.made("trail").Source
	b.engine.returned = 7
	o := b.outcome(b.Edit(id, draft("trail")))
	assert.Equal(t, Succeeded, o.State)
	assert.Contains(t, strings.Join(o.Warnings, " "), "7 records were not delivered")
	o = b.outcome(b.Delete("", id))
	assert.Equal(t, Failed, o.State)
	assert.Contains(t, o.Message, "the source goes on")
	assert.Contains(t, b.engine.running, id)
	assert.Len(t, b.Sources("*", false), 1)
}

// A process that is killed at any step carries out the order at its next start, as if nothing had been.
func TestKilledAtAnyStep(t *testing.T) {
	orders := map[string]func(b *bench, id string) (Order, error){
		Create: func(b *bench, _ string) (Order, error) { return b.Create(draft("another")) },
		Edit: func(b *bench, id string) (Order, error) {
			d := draft("trail")
			d.Options["bucket"] = "two"
			return b.Edit(id, d)
		},
		Delete: func(b *bench, id string) (Order, error) { return b.Delete("", id) },
	}
	for name, ask := range orders {
		for _, step := range []string{"test", "prepare", "stop", "start"} {
			if name == Delete && step != "stop" {
				continue
			}
			t.Run(name+" "+step, func(t *testing.T) {
				b := newBench(t)
				id := b.made("trail").Source
				b.engine.at = func(at string) {
					if at == step {
						b.store.mu.Lock()
						defer b.store.mu.Unlock()
						b.store.err = errors.New("the process is dead")
					}
				}
				o, err := ask(b, id)
				require.NoError(t, err)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				b.engine.at = func(then func(string)) func(string) {
					return func(at string) {
						then(at)
						if at == step {
							stop() // the order is not carried out again in this life
						}
					}
				}(b.engine.at)
				b.Manager.Run(ctx)
				b.end()

				b.open()
				found, err := b.Order("", o.ID)
				require.NoError(t, err)
				require.False(t, found.ended())
				b.Start(t.Context())
				o = b.outcome(found, nil)
				require.Equal(t, Succeeded, o.State, o.Message)
				switch name {
				case Create:
					assert.Len(t, b.engine.running, 2)
					assert.Equal(t, "hush-hush", b.engine.running[o.Source].Options["secret_access_key"])
				case Edit:
					assert.Equal(t, "two", b.engine.running[id].Options["bucket"])
				case Delete:
					assert.Empty(t, b.engine.running)
					assert.Len(t, b.Sources("*", true), 1)
				}
			})
		}
	}
}

func TestOutcomesAndSourcesOutliveTheProcess(t *testing.T) {
	b := newBench(t)
	first := b.made("trail")
	b.engine.fail["test"] = errors.New("access denied")
	second := b.outcome(b.Create(draft("closed")))
	before := []Order{second, first}
	b.end()
	b.open()
	assert.Equal(t, before, b.Orders("*"))
	b.Start(t.Context())
	assert.Equal(t, []string{first.Source}, slices.Collect(maps.Keys(b.engine.running)))
	assert.Equal(t, "hush-hush", b.engine.running[first.Source].Options["secret_access_key"])
}

// A source that cannot be started says why, and holds up nothing.
func TestSourceThatDoesNotStart(t *testing.T) {
	b := newBench(t)
	id := b.made("trail").Source
	b.end()
	b.open()
	b.engine.fail["start"] = errors.New("no such disk")
	b.Start(t.Context())
	assert.Equal(t, Status{Error: "no such disk"}, b.Status(id))
	b.engine.fail = map[string]error{}
	o := b.outcome(b.Edit(id, draft("trail")))
	assert.Equal(t, Succeeded, o.State)
	assert.Equal(t, Status{Running: true, Reading: true}, b.Status(id))
}

func TestRequestsThatAreRefused(t *testing.T) {
	b := newBench(t)
	made := b.made("trail")
	with := func(change func(*Draft)) Draft {
		d := draft("other")
		change(&d)
		return d
	}
	for _, c := range []struct {
		name string
		d    Draft
		want string
	}{
		{"a type that is not allowed", with(func(d *Draft) { d.Options["type"] = "file" }), `type: is "file", but sources may be of these types`},
		{"no type", with(func(d *Draft) { delete(d.Options, "type") }), "type: is missing"},
		{"what the engine refuses", with(func(d *Draft) { d.Options["bad"] = true }), "bad: is not known"},
		{"an enrichment that is not there", with(func(d *Draft) { d.Enrichments = []string{"x"} }), `there is no "x" below management.enrichments of the configuration; there are [team]`},
		{"a variable that is not listed", with(func(d *Draft) { d.Options["secret_access_key"] = "${HOME}" }), "names the variable HOME, which is not listed"},
		{"a text around a variable", with(func(d *Draft) { d.Options["secret_access_key"] = "a${REFERRED}" }), "holds ${ within a text"},
		{"a secret that was not there", with(func(d *Draft) { d.Options["secret_access_key"] = Masked }), "and there is none"},
		{"set twice", with(func(d *Draft) { d.Options["a.b"], d.Options["a"] = 1, map[string]any{"b": 2} }), "is set twice"},
		{"a name without parts", with(func(d *Draft) { d.Options["a..b"] = 1 }), "must not be empty"},
		{"a name that is taken", draft("trail"), "has the name"},
	} {
		_, err := b.Create(c.d)
		require.ErrorContains(t, err, c.want, c.name)
	}
	d := draft("trail")
	d.Options["type"] = "aws-cloudwatch"
	_, err := b.Edit(made.Source, d)
	require.ErrorContains(t, err, "cannot be changed")
	for _, place := range []string{"elsewhere", ""} {
		_, err = b.Delete(place, map[string]string{"": "nobody", "elsewhere": made.Source}[place])
		require.ErrorIs(t, err, ErrNotFound)
	}
	assert.Empty(t, b.engine.steps(), "nothing was touched")
	assert.Len(t, b.vault.store.Names(), 1)

	o, err := b.Edit(made.Source, draft("trail"))
	require.NoError(t, err)
	_, err = b.Delete("", made.Source)
	require.ErrorContains(t, err, "is not done yet")
	b.outcome(o, nil)

	elsewhere := draft("trail")
	elsewhere.Place = "elsewhere"
	assert.Equal(t, Succeeded, b.outcome(b.Create(elsewhere)).State, "names belong to a place")
	assert.Len(t, b.Sources("", false), 1)
	assert.Len(t, b.Sources("*", false), 2)
}

func TestReferences(t *testing.T) {
	b := newBench(t)
	d := draft("trail")
	d.Options["secret_access_key"] = "${REFERRED}"
	o := b.outcome(b.Create(d))
	assert.Equal(t, "value of REFERRED", b.engine.running[o.Source].Options["secret_access_key"])
	s, err := b.Source("", o.Source)
	require.NoError(t, err)
	assert.Equal(t, "${REFERRED}", b.Options(s)["secret_access_key"], "a name is no secret")
	assert.NotContains(t, b.files(), "value of REFERRED")
}

func TestTrashIsSweptAndOrdersAreForgotten(t *testing.T) {
	b := newBench(t)
	id := b.made("trail").Source
	b.outcome(b.Delete("", id))
	b.now = b.now.Add(29 * 24 * time.Hour)
	b.sweep()
	assert.Len(t, b.Sources("*", true), 1)
	b.now = b.now.Add(2 * 24 * time.Hour)
	b.engine.steps()
	b.sweep()
	assert.Empty(t, b.Sources("*", true))
	assert.Equal(t, "forget", b.engine.steps())
	assert.Empty(t, b.vault.store.Names())

	for n := range int64(maxOrders) {
		j := &job{Number: 100 + n, Order: Order{ID: newID(), State: Failed}}
		b.jobs, b.byID[j.ID] = append(b.jobs, j), j
	}
	b.sweep()
	assert.Len(t, b.Orders("*"), maxOrders)
	_, err := b.Order("*", b.jobs[0].ID)
	require.NoError(t, err)
	b.end()
	b.open()
	assert.Empty(t, b.Orders("*"), "the two of the beginning are gone from the disk")
}

func TestSecretsInListsAndGroups(t *testing.T) {
	b := newBench(t)
	d := draft("trail")
	d.Options["processors"] = []any{map[string]any{"redact_fields": map[string]any{"fields": []any{"user.email"}, "secret_key": "pepper-pot"}}}
	d.Options["ssl.key_passphrase"] = "open-sesame"
	o := b.outcome(b.Create(d))
	require.Equal(t, Succeeded, o.State)
	got := b.engine.running[o.Source].Options
	assert.Equal(t, "pepper-pot", got["processors"].([]any)[0].(map[string]any)["redact_fields"].(map[string]any)["secret_key"])
	assert.Equal(t, "open-sesame", got["ssl"].(map[string]any)["key_passphrase"])
	s, err := b.Source("", o.Source)
	require.NoError(t, err)
	text, err := json.Marshal(b.Options(s))
	require.NoError(t, err)
	for _, secret := range []string{"pepper-pot", "open-sesame", "hush-hush"} {
		assert.NotContains(t, string(text), secret)
		assert.NotContains(t, b.files(), secret)
	}
}

func TestWholeNumber(t *testing.T) {
	for text, want := range map[string]string{"5": "5", "5.0": "5", "5e1": "50", "5.5": "5.5", "x": "x", "1e300": "1e300", "-2.0": "-2"} {
		assert.Equal(t, want, WholeNumber(text))
	}
}

func TestConfig(t *testing.T) {
	c := DefaultConfig()
	require.NoError(t, c.Validate())
	c.Enabled = true
	require.ErrorContains(t, c.Validate(), "token: is missing")
	c.Token, c.References, c.DrainTimeout, c.TrashRetention = "short", []string{"${X}"}, 0, -1
	for _, want := range []string{"token: has 5 characters", "references.0: must be a name", "drain_timeout: must be > 0", "trash_retention: must be >= 0"} {
		require.ErrorContains(t, c.Validate(), want)
	}
}
