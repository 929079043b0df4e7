// Package investigate asks a database of output/sqlite what responders to an incident ask: who used this key, where did this role lead, what
// was read.
//
// Prepare adds to each document what questions need and event_columns has not: access keys and those that were issued, roles, shared event
// ids, what was acted on. It does so in tables and indexes of its own, prefixed investigate_, and goes on where it ended. The view trail
// joins them with the columns of the documents; every question is one SELECT over it or over these tables, in a file of its own below
// questions, which can be printed with its values and changed.
//
// Open gives a connection that can change nothing, whatever is sent over it.
package investigate
