// Package integrity looks, while a run goes on, whether each hour of the past is complete: that CloudTrail's digests prove the files of it
// (package verify), and that every event of it is stored (package audit).
//
// Every Interval the hours that ended Delay ago are looked at, and again those that were not complete. What is found becomes a document
// for each digest and for each hour of an account in a region, in a data stream of its own, so that an alert can be written on it. Status
// has the same for the page and for metrics.
//
// A document is named by what it says: the same finding is stored once, however often it is made, and a changed one is a document more. A
// check that fails changes nothing and is made again; what was reached survives a restart.
//
// The package knows neither inputs nor outputs: Options has functions for both.
package integrity
