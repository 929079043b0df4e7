// Package docscheck holds the tests of the documents: links, anchors, configurations, commands, options, names of tests, and the
// texts that are said to be the program's.
package docscheck
