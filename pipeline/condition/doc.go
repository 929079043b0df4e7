// Package condition decides about documents: the conditions of Beats, with their names and their syntax, on the typed event.
//
//	c, err := condition.New(&condition.Config{Equals: condition.Fields{"event.action": {"Decrypt"}}})
//	if c.Match(&ev) { ... }
//
// A field that a document does not have meets no condition but not. A field that is a list meets a condition when one of its
// elements does. Where a condition gives several values for a field, one of them is enough; where it gives several fields,
// each must be met.
//
// # Cost
//
// Reading a declared field allocates nothing, and most conditions take some ten nanoseconds. A member of a flattened field
// has to be decoded first and costs microseconds, as does the JSON of a group. Regular expressions that are text with or without
// anchors, and alternatives of such, are compared as text.
//
// A Condition never changes and may be used by several goroutines.
package condition
