package manage

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// maxSources bounds the sources, those in the trash included.
	maxSources = 1000
	// maxOpen bounds the orders that are not done.
	maxOpen = 100
	// maxOrders is how many orders that are done are kept.
	maxOrders = 1000
)

// Options are what a Manager is made of. All but Logger and Now are required.
type Options struct {
	Config Config
	Store  Store
	Engine Engine
	// VaultPath is the file of the secrets, VaultPassword seals it; empty: it keeps them from being seen by accident alone.
	VaultPath, VaultPassword string
	// Lookup gives the variables that sources may name.
	Lookup func(name string) (string, bool)
	// Logger. Nil: silent.
	Logger *slog.Logger
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// Manager takes orders and carries them out. Make it with Open. Safe for concurrent use.
type Manager struct {
	cfg    Config
	store  Store
	engine Engine
	vault  *vault
	lookup func(string) (string, bool)
	log    *slog.Logger
	now    func() time.Time

	wake chan struct{} // there is an order

	mu      sync.Mutex
	sources map[string]*Source // as on disk; what is in it is never changed, but replaced
	jobs    []*job             // by number
	byID    map[string]*job
	number  int64
	stopped bool
	// troubles are why sources that should run do not, by id.
	troubles map[string]string
}

// Open loads what is there. The error says that the store or the vault cannot be read.
func Open(opt Options) (*Manager, error) {
	m := &Manager{
		cfg: opt.Config, store: opt.Store, engine: opt.Engine, lookup: opt.Lookup, log: opt.Logger, now: opt.Now,
		wake: make(chan struct{}, 1), byID: map[string]*job{}, troubles: map[string]string{},
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if m.now == nil {
		m.now = time.Now
	}
	var err error
	if m.vault, err = openVault(opt.VaultPath, opt.VaultPassword); err != nil {
		return nil, err
	}
	if m.sources, m.jobs, err = load(opt.Store); err != nil {
		return nil, fmt.Errorf("loading the sources of the management API: %w", err)
	}
	for _, j := range m.jobs {
		m.byID[j.ID] = j
		m.number = max(m.number, j.Number)
	}
	return m, nil
}

// Sources are those of a place in the order of their making; "*" stands for all places.
func (m *Manager) Sources(place string, trashed bool) []*Source {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := []*Source{}
	for _, s := range m.sources {
		if (place == "*" || s.Place == place) && s.Trashed.IsZero() != trashed {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *Source) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return list
}

// Source gives one; ErrNotFound. place is as for Sources.
func (m *Manager) Source(place, id string) (*Source, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.find(place, id)
}

// find is Source with the lock held.
func (m *Manager) find(place, id string) (*Source, error) {
	s := m.sources[id]
	if s == nil || place != "*" && s.Place != place {
		return nil, fmt.Errorf("source %q: %w", id, ErrNotFound)
	}
	return s, nil
}

// Options of a source as they may be shown.
func (m *Manager) Options(s *Source) map[string]any { return masked(s.Options, s.Secrets) }

// Status of a source.
func (m *Manager) Status(id string) Status {
	st := m.engine.Status(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !st.Running && st.Error == "" {
		st.Error = m.troubles[id]
	}
	return st
}

// Orders are those of a place, the newest first. place is as for Sources.
func (m *Manager) Orders(place string) []Order {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := []Order{}
	for _, j := range slices.Backward(m.jobs) {
		if place == "*" || j.Place == place {
			list = append(list, j.Order)
		}
	}
	return list
}

// Order gives one; ErrNotFound.
func (m *Manager) Order(place, id string) (Order, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.byID[id]
	if j == nil || place != "*" && j.Place != place {
		return Order{}, fmt.Errorf("order %q: %w", id, ErrNotFound)
	}
	return j.Order, nil
}

// Create orders a source. The errors are *InvalidError, *ConflictError, ErrBusy and ErrStopping.
func (m *Manager) Create(d Draft) (Order, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.sources) >= maxSources {
		return Order{}, fmt.Errorf("%w: there are %d sources, those in the trash included; purge some", ErrBusy, len(m.sources))
	}
	now := m.now().UTC()
	return m.accept(Create, &Source{ID: newID(), Created: now, Place: d.Place}, nil, &d)
}

// Edit orders that a source becomes what the draft says. The errors are those of Create, and ErrNotFound.
func (m *Manager) Edit(id string, d Draft) (Order, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, err := m.find(d.Place, id)
	if err != nil {
		return Order{}, err
	}
	if !before.Trashed.IsZero() {
		return Order{}, &ConflictError{"the source is in the trash; restore it first"}
	}
	return m.accept(Edit, &Source{ID: id, Created: before.Created, Place: before.Place}, before, &d)
}

// Delete orders that a source goes to the trash. The errors are ErrNotFound, *ConflictError, ErrBusy and ErrStopping.
func (m *Manager) Delete(place, id string) (Order, error) { return m.move(Delete, place, id) }

// Restore orders that it comes back from the trash. The errors are those of Delete.
func (m *Manager) Restore(place, id string) (Order, error) { return m.move(Restore, place, id) }

// Purge orders that nothing is left of a source that is in the trash: neither secrets nor checkpoints. The errors are those of Delete.
func (m *Manager) Purge(place, id string) (Order, error) { return m.move(Purge, place, id) }

func (m *Manager) move(operation, place, id string) (Order, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.find(place, id)
	if err != nil {
		return Order{}, err
	}
	next := *s
	switch trashed := !s.Trashed.IsZero(); {
	case operation == Delete && trashed:
		return Order{}, &ConflictError{"the source is in the trash already"}
	case operation == Delete:
		next.Trashed = m.now().UTC()
	case !trashed:
		return Order{}, &ConflictError{"the source is not in the trash"}
	case operation == Restore:
		next.Trashed = time.Time{}
	}
	return m.accept(operation, &next, s, nil)
}

// accept judges a request and makes an order of it, which is on disk when it returns. Called with the lock held.
func (m *Manager) accept(operation string, next, before *Source, d *Draft) (Order, error) {
	if m.stopped {
		return Order{}, ErrStopping
	}
	open := 0
	for _, j := range m.jobs {
		if j.ended() {
			continue
		}
		open++
		if j.Source == next.ID {
			return Order{}, &ConflictError{fmt.Sprintf("the order %s (%s) for this source is not done yet; wait for it", j.ID, j.Operation)}
		}
	}
	if open >= maxOpen {
		return Order{}, fmt.Errorf("%w: %d orders are waiting; ask again later", ErrBusy, open)
	}
	j := &job{Number: m.number + 1, Next: next, Order: Order{
		ID: newID(), Operation: operation, Source: next.ID, Place: next.Place, State: Queued, Message: "waits for its turn", Created: m.now().UTC(),
	}}
	if d != nil {
		warnings, err := m.draft(next, before, d)
		if err != nil {
			return Order{}, err
		}
		j.Warnings = warnings
	}
	if operation == Create || operation == Edit || operation == Restore {
		if err := m.nameIsFree(next); err != nil {
			return Order{}, err
		}
	}
	j.Name = next.Name
	if err := m.store.PutAll(change{}.job(j)); err != nil {
		return Order{}, fmt.Errorf("storing the order: %w", err)
	}
	m.number++
	m.jobs, m.byID[j.ID] = append(m.jobs, j), j
	select {
	case m.wake <- struct{}{}:
	default:
	}
	m.log.Info("order taken", "order.id", j.ID, "order.operation", operation, "input.id", j.Source)
	return j.Order, nil
}

// draft makes a source of what somebody wants, and keeps its secrets.
func (m *Manager) draft(next, before *Source, d *Draft) (warnings []string, err error) {
	member := d.Member
	if member == nil {
		member = func(option string) string { return option }
	}
	invalid := func(faults []Fault) error {
		for i := range faults {
			faults[i].Member = member(faults[i].Member)
		}
		return &InvalidError{faults}
	}
	options, faults := nested(d.Options)
	kind, _ := options["type"].(string)
	switch {
	case kind == "":
		faults = append(faults, Fault{"type", fmt.Sprintf("is missing; there are %v", m.cfg.Types)})
	case !slices.Contains(m.cfg.Types, kind):
		faults = append(faults, Fault{"type", fmt.Sprintf("is %q, but sources may be of these types: %v; management.types of the configuration says so", kind, m.cfg.Types)})
	case before != nil && before.Type != kind:
		faults = append(faults, Fault{"type", fmt.Sprintf("is %q, but was %q and cannot be changed: checkpoints of one type are nothing to another; make another source", kind, before.Type)})
	}
	for i, name := range d.Enrichments {
		if _, ok := m.cfg.Enrichments[name]; !ok {
			faults = append(faults, Fault{"enrichments", fmt.Sprintf("%d: there is no %q below management.enrichments of the configuration; there are %v", i, name, slices.Sorted(maps.Keys(m.cfg.Enrichments)))})
		}
	}
	if len(faults) > 0 {
		return nil, invalid(faults)
	}
	rest, found, named, faults := m.split(kind, options, before)
	if len(faults) > 0 {
		return nil, invalid(faults)
	}
	next.Name, next.Type, next.Options, next.Secrets, next.Enrichments = d.Name, kind, rest, named, d.Enrichments
	next.Routing = d.Routing
	next.Body, next.Changed = d.Body, m.now().UTC()
	in, err := m.input(next, found)
	if bad := new(InvalidError); errors.As(err, &bad) {
		return nil, invalid(bad.Faults)
	} else if err != nil {
		return nil, err
	}
	warnings, faults = m.engine.Check(in)
	if len(faults) > 0 {
		return nil, invalid(faults)
	}
	if err := m.nameIsFree(next); err != nil {
		return nil, err
	}
	names, err := m.vault.keep(found)
	if err != nil {
		return nil, err
	}
	for at, name := range names {
		next.Secrets[at] = Secret{Kept: name}
	}
	return append(slices.Clone(d.Warnings), warnings...), nil
}

// nameIsFree looks at the sources, and at those that are ordered. Called with the lock held.
func (m *Manager) nameIsFree(s *Source) error {
	taken := func(other *Source) bool {
		return other != nil && other.ID != s.ID && other.Place == s.Place && other.Name == s.Name && other.Trashed.IsZero()
	}
	for _, other := range m.sources {
		if taken(other) {
			return &ConflictError{fmt.Sprintf("the source %s has the name %q already; edit it, or choose another name", other.ID, s.Name)}
		}
	}
	for _, j := range m.jobs {
		if !j.ended() && taken(j.Next) {
			return &ConflictError{fmt.Sprintf("the order %s makes a source of the name %q already", j.ID, s.Name)}
		}
	}
	return nil
}

// newID makes a random UUID (version 4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Start runs the sources that are there. One that cannot be started is told in its status and in the log, and holds up nothing.
func (m *Manager) Start(ctx context.Context) {
	for _, s := range m.Sources("*", false) {
		if err := m.start(ctx, s); err != nil {
			m.log.Error("a source of the management API cannot be started; the others go on", "input.id", s.ID, "source.name", s.Name, "error.message", err)
		}
	}
}

// start runs one source, and notes why it does not.
func (m *Manager) start(ctx context.Context, s *Source) error {
	in, err := m.input(s, nil)
	if err == nil {
		err = m.engine.Start(ctx, in)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.troubles, s.ID)
	if err != nil {
		m.troubles[s.ID] = err.Error()
	}
	return err
}
