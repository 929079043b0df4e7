// Package app is the program around the flow: it loads the configuration, wires inputs, pipeline and output together, and
// holds the commands.
//
// It knows no component by name. The binary hands over Components, an explicit list of input and output types; what the
// commands need of a type beyond the contracts (a connection test, a setup, a summary) is an optional hook of the list.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
package app
