package app

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/internal/manage/api"
	"github.com/trailbeat/trailbeat/internal/monitor"
	monitorapi "github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/monitor/web"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

// watch is the monitor of a run and the server that shows it. Nil: nobody watches, and nothing is in between.
type watch struct {
	monitor *monitor.Monitor
	started time.Time
	manage  *api.Handler // of the management API; nil: it is off
}

// closeWatchTimeout is how long answers that are being sent may take when a run ends.
const closeWatchTimeout = 2 * time.Second

// openWatch serves the status page where the configuration asks for it, or where a person looks at the terminal. It does so before
// anything else is opened, so that a port that is taken is known before something was read.
func openWatch(ctx context.Context, s *settings, r *wiring, job shipment, agent shipper.Agent, interactive bool) (*watch, error) {
	handler, err := s.newManageHandler(r, job)
	if err != nil {
		return nil, err
	}
	if handler == nil && (!job.watched || !s.HTTP.On(interactive)) {
		return nil, nil
	}
	hostname, _ := os.Hostname() // a machine without a name can be watched too
	w := &watch{started: time.Now(), manage: handler, monitor: monitor.New(monitor.Options{
		Program: monitorapi.Program{
			Name: "trailbeat", Version: Version(), Agent: agent.Name, AgentID: agent.ID, EphemeralID: agent.EphemeralID,
			Hostname: hostname, Details: s.HTTP.Details,
		},
		OutputType: s.output.name, LetterPlace: s.DeadLetter.place(), Sample: s.HTTP.DeadLetterSample,
	})}
	server, err := web.Listen(ctx, web.Options{Config: s.HTTP, Source: w.monitor, Routes: w.routes(), Logger: r.log})
	switch {
	case err != nil && s.HTTP.Default() && handler == nil:
		// Nobody asked for it. Most often a second run is on.
		r.log.Warn("no status page", "error.message", err)
		return nil, nil
	case err != nil:
		return nil, err
	}
	ticking, stop := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() { w.monitor.Run(ticking) })
	ignore := context.AfterFunc(ctx, w.monitor.Stopping)
	r.onClose(func() error {
		ignore()
		stop()
		done.Wait()
		// A page that somebody has open must not keep the program from ending, nor make its run fail.
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWatchTimeout)
		defer cancel()
		if err := server.Close(closing); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			r.log.Warn("closing the status page", "error.message", err)
		}
		return nil
	})
	r.log.Info("status page", "url.full", server.URL())
	return w, nil
}

// routes are those of the management API. They have a token of their own, as whoever may look must not change anything.
func (w *watch) routes() []web.Route {
	if w.manage == nil {
		return nil
	}
	var list []web.Route
	for _, prefix := range api.Prefixes() {
		list = append(list, web.Route{Pattern: prefix, Handler: w.manage, OwnGuard: true})
	}
	return list
}

// join and leave tell the monitor of sources that come and go.
func (w *watch) join(source *shipper.Source) {
	if w != nil {
		w.monitor.Join(source)
	}
}

func (w *watch) leave(id string) {
	if w != nil {
		w.monitor.Leave(id)
	}
}

// output puts the monitor around an output.
func (w *watch) output(o *openedOutput) output.Output {
	switch {
	case w == nil:
		return o.out
	case o.id == "":
		return w.monitor.Output(o.out)
	default:
		return w.monitor.FurtherOutput(o.id, o.name, o.out)
	}
}

// letters puts the monitor around the dead letters.
func (w *watch) letters(letters shipper.DeadLetters) shipper.DeadLetters {
	if w == nil {
		return letters
	}
	return w.monitor.Letters(letters)
}

// integrity tells the monitor how to know whether the past is complete.
func (w *watch) integrity(status func() *monitorapi.Integrity) {
	if w != nil {
		w.monitor.AttachIntegrity(status)
	}
}

// observer is who the flow tells what passes.
func (w *watch) observer() shipper.Observer {
	if w == nil {
		return nil
	}
	return w.monitor
}

// attach tells the monitor what it watches.
func (w *watch) attach(sources []shipper.Source, flow *shipper.Shipper, outputs *openedOutputs, r *wiring) {
	if w == nil {
		return
	}
	for _, o := range outputs.all {
		w.monitor.AttachOutput(o.id, w.down(o))
	}
	w.monitor.AttachRules(r.ruleReports)
	w.monitor.Attach(sources, flow.Accounting().Snapshot)
}

// down tells whether an output takes nothing now, since when and why.
func (w *watch) down(o *openedOutput) func() (bool, time.Time, error) {
	late, _ := o.out.(*lateOutput) // nil: it was prepared at the start
	return func() (bool, time.Time, error) {
		if down, since, err := o.retry.Down(); down {
			return down, since, err
		}
		if late != nil {
			if why := late.why.Load(); why != nil {
				return true, w.started, *why
			}
		}
		return false, time.Time{}, nil
	}
}

// ruleReports are the rules that take records out or send documents somewhere, as they stand now. Processors with the same id are
// one rule.
func (r *wiring) ruleReports() []monitorapi.Rule {
	var all []monitorapi.Rule
	for _, p := range r.processorStats() {
		if !p.Filters {
			continue
		}
		same := slices.IndexFunc(all, func(o monitorapi.Rule) bool { return o.Name == p.ID && o.Kind == p.Processor })
		if same < 0 {
			same = len(all)
			all = append(all, monitorapi.Rule{Name: p.ID, Kind: p.Processor, Output: routing.Discard})
		}
		all[same].Events += p.Dropped
	}
	for _, s := range r.routingStats() {
		all = append(all, monitorapi.Rule{
			Name: s.Rule, Kind: monitorapi.RuleOfRouting, Output: s.To.Output, Dataset: s.To.Dataset, Namespace: s.To.Namespace, Events: s.Events,
		})
	}
	return all
}
