// Command gen writes what follows from the config structs: the comments of the options, docs/config.md,
// docs/config.schema.json and trailbeat.reference.yml.
//
// Usage, from anywhere in the repository:
//
//	go run ./internal/reference/gen          writes the files that changed
//	go run ./internal/reference/gen -check   writes nothing and fails when a file is stale
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"

	"github.com/trailbeat/trailbeat/internal/generated"
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
	root, err := generated.Root()
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
	w := generated.Writer{Root: root, Check: check, Command: reference.Command, Out: os.Stdout}
	bad := w.Put(reference.CommentsFile, append(text, '\n'))
	// The rest is what the program prints: it alone knows its components. It is built with the comments just written.
	for name, args := range reference.Files() {
		cmd := exec.Command("go", append([]string{"run", "./cmd/trailbeat"}, args...)...)
		cmd.Dir, cmd.Stderr = root, os.Stderr
		text, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("printing %s: %w", name, err)
		}
		bad = errors.Join(bad, w.Put(name, text))
	}
	return bad
}
