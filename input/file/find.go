package file

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// found is one step of a scan: a file, or what is wrong with an entry of paths.
type found struct {
	path string // absolute
	info fs.FileInfo
	// stream says that the file is a pipe or the like and can be read once only.
	stream bool
	err    error
	// source is the entry of paths.
	source string
}

// errNoMatch says that a pattern or folder holds no file to read.
var errNoMatch = errors.New("no file matches")

// finder lists the files of the configured paths, one folder in memory at a time.
type finder struct {
	paths     []string
	exclude   []*regexp.Regexp
	recursive bool
	wanted    func(path string) bool // nil: all are
}

// all lists the files in the order of paths, and in each of their names. `**` gives what is in a folder before what is in
// those below it. A file that two entries name comes twice.
func (f *finder) all() iter.Seq[found] {
	return func(yield func(found) bool) {
		for _, source := range f.paths {
			if source != "-" && !f.entry(source, yield) {
				return
			}
		}
	}
}

// onlyStdin tells whether there is nothing to scan.
func (f *finder) onlyStdin() bool {
	return !slices.ContainsFunc(f.paths, func(p string) bool { return p != "-" })
}

func (f *finder) entry(source string, yield func(found) bool) bool {
	full, err := filepath.Abs(source)
	if err != nil {
		return yield(found{source: source, err: fmt.Errorf("finding %q: %w", source, err)})
	}
	n, goOn := 0, true
	emit := func(path string, info fs.FileInfo) bool {
		n++
		if f.excluded(path) {
			return true
		}
		goOn = yield(found{path: path, info: info, source: source, stream: !info.Mode().IsRegular()})
		return goOn
	}
	info, err := os.Stat(full)
	switch {
	case err == nil && info.IsDir():
		f.folder(full, emit)
	case err == nil:
		emit(full, info)
	case hasMeta(source):
		volume := filepath.VolumeName(full)
		parts := strings.Split(strings.Trim(full[len(volume):], string(filepath.Separator)), string(filepath.Separator))
		f.glob(volume+string(filepath.Separator), parts, emit)
	case errors.Is(err, fs.ErrNotExist):
		return yield(found{source: source, err: &missingError{source}})
	default:
		return yield(found{source: source, err: fmt.Errorf("finding %q: %w", source, err)})
	}
	if n == 0 && goOn {
		return yield(found{source: source, err: fmt.Errorf("reading %q: %w", source, errNoMatch)})
	}
	return goOn
}

func (f *finder) excluded(path string) bool {
	for _, e := range f.exclude {
		if e.MatchString(path) {
			return true
		}
	}
	return f.wanted != nil && !f.wanted(path)
}

// folder lists the log files below dir.
func (f *finder) folder(dir string, emit func(string, fs.FileInfo) bool) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return true // a folder that vanished or that may not be read; the others go on
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			if !f.folder(path, emit) {
				return false
			}
			continue
		}
		if !logName(e.Name()) {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && !emit(path, info) {
			return false
		}
	}
	return true
}

// glob lists the files below dir that match the parts of a pattern.
func (f *finder) glob(dir string, parts []string, emit func(string, fs.FileInfo) bool) bool {
	part, rest := parts[0], parts[1:]
	anyDepth := part == "**" && f.recursive
	if anyDepth && len(rest) > 0 && !f.glob(dir, rest, emit) {
		return false
	}
	if !anyDepth && !hasMeta(part) {
		return f.step(filepath.Join(dir, part), rest, emit)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return true
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case anyDepth && e.IsDir():
			if !f.glob(path, parts, emit) {
				return false
			}
		case anyDepth && len(rest) > 0:
		default:
			if ok, _ := filepath.Match(part, e.Name()); (ok || anyDepth) && !f.step(path, rest, emit) {
				return false
			}
		}
	}
	return true
}

// step goes on with path, which matches so far.
func (f *finder) step(path string, rest []string, emit func(string, fs.FileInfo) bool) bool {
	info, err := os.Stat(path)
	if err != nil {
		return true
	}
	if len(rest) > 0 {
		return !info.IsDir() || f.glob(path, rest, emit)
	}
	return info.IsDir() || emit(path, info)
}

func hasMeta(pattern string) bool { return strings.ContainsAny(pattern, "*?[") }

func checkPattern(pattern string) error {
	_, err := filepath.Match(pattern, "")
	return err
}

// logName tells what is read of a folder that was given as a whole.
func logName(name string) bool {
	base, packed := strings.CutSuffix(strings.ToLower(name), ".gz")
	switch filepath.Ext(base) {
	case ".json", ".ndjson", ".jsonl", ".log":
		return true
	}
	return packed
}

// linesName tells names whose content is lines.
func linesName(name string) bool {
	base, _ := strings.CutSuffix(strings.ToLower(name), ".gz")
	ext := filepath.Ext(base)
	return ext == ".ndjson" || ext == ".jsonl"
}

// missingError says that what paths names is not there. It is fs.ErrNotExist.
type missingError struct{ source string }

func (e *missingError) Error() string {
	if filepath.IsAbs(e.source) {
		return fmt.Sprintf("reading %q: there is no such file or folder; check paths", e.source)
	}
	return fmt.Sprintf("reading %q: there is no such file or folder below the working directory; check paths", e.source)
}

func (e *missingError) Is(target error) bool { return target == fs.ErrNotExist }
