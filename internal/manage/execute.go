package manage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// sweepEvery is how often the trash is looked through.
const sweepEvery = time.Hour

// againAfter is the pause before an order is carried out again that could not be stored.
const againAfter = 10 * time.Second

// Run carries out orders in their turn until ctx ends. One that is then not done is carried out by the next process.
func (m *Manager) Run(ctx context.Context) {
	defer m.stop()
	m.sweep()
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		for j := m.next(); j != nil; j = m.next() {
			if ctx.Err() != nil {
				return
			}
			if err := m.carryOut(ctx, j); err != nil {
				if ctx.Err() != nil || errors.Is(err, ErrStopping) {
					return
				}
				m.log.Error("an order cannot be stored, trying again", "order.id", j.ID, "error.message", err)
				select {
				case <-ctx.Done():
					return
				case <-time.After(againAfter):
				}
				continue
			}
			m.sweep()
		}
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		case <-t.C:
			m.sweep()
		}
	}
}

func (m *Manager) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = true
}

// next is the oldest order that is not done.
func (m *Manager) next() *job {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, j := range m.jobs {
		if !j.ended() {
			return j
		}
	}
	return nil
}

// update changes an order in memory alone. Others read it under the lock.
func (m *Manager) update(fn func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fn()
}

// commit makes changes durable, then visible.
func (m *Manager) commit(j *job, c change, fn func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := *j
	fn()
	if err := m.store.PutAll(c.job(j)); err != nil {
		*j = before
		return err
	}
	for key, v := range c {
		id, isSource := strings.CutPrefix(key, sourceKey)
		if s, ok := v.(*Source); ok {
			m.sources[id] = s
		} else if isSource {
			delete(m.sources, id)
			delete(m.troubles, id)
		}
	}
	return nil
}

// carryOut does what an order says. The error says that its outcome could not be stored, or that the run ends first.
func (m *Manager) carryOut(ctx context.Context, j *job) error {
	m.update(func() { j.State, j.Message = Running, "is carried out" })
	switch j.Operation {
	case Create, Edit, Restore:
		return m.begin(ctx, j)
	case Delete:
		return m.trash(ctx, j)
	case Purge:
		return m.purge(j)
	}
	return m.end(j, Failed, fmt.Sprintf("the operation %q is not known to this version", j.Operation))
}

// end stores the outcome of an order.
func (m *Manager) end(j *job, state, message string, changes ...change) error {
	c := change{}
	for _, more := range changes {
		for k, v := range more {
			c[k] = v
		}
	}
	err := m.commit(j, c, func() {
		j.State, j.Message, j.Finished, j.Next, j.Before = state, message, m.now().UTC(), nil, nil
	})
	if err == nil {
		m.log.Info("order done", "order.id", j.ID, "order.operation", j.Operation, "order.state", state, "input.id", j.Source, "source.name", j.Name, "message.detail", message)
	}
	return err
}

// begin tests a source, stores it, and runs it in place of what ran before.
func (m *Manager) begin(ctx context.Context, j *job) error {
	next, before := j.Next, j.Before
	if !j.Applied {
		in, err := m.input(next, nil)
		if err != nil {
			return m.fail(ctx, j, "the source cannot be tested: "+err.Error())
		}
		ok, err := m.test(ctx, j, in)
		if err != nil {
			return err
		}
		if !ok {
			return m.fail(ctx, j, "the test of the source failed, see its steps; nothing is changed")
		}
		if err := m.engine.Prepare(ctx, in); err != nil {
			return m.fail(ctx, j, "the data streams that its routing names cannot be prepared: "+err.Error())
		}
		m.mu.Lock()
		before = m.sources[next.ID]
		m.mu.Unlock()
		err = m.commit(j, change{}.source(next), func() { j.Before, j.Applied = before, true })
		if err != nil {
			return err
		}
	}
	// Where the process was killed, the source may run already; it is stopped and started again then.
	draining, cancel := context.WithTimeout(ctx, m.cfg.DrainTimeout)
	returned, err := m.engine.Stop(draining, next.ID)
	cancel()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		m.log.Warn("stopping a source", "input.id", next.ID, "error.message", err)
	}
	if returned > 0 {
		m.update(func() {
			j.Warnings = append(j.Warnings, fmt.Sprintf("%d records were not delivered within management.drain_timeout; they are read again", returned))
		})
	}
	if err := m.start(ctx, next); err != nil {
		if ctx.Err() != nil || errors.Is(err, ErrStopping) {
			return errors.Join(ErrStopping, ctx.Err())
		}
		return m.goBack(ctx, j, next, before, err)
	}
	return m.end(j, Succeeded, map[string]string{
		Create:  "the source is tested, stored and read",
		Edit:    "the source is tested, stored and read with its new options from where it was",
		Restore: "the source is out of the trash, and read from where it was",
	}[j.Operation])
}

// goBack undoes what could not be started.
func (m *Manager) goBack(ctx context.Context, j *job, next, before *Source, why error) error {
	message := "the source cannot be started: " + why.Error()
	if before == nil {
		return m.end(j, Failed, message, change{}.noSource(next.ID))
	}
	if err := m.end(j, Failed, message+"; it is as it was", change{}.source(before)); err != nil {
		return err
	}
	if !before.Trashed.IsZero() {
		return nil
	}
	if err := m.start(ctx, before); err != nil {
		m.log.Error("the source as it was cannot be started either", "input.id", before.ID, "error.message", err)
	}
	return nil
}

// fail ends an order that changed nothing.
func (m *Manager) fail(ctx context.Context, j *job, message string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return m.end(j, Failed, message)
}

// test tests a source and notes the steps. The error says that the run ends.
func (m *Manager) test(ctx context.Context, j *job, in Input) (bool, error) {
	m.update(func() { j.Steps = nil })
	testing, cancel := context.WithTimeoutCause(ctx, m.cfg.TestTimeout, fmt.Errorf("management.test_timeout (%s) is over", m.cfg.TestTimeout))
	defer cancel()
	ok := m.engine.Test(testing, in, func(s Step) {
		m.update(func() { j.Steps = append(j.Steps, s) })
	})
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if ok && testing.Err() != nil {
		ok = false
		m.update(func() {
			j.Steps = append(j.Steps, Step{Name: "end", State: Failed, Detail: context.Cause(testing).Error()})
		})
	}
	return ok, nil
}

// trash drains a source and puts it into the trash.
func (m *Manager) trash(ctx context.Context, j *job) error {
	next := j.Next
	draining, cancel := context.WithTimeout(ctx, m.cfg.DrainTimeout)
	returned, err := m.engine.Stop(draining, next.ID)
	cancel()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		m.update(func() { j.Warnings = append(j.Warnings, "closing the source: "+err.Error()) })
	}
	if returned == 0 {
		if err := m.end(j, Succeeded, "what was read is delivered, and the source is in the trash", change{}.source(next)); err != nil {
			return err
		}
		m.update(func() { delete(m.troubles, next.ID) })
		return nil
	}
	message := fmt.Sprintf("%d records could not be delivered within management.drain_timeout (%s); the source goes on, and reads them again", returned, m.cfg.DrainTimeout)
	m.mu.Lock()
	before := m.sources[next.ID]
	m.mu.Unlock()
	if err := m.start(ctx, before); err != nil {
		if ctx.Err() != nil || errors.Is(err, ErrStopping) {
			return errors.Join(ErrStopping, ctx.Err())
		}
		message += ", which failed: " + err.Error()
	}
	return m.end(j, Failed, message)
}

// purge forgets a source that is in the trash.
func (m *Manager) purge(j *job) error {
	if err := m.engine.Forget(j.Source); err != nil {
		return m.end(j, Failed, "its checkpoints cannot be removed: "+err.Error())
	}
	return m.end(j, Succeeded, "nothing is left of the source", change{}.noSource(j.Source))
}

// sweep purges what was in the trash for long enough, and forgets old orders and secrets that nobody names.
func (m *Manager) sweep() {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := change{}
	var old []string
	if keep := m.cfg.TrashRetention; keep > 0 {
		for id, s := range m.sources {
			if !s.Trashed.IsZero() && m.now().Sub(s.Trashed) > keep && !m.pending(id) {
				if err := m.engine.Forget(id); err != nil {
					m.log.Warn("removing the checkpoints of a source in the trash", "input.id", id, "error.message", err)
					continue
				}
				old = append(old, id)
				c.noSource(id)
			}
		}
	}
	var kept []*job
	done := 0
	for i := len(m.jobs) - 1; i >= 0; i-- {
		j := m.jobs[i]
		if j.ended() {
			if done++; done > maxOrders {
				c.noJob(j.ID)
				continue
			}
		}
		kept = append(kept, j)
	}
	if len(c) > 0 {
		if err := m.store.PutAll(c); err != nil {
			m.log.Warn("sweeping the trash of the management API", "error.message", err)
			return
		}
		for _, id := range old {
			delete(m.sources, id)
		}
		m.jobs, m.byID = nil, map[string]*job{}
		for i := len(kept) - 1; i >= 0; i-- {
			m.jobs, m.byID[kept[i].ID] = append(m.jobs, kept[i]), kept[i]
		}
	}
	if err := m.vault.retain(m.named()); err != nil {
		m.log.Warn("removing secrets that are not used any more", "error.message", err)
	}
}

// pending reports whether an order for a source is not done. Called with the lock held.
func (m *Manager) pending(id string) bool {
	for _, j := range m.jobs {
		if j.Source == id && !j.ended() {
			return true
		}
	}
	return false
}

// named are the secrets that sources and open orders name. Called with the lock held.
func (m *Manager) named() map[string]bool {
	used := map[string]bool{}
	note := func(s *Source) {
		if s == nil {
			return
		}
		for _, secret := range s.Secrets {
			if secret.Kept != "" {
				used[secret.Kept] = true
			}
		}
	}
	for _, s := range m.sources {
		note(s)
	}
	for _, j := range m.jobs {
		note(j.Next)
		note(j.Before)
	}
	return used
}
