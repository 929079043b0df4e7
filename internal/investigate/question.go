package investigate

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

//go:embed questions/*.sql
var files embed.FS

// Question is one that is ready to be asked.
type Question struct {
	// Name is that of its file.
	Name string
	// Title says in short what is asked, About what must be known to read the answer.
	Title, About string
	// Of says what --of is: empty where the question needs nothing. Optional says that it may be left out.
	Of       string
	Optional bool
	// SQL is one SELECT. It may hold :of, :from and :to.
	SQL string
}

// Needs reports whether the question cannot be asked without a value.
func (q *Question) Needs() bool { return q.Of != "" && !q.Optional }

// Values are what a question is about.
type Values struct {
	// Of is the key, address, role and so on. Empty: none.
	Of string
	// From and To bound the time of events: From <= time < To. Zero: no bound.
	From, To time.Time
}

// timeFormat is that of the column time.
const timeFormat = "2006-01-02T15:04:05.000Z"

// parameters by name; nil is null.
func (v Values) parameters() map[string]any {
	p := map[string]any{"of": nil, "from": nil, "to": nil}
	if v.Of != "" {
		p["of"] = v.Of
	}
	if !v.From.IsZero() {
		p["from"] = v.From.UTC().Format(timeFormat)
	}
	if !v.To.IsZero() {
		p["to"] = v.To.UTC().Format(timeFormat)
	}
	return p
}

var parameter = lazyregexp.New(`:(of|from|to)\b`)

// optional is a condition that holds where its parameter is null. It has at most one pair of brackets within.
var optional = lazyregexp.New(`\(:(of|from|to) IS NULL OR ((?:[^()]|\([^()]*\))*)\)`)

// Text is the question with its values written into it, to be changed and asked with any tool that reads SQLite. Conditions on values
// that are not given are left out.
func (q *Question) Text(v Values) string {
	p := v.parameters()
	text := optional().ReplaceAllStringFunc(q.SQL, func(condition string) string {
		m := optional().FindStringSubmatch(condition)
		if p[m[1]] == nil {
			return "TRUE"
		}
		return "(" + m[2] + ")"
	})
	for _, empty := range []string{" AND TRUE", "TRUE AND "} {
		text = strings.ReplaceAll(text, empty, "")
	}
	return parameter().ReplaceAllStringFunc(strings.ReplaceAll(text, "\nWHERE TRUE", ""), func(name string) string {
		text, ok := p[name[1:]].(string)
		if !ok {
			return "NULL"
		}
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	})
}

// Questions are all of them, in the order of their names.
func Questions() []Question {
	entries, err := files.ReadDir("questions")
	if err != nil {
		panic("reading the questions: " + err.Error()) // they are in the binary
	}
	var all []Question
	for _, e := range entries {
		text, err := files.ReadFile(path.Join("questions", e.Name()))
		if err != nil {
			panic("reading the questions: " + err.Error())
		}
		all = append(all, parse(strings.TrimSuffix(e.Name(), ".sql"), string(text)))
	}
	return all
}

// parse reads the head of a file: lines "-- title: ", "-- about: " (several) and "-- of: " or "-- of, optional: ".
func parse(name, text string) Question {
	q := Question{Name: name}
	for {
		line, rest, _ := strings.Cut(text, "\n")
		head, value, ok := strings.Cut(line, ": ")
		if !ok || !strings.HasPrefix(line, "-- ") {
			break
		}
		switch head {
		case "-- title":
			q.Title = value
		case "-- about":
			q.About = strings.TrimSpace(q.About + " " + value)
		case "-- of":
			q.Of = value
		case "-- of, optional":
			q.Of, q.Optional = value, true
		}
		text = rest
	}
	q.SQL = strings.TrimSpace(text)
	return q
}

// Find gives the question with that name.
func Find(name string) (Question, error) {
	all := Questions()
	if i := slices.IndexFunc(all, func(q Question) bool { return q.Name == name }); i >= 0 {
		return all[i], nil
	}
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	return Question{}, fmt.Errorf("there is no question %q; there are %s", name, strings.Join(names, ", "))
}
