// Package processor changes documents after the mapping, and takes out those that nobody wants: the processors of Beats, with
// their names and options, on the typed event.
//
//	list, err := processor.Build([]processor.Spec{{Options: &processor.DropEvent{Common: processor.Common{
//		When: &condition.Config{Equals: condition.Fields{"event.action": {"Decrypt"}}},
//	}}}}, processor.Env{})
//	err = processor.Join(list).Run(&ev)
//
// A Spec is one element of a list "processors:". Build makes a List of them, which is made once and may be part of several
// chains: that of the whole program, and that of an input before it. Join makes a Chain.
//
// # Drops
//
// The error of a drop_event is a *Drop, which counts for its rule; errors.Is tells it by ErrDrop. Where a rule depends on
// nothing but members of the record itself, Chain.Early decides about it before the mapping, which then does not take place.
// The outcome is the same, the rule that is counted included.
//
// Another kind of verdict (to another stream, to the dead letters) is another error type of a step, or a field of the event:
// data_stream.dataset and data_stream.namespace say where a document goes.
//
// # Faults
//
// A processor that fails leaves the document as it was before it. The others go on, and the document is shipped with the tag
// TagFailed and the reason in error.message. Beats stops at the first fault; here a later processor that takes a secret out
// must not depend on an earlier one that renames.
//
// # Concurrency
//
// A Chain may be used by several goroutines, with an event each.
package processor
