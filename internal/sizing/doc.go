// Package sizing measures what mapping and sending one's own log files costs, and says what machine a number of events a day
// needs. It is what the command bench does.
//
// It works on files in memory, in one goroutine, and counts processor time (of the whole process: garbage collection is in it), so a busy
// machine spoils it little. Each stage is run on all files with all stages before it, in turns, and costs what it
// adds; the median of all turns counts. It sends nothing: what the network, the input's client and the checkpoints add in a whole
// shipper is in Overhead, which was measured elsewhere (docs/sizing.md).
//
// Not safe for concurrent use, and pointless to run twice at once.
package sizing
