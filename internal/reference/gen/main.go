// Command gen writes what follows from the config structs: the comments of the options, docs/config.md,
// docs/config.schema.json and trailbeat.reference.yml.
//
// Usage, from anywhere in the repository:
//
//	go run ./internal/reference/gen          writes the files that changed
//	go run ./internal/reference/gen -check   writes nothing and fails when a file is stale
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/trailbeat/trailbeat/internal/reference"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail when a generated file is stale")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	root, err := repositoryRoot()
	if err != nil {
		return err
	}
	comments, err := reference.ReadComments(os.DirFS(root))
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(comments, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the comments: %w", err)
	}
	stale := put(root, reference.CommentsFile, append(text, '\n'), check)
	// The rest is what the program prints: it alone knows its components. It is built with the comments just written.
	for name, args := range reference.Files() {
		cmd := exec.Command("go", append([]string{"run", "./cmd/trailbeat"}, args...)...)
		cmd.Dir, cmd.Stderr = root, os.Stderr
		text, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("printing %s: %w", name, err)
		}
		stale = errors.Join(stale, put(root, name, text, check))
	}
	return stale
}

// put writes a file that has changed; with check it is an error instead.
func put(root, name string, text []byte, check bool) error {
	path := filepath.Join(root, filepath.FromSlash(name))
	old, err := os.ReadFile(path)
	if err == nil && bytes.Equal(old, text) {
		return nil
	}
	if check {
		return fmt.Errorf("%s is stale; run %q", name, reference.Command)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	fmt.Println("wrote", name)
	return nil
}

// repositoryRoot finds the folder with go.mod, at or above the working directory.
func repositoryRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the working directory: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod here or above; run it within the repository")
		}
		dir = parent
	}
}
