package app

import (
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

// runReport is what run and replay print at their end with --output json.
type runReport struct {
	// OK says that the exit code is 0. Error says why not.
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	// Flow is the accounting: received = indexed + duplicate + filtered + dead_lettered + in_flight + returned.
	Flow   api.Flow    `json:"flow"`
	Inputs []inputFlow `json:"inputs"`
	// Processors are those that dropped something or failed.
	Processors []processorReport `json:"processors"`
	// Routing are the rules of routing, the catch-all last. Absent: there are none.
	Routing []routeReport `json:"routing,omitempty"`
	// Outputs are what each output took, that of the group output first. Absent: there is one.
	Outputs []branchReport `json:"outputs,omitempty"`
	// Output is the type, DeadLetters the place for what it refused.
	Output      string `json:"output"`
	DeadLetters string `json:"dead_letters"`
	// Backfill is how far a backfill has come. Absent for other commands.
	Backfill any `json:"backfill,omitempty"`
}

// inputFlow is what passed through one input.
type inputFlow struct {
	ID   string   `json:"id"`
	Type string   `json:"type"`
	Flow api.Flow `json:"flow"`
	// Report is what the input tells of itself. Absent: it tells nothing.
	Report *input.Report `json:"report,omitempty"`
}

// routeReport is a rule of routing.
type routeReport struct {
	Rule string `json:"rule"`
	// Output is default, the name of one below outputs, dead_letters or discard.
	Output string `json:"output"`
	// Dataset and Namespace are those that the rule sets.
	Dataset   string `json:"dataset,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Events    int64  `json:"events"`
}

// branchReport is what one output took.
type branchReport struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Indexed   int64  `json:"indexed"`
	Duplicate int64  `json:"duplicate"`
}

type processorReport struct {
	ID        string `json:"id"`
	Processor string `json:"processor"`
	Dropped   int64  `json:"dropped"`
	Failed    int64  `json:"failed"`
}

func flowOf(c shipper.Counts) api.Flow {
	return api.Flow{
		Received: c.Received, Indexed: c.Indexed, Duplicate: c.Duplicate, Filtered: c.Filtered, DeadLettered: c.DeadLettered,
		InFlight: c.InFlight, Returned: c.Returned, ReadErrors: c.ReadErrors,
	}
}

// reportRun describes a run that has ended.
func (s *settings) reportRun(r *wiring, sources []shipper.Source, outputs *openedOutputs, counts shipper.Snapshot, err error) runReport {
	report := runReport{
		OK: err == nil, Flow: flowOf(counts.Total), Inputs: []inputFlow{}, Processors: []processorReport{},
		Output: s.output.name, DeadLetters: s.DeadLetter.place(),
	}
	if err != nil {
		report.Error = err.Error()
	}
	for i, in := range counts.Inputs {
		one := inputFlow{ID: in.ID, Flow: flowOf(in.Counts)}
		if i < len(sources) {
			one.Type = sources[i].Type
			if told, ok := sources[i].Input.(input.Reporter); ok {
				state := told.Report()
				one.Report = &state
			}
		}
		report.Inputs = append(report.Inputs, one)
	}
	for _, p := range r.processorStats() {
		if p.Dropped > 0 || p.Failed > 0 {
			report.Processors = append(report.Processors, processorReport{p.ID, p.Processor, p.Dropped, p.Failed})
		}
	}
	for _, one := range r.routingStats() {
		report.Routing = append(report.Routing, routeReport{one.Rule, one.To.Output, one.To.Dataset, one.To.Namespace, one.Events})
	}
	for i, c := range outputs.counts() {
		o := outputs.all[i]
		report.Outputs = append(report.Outputs, branchReport{o.label(), o.name, c.Stored, c.Duplicate})
	}
	return report
}
