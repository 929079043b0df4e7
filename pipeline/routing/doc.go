// Package routing says where each document goes: to which data stream, to which output, to the dead letters, or nowhere.
//
//	table, err := routing.New(routing.Config{Rules: []routing.Rule{{
//		Name: "data events", When: &condition.Config{Equals: condition.Fields{"aws.cloudtrail.event_category": {"Data"}}},
//		Target: routing.Target{Output: "cheap"},
//	}}})
//	err = table.Route(&ev)
//
// The rules are asked in their order, on the document as the processors left it, and the first that is met decides. Where none
// is, the catch-all does; without one the document goes where it would go without rules.
//
// # Verdicts
//
// Route writes to the event where it goes: data_stream.dataset, data_stream.namespace and Meta.Output. event.dataset stays: it
// says what the document is, and rules of detection ask for it. A document that goes nowhere is an error, a *processor.Drop,
// which errors.Is tells by processor.ErrDrop. One that goes to the dead letters is a *LetterError.
//
// # Cost
//
// A rule that lets go of records and depends on members of the record alone is decided before the mapping (Table.Early), if all
// rules before it are of that kind too. The outcome is the same, the rule that is counted included.
package routing
