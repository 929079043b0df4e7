package docscheck

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// help is what a command says of itself.
type help struct {
	commands map[string]bool
	flags    map[string]bool // whether a value follows
}

var (
	helpCommand = regexp.MustCompile(`^  ([a-z-]+) +\S`)
	helpFlag    = regexp.MustCompile(`^ +(?:(-\w), )?(--[\w.-]+)(?: (\S+))?  +`)
)

// helps asks each command once.
type helps map[string]help

func (h helps) of(t *testing.T, command string) help {
	t.Helper()
	if found, ok := h[command]; ok {
		return found
	}
	out, err := exec.Command(binary, append(strings.Fields(command), "--help")...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	found := help{map[string]bool{"help": true}, map[string]bool{"--help": false, "-h": false}}
	section := ""
	for l := range strings.SplitSeq(string(out), "\n") {
		if strings.HasSuffix(l, ":") && !strings.HasPrefix(l, " ") {
			section = l
			continue
		}
		switch section {
		case "Available Commands:":
			if m := helpCommand.FindStringSubmatch(l); m != nil {
				found.commands[m[1]] = true
			}
		case "Flags:", "Global Flags:":
			if m := helpFlag.FindStringSubmatch(l); m != nil {
				found.flags[m[2]] = m[3] != ""
				if m[1] != "" {
					found.flags[m[1]] = m[3] != ""
				}
			}
		}
	}
	h[command] = found
	return found
}

// typo says what is wrong with the words behind "trailbeat".
func (h helps) typo(t *testing.T, words []string) string {
	t.Helper()
	command := ""
	for i := 0; i < len(words); i++ {
		word := words[i]
		here := h.of(t, command)
		if strings.HasPrefix(word, "-") && word != "-" {
			name, _, hasValue := strings.Cut(word, "=")
			takesValue, known := here.flags[name]
			if !known {
				return "there is no flag " + name + " of trailbeat " + command
			}
			if takesValue && !hasValue {
				i++
			}
			continue
		}
		if len(here.commands) > 1 { // more than help
			if !here.commands[word] {
				return "there is no command trailbeat " + strings.TrimSpace(command+" "+word)
			}
			command = strings.TrimSpace(command + " " + word)
		}
	}
	return ""
}

var (
	starts   = regexp.MustCompile(`(?:^|\| |^\$ |^ExecStart=\S*/)(?:\./)?(?:trailbeat|go run \./cmd/trailbeat)(?: |$)`)
	comment  = regexp.MustCompile(`\s+#.*$`)
	stopWord = regexp.MustCompile(`^(\||>|>>|<|&&|;|\|\|)$`)
)

// commandLine gives the words behind "trailbeat" of a line; ok is false where it is no such line.
func commandLine(text string) (words []string, ok bool) {
	at := starts.FindStringIndex(text)
	if at == nil {
		return nil, false
	}
	for _, w := range strings.Fields(comment.ReplaceAllString(text[at[1]:], "")) {
		if stopWord.MatchString(w) {
			break
		}
		words = append(words, strings.Trim(w, `"'`))
	}
	return words, true
}

func TestCommands(t *testing.T) {
	known := helps{}
	checked := 0
	for _, p := range pages(t) {
		if p.path == "docs/first-ten-minutes.md" || p.path == "CHANGELOG.md" {
			continue // has wrong ones on purpose; is about the past
		}
		for _, b := range p.blocks {
			if b.kind == "yaml" || b.kind == "go" {
				continue
			}
			for i, l := range strings.Split(b.text, "\n") {
				if words, ok := commandLine(l); ok {
					checked++
					assert.Empty(t, known.typo(t, words), "%s:%d: %s", p.path, b.line+1+i, l)
				}
			}
		}
		for _, l := range p.prose {
			for _, c := range code(l.text) {
				if words, ok := commandLine(c); ok {
					checked++
					assert.Empty(t, known.typo(t, words), "%s:%d: %s", p.path, l.number, c)
				}
			}
		}
	}
	assert.Greater(t, checked, 40)
	assert.NotEmpty(t, known.typo(t, []string{"run", "--onec"}))
	assert.NotEmpty(t, known.typo(t, []string{"export", "nothing"}))
}

var (
	testName   = regexp.MustCompile(`^func ((?:Test|Benchmark|Fuzz|Example)\w*)\(`)
	namedTest  = regexp.MustCompile(`^(?:Test|Benchmark|Fuzz|Example)[A-Z_]\w*(?:/\S+)?$`)
	goTestLine = regexp.MustCompile(`(?:^|\s)go test .*`)
	runFlag    = regexp.MustCompile(`-(?:run|bench|fuzz)[= ]'?([^\s']+)`)
	packageArg = regexp.MustCompile(`(?:^| )\./(\S*)`)
)

// Tests that are named exist, in the packages that are named with them.
func TestNamesOfTests(t *testing.T) {
	tests := map[string][]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		dir, _ := filepath.Rel(root, filepath.Dir(path))
		for l := range strings.SplitSeq(string(data), "\n") {
			if m := testName.FindStringSubmatch(l); m != nil {
				tests[filepath.ToSlash(dir)] = append(tests[filepath.ToSlash(dir)], m[1])
			}
		}
		return err
	}))
	exists := func(dirs []string, pattern string) bool {
		re := regexp.MustCompile(strings.Split(pattern, "/")[0])
		for dir, names := range tests {
			for _, d := range dirs {
				below, all := strings.CutSuffix(d, "...")
				if dir != d && (!all || !strings.HasPrefix(dir+"/", below)) {
					continue
				}
				for _, name := range names {
					if re.MatchString(name) {
						return true
					}
				}
			}
		}
		return false
	}
	check := func(where string, number int, text string) {
		command := goTestLine.FindString(text)
		if command == "" {
			return
		}
		var dirs []string
		for _, m := range packageArg.FindAllStringSubmatch(command, -1) {
			dirs = append(dirs, strings.Trim(m[1], "/`,;:)"))
		}
		for _, m := range runFlag.FindAllStringSubmatch(command, -1) {
			if m[1] == "^$" || m[1] == "." || strings.Contains(m[1], "NAME") {
				continue
			}
			assert.True(t, exists(dirs, strings.Trim(m[1], "`,;:)")), "%s:%d: no such test: %s", where, number, command)
		}
	}
	for _, p := range pages(t) {
		if p.path == "CHANGELOG.md" {
			continue
		}
		for _, b := range p.blocks {
			for i, l := range strings.Split(b.text, "\n") {
				check(p.path, b.line+1+i, comment.ReplaceAllString(l, ""))
			}
		}
		for _, l := range p.prose {
			for _, c := range code(l.text) {
				check(p.path, l.number, c)
				if namedTest.MatchString(c) {
					assert.True(t, exists([]string{"..."}, "^"+c+"$") || exists([]string{"..."}, "^"+strings.Split(c, "/")[0]+"$"), "%s:%d: no such test: %s", p.path, l.number, c)
				}
			}
		}
	}
}
