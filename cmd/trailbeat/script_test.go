package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"trailbeat": func() { os.Exit(run()) }})
}

// TestScript runs the scripts of testdata/script: the command line as users meet it, without a server.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"gzip":    gzipFile,
			"repeat":  repeatFile,
			"field":   checkField,
			"lines":   countLines,
			"cut":     cutFile,
			"replace": replaceInFile,
		},
	})
}

// gzip FROM TO
func gzipFile(ts *testscript.TestScript, _ bool, args []string) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	_, err := zip.Write([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(zip.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), out.Bytes(), 0o600))
}

// repeat N FROM TO
func repeatFile(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), bytes.Repeat([]byte(ts.ReadFile(args[1])), n), 0o600))
}

// cut N FROM TO keeps the first N bytes, or all but the last -N.
func cutFile(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	data := ts.ReadFile(args[1])
	if n < 0 {
		n += len(data)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(data[:n]), 0o600))
}

// lines FILE N
func countLines(ts *testscript.TestScript, _ bool, args []string) {
	if n := bytes.Count([]byte(ts.ReadFile(args[0])), []byte("\n")); strconv.Itoa(n) != args[1] {
		ts.Fatalf("%s has %d lines, not %s", args[0], n, args[1])
	}
}

// [!] field FILE LINE PATH... [VALUE]: a member of the JSON document in a line, counted from 1, is VALUE. Path and value are
// separated by "=", so an argument "=x" ends the path. With ! the member is absent.
func checkField(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	lines := bytes.Split([]byte(ts.ReadFile(args[0])), []byte("\n"))
	if n > len(lines) {
		ts.Fatalf("%s has only %d lines", args[0], len(lines))
	}
	var v any
	ts.Check(json.Unmarshal(lines[n-1], &v))
	want := ""
	path := args[2:]
	if !neg {
		path, want = args[2:len(args)-1], args[len(args)-1]
	}
	for _, name := range path {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	if neg {
		if v != nil {
			ts.Fatalf("line %d of %s has %v, which must be absent", n, args[0], path)
		}
		return
	}
	got, isText := v.(string)
	if !isText {
		data, err := json.Marshal(v)
		ts.Check(err)
		got = string(data)
	}
	if got != want {
		ts.Fatalf("line %d of %s: %v is %s, not %s", n, args[0], path, got, want)
	}
}

// replace OLD NEW FILE
func replaceInFile(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[2])
	if !strings.Contains(text, args[0]) {
		ts.Fatalf("%s does not hold %s", args[2], args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(strings.ReplaceAll(text, args[0], args[1])), 0o600))
}
