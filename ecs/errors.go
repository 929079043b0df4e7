package ecs

import "fmt"

// TypeError says that a value does not fit the declared type of a field.
type TypeError struct {
	// Path and Type are those of the field.
	Path, Type string
	// Reason says what was given and what would be right.
	Reason string
}

func (e *TypeError) Error() string {
	return fmt.Sprintf("field %q is of type %s: %s", e.Path, e.Type, e.Reason)
}

// PathError says that there can be no value at a path.
type PathError struct {
	Path string
	// Reason says why, and names the part of the path that stands in the way.
	Reason string
}

func (e *PathError) Error() string { return fmt.Sprintf("path %q %s", e.Path, e.Reason) }
