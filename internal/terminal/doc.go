// Package terminal knows whether a person reads what a program writes, and writes for that person: colours, lines that fit, and a
// status line that never gets into other lines.
//
// What is no terminal, or a dumb one, gets plain text. It imports nothing of the program.
package terminal
