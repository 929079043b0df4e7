package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The page for auditors names each test of a fault, and none that is not there.
func TestGuaranteesNameTheirTests(t *testing.T) {
	find := func(path, pattern, prefix string) (names []string) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			names = append(names, prefix+m[1])
		}
		return names
	}
	files, err := filepath.Glob("fault_*_test.go")
	require.NoError(t, err)
	var tests []string
	for _, file := range files {
		tests = append(tests, find(file, `(?m)^func (TestFault\w+)\(`, "")...)
	}
	tests = slices.DeleteFunc(tests, func(name string) bool { return name == "TestFaults" })
	tests = append(tests, find("fault_table_test.go", `(?m)^\t\t\{name: "(\w+)"`, "TestFaults/")...)
	named := find(filepath.Join("..", "..", "docs", "guarantees.md"), "\\| `(TestFault[\\w/]+)` \\|", "")
	assert.ElementsMatch(t, tests, named)
}
