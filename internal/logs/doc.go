// Package logs writes the program's log: text, or JSON with ECS names. Warnings and errors that repeat are counted and summed up.
package logs
