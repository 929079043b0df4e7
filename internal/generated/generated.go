// Package generated writes the files of the repository that follow from others, or tells which of them are stale.
package generated

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Writer puts generated files in place.
type Writer struct {
	// Root is the folder of the repository.
	Root string
	// Check makes a stale file an error instead of writing it.
	Check bool
	// Command writes the files anew. Errors name it.
	Command string
	// Out is told which files were written.
	Out io.Writer
}

// Put writes the file at name, a path with slashes below Root, where its content differs from text.
func (w *Writer) Put(name string, text []byte) error {
	path := filepath.Join(w.Root, filepath.FromSlash(name))
	old, err := os.ReadFile(path)
	if err == nil && bytes.Equal(old, text) {
		return nil
	}
	if w.Check {
		return fmt.Errorf("%s is stale; run %q", name, w.Command)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the folder of %s: %w", name, err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	fmt.Fprintln(w.Out, "wrote", name)
	return nil
}

// Root finds the folder of the repository, the one with fields.yml, at or above the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the working directory: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "fields.yml")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no fields.yml here or above; run it within the repository")
		}
		dir = parent
	}
}
