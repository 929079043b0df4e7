package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a configuration file. Line and Column count from 1. For an override File is "-E" and its name.
type Position struct {
	File         string
	Line, Column int
	// order is the rank of the file among those that were loaded, so that errors come in the order of reading.
	order int
}

func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Error is one fault of the configuration.
type Error struct {
	Pos Position
	// Path is the dotted name of the option, empty where the fault is in the YAML itself.
	Path string
	// Message says what is wrong and what would be right.
	Message string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Pos.String() + ": " + e.Message
	}
	return e.Pos.String() + ": " + e.Path + ": " + e.Message
}

// Errors holds all faults of a configuration in the order of their positions. Never empty.
type Errors []*Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// errorList gathers faults. Of several at one option only the first is kept: the others follow from it.
type errorList struct{ errs Errors }

func (l *errorList) add(pos Position, path, format string, args ...any) {
	l.errs = append(l.errs, &Error{Pos: pos, Path: path, Message: fmt.Sprintf(format, args...)})
}

// touches reports whether a fault is known at path, above it or below it.
func (l *errorList) touches(path string) bool {
	return slices.ContainsFunc(l.errs, func(e *Error) bool {
		return e.Path == path || strings.HasPrefix(path, e.Path+".") || strings.HasPrefix(e.Path, path+".")
	})
}

func (l *errorList) err() error {
	if len(l.errs) == 0 {
		return nil
	}
	l.errs.Sort()
	return l.errs
}

// Sort puts errors in the order of their positions, file by file in the order of loading.
func (e Errors) Sort() {
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Pos.order, b.Pos.order), cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
}
