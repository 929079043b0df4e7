// Command fieldsgen writes everything that follows from fields.yml: the Go code of the package ecs, the index templates
// of Elasticsearch and OpenSearch, and docs/fields.md.
//
// Usage, from anywhere in the repository:
//
//	go run ./internal/fieldsgen          writes the files that changed
//	go run ./internal/fieldsgen -check   writes nothing and fails when a file is stale
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/trailbeat/trailbeat/internal/generated"
)

// command is what mends a stale file.
const command = "go run ./internal/fieldsgen"

// generators give the content of each file, by its path from the root of the repository.
var generators = map[string]func([]*entry) ([]byte, error){
	"ecs/zz_event.go":  eventFile,
	"ecs/zz_append.go": appendFile,
	"ecs/zz_access.go": accessFile,
	"ecs/zz_table.go":  tableFile,
	"docs/fields.md":   docsFile,

	"output/elasticsearch/template/zz_elasticsearch.json": elasticsearchTemplate,
	"output/elasticsearch/template/zz_opensearch.json":    openSearchTemplate,
}

func main() {
	check := flag.Bool("check", false, "write nothing; fail when a generated file is stale")
	flag.Parse()
	if err := run(os.Stdout, *check); err != nil {
		fmt.Fprintln(os.Stderr, "fieldsgen:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, check bool) error {
	root, err := generated.Root()
	if err != nil {
		return err
	}
	files, err := generate(root)
	if err != nil {
		return err
	}
	w := generated.Writer{Root: root, Check: check, Command: command, Out: out}
	var bad []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		bad = append(bad, w.Put(name, files[name]))
	}
	return errors.Join(bad...)
}

// generate gives the content of every generated file, by its path from root.
func generate(root string) (map[string][]byte, error) {
	src, err := os.ReadFile(filepath.Join(root, "fields.yml"))
	if err != nil {
		return nil, fmt.Errorf("reading the field list: %w", err)
	}
	entries, err := parse(src)
	if err != nil {
		return nil, fmt.Errorf("fields.yml: %w", err)
	}
	files := make(map[string][]byte, len(generators))
	for name, generator := range generators {
		if files[name], err = generator(entries); err != nil {
			return nil, fmt.Errorf("generating %s: %w", name, err)
		}
	}
	return files, nil
}
