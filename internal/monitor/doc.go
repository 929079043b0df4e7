// Package monitor watches a run and tells how it is: the numbers behind the status page, the metrics and the API.
//
// A Monitor is the shipper's Observer and stands around the output and the dead letters. It decides nothing and delays nothing; what
// balances comes from the shipper's accounting. Package api holds the types that it answers with, package web serves them, and
// package sketch finds what is frequent.
//
// Memory is bounded whatever passes: so many accounts and regions, so many counters for names, rings of points. Cost: one lock for
// each batch, for each document two comparisons of strings and a look at its time; names are counted for about a thousand documents
// a second, more of them only as a sample. BenchmarkWritten compares that with the mapping.
package monitor
