// Package verifytest makes trails as CloudTrail delivers them, with log files, digests and keys of its own, for tests and measurements.
//
// A Trail writes hour after hour into a Sink: a Store in memory, a folder (see Dir), or whatever a test brings. What it writes is right; a
// test then changes what it wants to be found.
package verifytest
