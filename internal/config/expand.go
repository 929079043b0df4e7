package config

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

const (
	maxReferences = 16      // options that name options that name options
	maxExpanded   = 1 << 20 // bytes of one value
	maxSteps      = 100_000 // variables of one configuration
)

// expander replaces the variables in all scalars below a root.
type expander struct {
	root *value
	// lookup gives a variable; an empty one counts as not set, as in Beats.
	lookup func(name string) (string, bool)
	errs   *errorList
	steps  int
}

func (e *expander) walk(v *value, path string) {
	switch v.kind {
	case scalar:
		text, used, err := e.expand(v.source(), 0)
		if err != nil {
			e.errs.add(v.pos, path, "%s", err)
			return
		}
		if used {
			v.raw, v.text = v.source(), text
		}
	case list:
		for i, item := range v.items {
			e.walk(item, join(path, strconv.Itoa(i)))
		}
	case group:
		for _, name := range v.names {
			e.walk(v.members[name], join(path, name))
		}
	}
}

// source is the text as it stood in the file.
func (v *value) source() string {
	if v.raw != "" {
		return v.raw
	}
	return v.text
}

// expand gives the text with its variables replaced and reports whether there was anything to replace.
func (e *expander) expand(text string, depth int) (string, bool, error) {
	if !strings.Contains(text, "${") {
		return text, false, nil
	}
	if e.steps++; depth > maxReferences || e.steps > maxSteps {
		return "", false, errors.New("the variables name each other in a circle; give one of them a value of its own")
	}
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		if found && strings.HasSuffix(before, "$") {
			out.WriteString(before + "{")
			text = after
			continue
		}
		out.WriteString(before)
		if out.Len() > maxExpanded {
			return "", false, errors.New("the value is longer than 1 MiB with its variables expanded; put it into a file")
		}
		if !found {
			return out.String(), true, nil
		}
		body, rest, err := closing(after)
		if err != nil {
			return "", false, err
		}
		resolved, err := e.resolve(body, depth)
		if err != nil {
			return "", false, err
		}
		out.WriteString(resolved)
		text = rest
	}
}

// closing splits the text after "${" at the brace that belongs to it.
func closing(text string) (body, rest string, err error) {
	open := 1
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '}':
			if open--; open == 0 {
				return text[:i], text[i+1:], nil
			}
		case strings.HasPrefix(text[i:], "${"):
			open++
		}
	}
	return "", "", errors.New(`a variable is not closed: "${" needs a "}" (write "$${" for the two characters themselves)`)
}

var variableName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

func (e *expander) resolve(body string, depth int) (string, error) {
	name, fallback, hasFallback := strings.Cut(body, ":")
	if !variableName().MatchString(name) {
		return "", fmt.Errorf(`%q is not the name of a variable; write ${NAME}, ${NAME:default} or ${NAME:?message}, and "$${" for the two characters themselves`, name)
	}
	if name == "file" && hasFallback {
		path, _, err := e.expand(fallback, depth+1)
		if err != nil {
			return "", err
		}
		return secretFile(path)
	}
	if text, ok, err := e.named(name, depth); err != nil || ok {
		return text, err
	}
	message, required := strings.CutPrefix(fallback, "?")
	switch {
	case hasFallback && required:
		return "", fmt.Errorf("the variable %s is not set: %s", name, message)
	case hasFallback:
		text, _, err := e.expand(fallback, depth+1)
		return text, err
	default:
		return "", fmt.Errorf("the variable %s is not set; set it, or give it a default: ${%s:default}", name, name)
	}
}

// secretFile gives the content of a file without the end of its last line. Only a file proper is read: a configuration must not hang
// on a pipe or a device.
func secretFile(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case path == "":
		return "", errors.New("${file:} names no file; write ${file:/path/to/it}")
	case err != nil:
		return "", fmt.Errorf("the file of ${file:%s} cannot be read: %w; make it, or let the user of this process read it", path, errors.Unwrap(err))
	case !info.Mode().IsRegular() || info.Size() > maxExpanded:
		return "", fmt.Errorf("${file:%s} must name a file of at most 1 MiB, and no folder, pipe or device", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("the file of ${file:%s} cannot be read: %w; let the user of this process read it", path, errors.Unwrap(err))
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		return "", fmt.Errorf("the file of ${file:%s} is empty; write the value into it", path)
	}
	return text, nil
}

// named looks for an option of the configuration where the name has a dot, then for a variable.
func (e *expander) named(name string, depth int) (string, bool, error) {
	if strings.Contains(name, ".") {
		if v, ok := e.root.find(name); ok && v.kind == scalar {
			text, _, err := e.expand(v.source(), depth+1)
			return text, err == nil, err
		}
	}
	text, ok := e.lookup(name)
	return text, ok && text != "", nil
}
