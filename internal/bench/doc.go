// Package bench measures what Trailbeat costs, as ratios to two baselines that run beside it: a shipper as one would write
// it in an afternoon (Naive), and a walker written by hand that checks nothing (Limit). Both make the same 40 fields of
// each record. Times of their own mean little, as machines differ and are shared; ratios of processor time, measured in
// turns, stay the same.
//
// The benchmarks run with go test -bench, the whole table with go run ./internal/bench/cmd. docs/performance.md says how
// to read it. Nothing here is part of the program that is shipped.
//
// Nothing in this package is safe for concurrent use, unless it says so.
package bench
