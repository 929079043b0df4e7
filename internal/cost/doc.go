// Package cost says what a sample of CloudTrail records consists of, and what rules would leave out of it.
//
// A Sample is an output.Output that keeps no document: it counts events and bytes, as they came and as documents, by category, service,
// action, principal and account, and it tries rules on each event. Report works the counts out, and prints them as text, as a page
// or as JSON.
//
// # Rules
//
// Proposed rules are made while the sample is read: the first event of a service that a kind of rule fits makes the rule of that
// service, which is tried on that event and all that follow. So one pass is enough, and what a rule is said to save is what
// its condition, compiled by package condition as for a drop_event, took of this sample. Overlaps are counted too: which rules took
// the same event is known for all of them at once.
//
// # Memory
//
// Every table is bounded. One that is full gives up its smaller half, whose sums go to "others": sums stay exact, and Table.ShortBy says how
// many events a row may be short by. The number of rules, and that of the sets of rules that meet on an event, have bounds of their
// own, which are told when they are reached.
//
// A Sample may be written to by several goroutines.
package cost
