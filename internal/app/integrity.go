package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input/trailstore"
	"github.com/trailbeat/trailbeat/internal/audit"
	"github.com/trailbeat/trailbeat/internal/integrity"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/verify"
)

// integrityFile keeps, below path.data, what was looked at.
const integrityFile = "integrity.json"

// watchIntegrity looks at the past while a run goes on, if the configuration wants it. What it returns waits for the end of that, which
// comes with that of ctx. A fault of it never ends the run.
func (a *app) watchIntegrity(ctx context.Context, s *settings, r *wiring, job shipment, w *watch) (settle func()) {
	if !s.Integrity.Enabled || !job.watched || job.once {
		return func() {}
	}
	c := &integrityChecks{a: a, s: s, run: r}
	write := c.write
	if s.output.kind.Notes == nil && s.Integrity.DataStream != "" {
		r.log.Warn("integrity writes no documents, as the output has no data streams; the page and the metrics have what it finds", "output", s.output.name)
		write = nil
	}
	checker, err := integrity.New(integrity.Options{
		Config: s.Integrity, Checks: c.all(), Write: write, State: filepath.Join(s.Path.Data, integrityFile), Logger: r.log,
	})
	if err != nil {
		r.log.Error("the integrity of the past is not checked", "error.message", err)
		return func() {}
	}
	w.integrity(func() *api.Integrity { return integrityStatus(checker.Status()) })
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { checker.Run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// integrityChecks are the checks of a configuration.
type integrityChecks struct {
	a   *app
	s   *settings
	run *wiring
}

func (c *integrityChecks) all() map[string]func(context.Context, integrity.Range, func(integrity.Finding)) error {
	checks := map[string]func(context.Context, integrity.Range, func(integrity.Finding)) error{}
	files, again := false, false
	for i := range c.s.inputs {
		files = files || c.s.inputs[i].kind.Files != nil
		again = again || c.s.inputs[i].kind.Again
	}
	if c.s.Integrity.Verify && files {
		checks[integrity.CheckVerify] = c.verify
	}
	if c.s.Integrity.Audit && again {
		checks[integrity.CheckAudit] = c.audit
	}
	if len(checks) == 0 {
		c.run.log.Warn("integrity is enabled, but no input can be read again: it needs one of type file, or one that lists a bucket")
	}
	return checks
}

// wiring is what a check uses. It leaves the CPU to the run, as far as that can be done by the number of workers.
func (c *integrityChecks) wiring() (*settings, *wiring) {
	s := *c.s
	s.Trailbeat.NumberOfWorkers = 1
	return &s, &wiring{io: c.run.io, log: c.run.log, once: true, shared: c.run.pipeline}
}

// audit compares the events of a range.
func (c *integrityChecks) audit(ctx context.Context, rng integrity.Range, found func(integrity.Finding)) (err error) {
	s, r := c.wiring()
	defer func() { err = errors.Join(err, r.close()) }()
	s.inputs = nil
	for _, in := range c.s.inputs {
		if in.kind.Again {
			s.inputs = append(s.inputs, in)
		}
	}
	opts := &auditOptions{timeRange: timeRange{start: rng.From, end: rng.To}, late: s.Integrity.Delay, hours: true, dir: s.Path.Data}
	au, err := c.a.openAudit(ctx, s, r, opts, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, au.Close()) }()
	readErrors, err := c.a.readForAudit(ctx, s, r, au, nil)
	switch {
	case err != nil:
		return err
	case readErrors > 0:
		return fmt.Errorf("%s while reading the source, see the log", countOf(readErrors, "error"))
	}
	report, err := au.Compare(ctx)
	if err != nil {
		return err
	}
	for i := range report.Hours {
		found(auditFinding(&report.Hours[i]))
	}
	return nil
}

func auditFinding(p *audit.Part) integrity.Finding {
	f := integrity.Finding{
		Account: p.Account, Region: p.Region, Complete: p.Missing == 0,
		Events: &integrity.Events{
			Source: p.Events, Stored: p.Stored, DeadLettered: p.DeadLettered, Filtered: p.Filtered, OtherOutput: p.Elsewhere,
			Missing: p.Missing, Extra: p.Extra, Duplicate: p.Duplicate,
		},
	}
	if at, err := time.Parse(time.RFC3339, p.Hour); err == nil {
		f.From, f.To = at, at.Add(time.Hour)
	}
	return f
}

// verifyWorkers is how many files a check reads at the same time.
const verifyWorkers = 4

// verify proves the files of a range.
func (c *integrityChecks) verify(ctx context.Context, rng integrity.Range, found func(integrity.Finding)) error {
	for i := range c.s.inputs {
		in := &c.s.inputs[i]
		if in.kind.Files == nil {
			continue
		}
		if err := c.verifyInput(ctx, in, rng, found); err != nil {
			return fmt.Errorf("input %q: %w", in.ID, err)
		}
	}
	return nil
}

func (c *integrityChecks) verifyInput(ctx context.Context, in *inputSetting, rng integrity.Range, found func(integrity.Finding)) (err error) {
	files, err := in.kind.Files(ctx, in.options, InputEnv{ID: in.ID, Logger: c.run.log.With("input.id", in.ID)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	v, err := verify.New(verify.Config{
		Store: files.Store, Keys: files.Keys, Filter: trailstore.Filter{Prefix: files.Prefix, Accounts: files.Accounts, Regions: files.Regions},
		From: rng.From, To: rng.To, Workers: verifyWorkers, Logger: c.run.log,
	})
	if err != nil {
		return err
	}
	loose := looseFiles{}
	for item, err := range v.Run(ctx) {
		switch {
		case err != nil:
			return err
		case item.Fault != nil:
			return item.Fault.Err
		case item.Hour != nil:
			found(hourFinding(in.ID, item.Hour))
		case item.Gap != nil:
			g := item.Gap
			found(integrity.Finding{
				Input: in.ID, Account: g.Account, Region: g.Region, Trail: g.Trail, From: g.From, To: g.To, Result: "gap", Reason: string(g.Kind),
			})
		case item.File != nil && item.File.Result == verify.NotCovered:
			loose.add(in.ID, item.File)
		}
	}
	for _, f := range loose {
		found(*f)
	}
	return nil
}

func hourFinding(inputID string, h *verify.Hour) integrity.Finding {
	f := integrity.Finding{
		Input: inputID, Account: h.Account, Region: h.Region, Trail: h.Trail, From: h.From, To: h.To, Complete: h.OK(),
		Digest: h.Key, Result: string(h.Result), Reason: string(h.Reason), Files: map[string]int64{},
	}
	for result, n := range h.Logs {
		f.Files[string(result)] = n
		if result != verify.Valid && n > 0 && f.Reason == "" {
			f.Reason = "log files " + string(result)
		}
	}
	return f
}

// looseFiles are the files that no digest names, by the hour that they were delivered in.
type looseFiles map[looseHour]*integrity.Finding

type looseHour struct {
	account, region string
	hour            time.Time
}

func (l looseFiles) add(inputID string, file *verify.File) {
	k := looseHour{file.Account, file.Region, file.From.UTC().Truncate(time.Hour)}
	f := l[k]
	if f == nil {
		f = &integrity.Finding{
			Input: inputID, Account: k.account, Region: k.region, From: k.hour, To: k.hour.Add(time.Hour),
			Result: string(verify.NotCovered), Reason: string(file.Reason), Files: map[string]int64{},
		}
		l[k] = f
	}
	f.Files[string(verify.NotCovered)]++
}

// write stores documents beside those of the run.
func (c *integrityChecks) write(ctx context.Context, events []*ecs.Event) (err error) {
	s, r := c.wiring()
	o := s.output
	out, err := o.kind.Notes(ctx, o.options, s.outputEnv(r, o), s.Integrity.DataStream, s.template)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	agent, err := s.agent()
	if err != nil {
		return err
	}
	for _, ev := range events {
		ev.Agent.ID, ev.Agent.EphemeralID, ev.Agent.Name, ev.Agent.Version, ev.Agent.Type = agent.ID, agent.EphemeralID, agent.Name, agent.Version, "trailbeat"
	}
	_, err = out.Write(ctx, events)
	return err
}

func integrityStatus(s integrity.Status) *api.Integrity {
	to := &api.Integrity{
		CheckedUntil: s.Until, LastCheck: s.Last, NextCheck: s.Next, Running: s.Running, Error: s.Error, Checks: s.Checks, Failed: s.Failed,
		Findings: []api.IntegrityFindings{}, Incomplete: []api.IncompleteHour{}, IncompleteHours: int64(len(s.Open)),
	}
	for _, check := range names(s.Found) {
		to.Findings = append(to.Findings, api.IntegrityFindings{Check: check, Complete: s.Found[check][true], Incomplete: s.Found[check][false]})
	}
	for i := len(s.Open) - 1; i >= 0; i-- {
		o := s.Open[i]
		to.Missing += o.Missing
		if len(to.Incomplete) < api.MaxIncomplete {
			to.Incomplete = append(to.Incomplete, api.IncompleteHour(o))
		}
	}
	return to
}
