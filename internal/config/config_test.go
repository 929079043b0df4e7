package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sample has a field of every kind that an option can be.
type sample struct {
	Name     string            `config:"name"`
	Count    int               `config:"count"`
	Small    uint8             `config:"small"`
	Ratio    float64           `config:"ratio"`
	On       bool              `config:"on"`
	Maybe    *bool             `config:"maybe"`
	Timeout  time.Duration     `config:"timeout"`
	Size     int64             `config:"size,bytes"`
	Password string            `config:"password,secret"`
	Hosts    []string          `config:"hosts"`
	Numbers  []int             `config:"numbers"`
	Headers  map[string]string `config:"headers"`
	Free     map[string]any    `config:"free"`
	Backoff  backoff           `config:"backoff"`
	Optional *backoff          `config:"optional"`
	Rules    []rule            `config:"rules"`
	Shared   `config:",inline"`
	Blocks   []block             `config:"blocks"`
	Output   map[string]*Section `config:"output"`
	Missing  bool                `config:"missing"`
	Untagged string
}

type backoff struct {
	Init time.Duration `config:"init"`
	Max  time.Duration `config:"max"`
}

type rule struct {
	Field string `config:"field"`
	Limit int    `config:"limit"`
}

func (r *rule) SetDefaults() { r.Limit = 7 }

type Shared struct {
	Region string `config:"region"`
}

type block struct {
	Type string   `config:"type"`
	Rest *Section `config:",inline"`
}

func (s *sample) Validate() error {
	var errs []error
	if s.Backoff.Init < 0 {
		errs = append(errs, fmt.Errorf("backoff.init: must be > 0, is %s", s.Backoff.Init))
	}
	if s.Missing && s.Name == "" {
		errs = append(errs, errors.New("name: must not be empty"))
	}
	if s.Name == "bad" {
		errs = append(errs, errors.New("name: must not be bad"))
	}
	for i, r := range s.Rules {
		if r.Limit < 0 {
			errs = append(errs, fmt.Errorf("rules[%d].limit: must be from 0", i))
		}
	}
	if s.Count == 13 {
		errs = append(errs, errors.New("the whole is out of luck"))
	}
	return errors.Join(errs...)
}

func defaults() *sample {
	return &sample{Count: 1600, On: true, Timeout: 90 * time.Second, Backoff: backoff{Init: time.Second, Max: time.Minute}}
}

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func load(t *testing.T, opts Options, texts ...string) (*sample, error) {
	t.Helper()
	var sources []Source
	for i, text := range texts {
		sources = append(sources, Source{Name: fmt.Sprintf("%c.yml", 'a'+i), Data: []byte(text)})
	}
	if opts.Lookup == nil {
		opts.Lookup = env()
	}
	tree, err := Load(sources, opts)
	if err != nil {
		return nil, err
	}
	s := defaults()
	return s, tree.Decode(s)
}

func TestDecodeFillsEveryKind(t *testing.T) {
	s, err := load(t, Options{}, `
name: 0123                # stays as it is written
count: 5
small: 255
ratio: 0.25
on: false
maybe: true
timeout: 1m30s
size: 10MiB
password: p
hosts: one                # a single value is a list of one
numbers: [1, 2]
headers: {X.Forwarded.For: a, plain: 1}
free: {a: 1, b: [true, 2.5, x], c: {d: ~}}
backoff.init: 2s
optional: {max: 3}
region: eu-west-1
rules:
  - field: f
  - {field: g, limit: 1}
blocks:
  - type: file
    paths: [p]
output.console: {pretty: true}
`)
	require.NoError(t, err)
	yes := true
	blocks, out := s.Blocks, s.Output
	s.Blocks, s.Output = nil, nil
	assert.Equal(t, &sample{
		Name: "0123", Count: 5, Small: 255, Ratio: 0.25, On: false, Maybe: &yes, Timeout: 90 * time.Second, Size: 10 << 20,
		Password: "p", Hosts: []string{"one"}, Numbers: []int{1, 2},
		Headers: map[string]string{"X.Forwarded.For": "a", "plain": "1"},
		Free:    map[string]any{"a": int64(1), "b": []any{true, 2.5, "x"}, "c": map[string]any{"d": nil}},
		Backoff: backoff{Init: 2 * time.Second, Max: time.Minute}, Optional: &backoff{Max: 3 * time.Second},
		Rules: []rule{{"f", 7}, {"g", 1}}, Shared: Shared{Region: "eu-west-1"},
	}, s)

	require.Len(t, blocks, 1)
	assert.Equal(t, "file", blocks[0].Type)
	assert.Equal(t, "blocks.0", blocks[0].Rest.Path())
	var inner struct {
		Paths []string `config:"paths"`
	}
	require.NoError(t, blocks[0].Rest.Decode(&inner))
	assert.Equal(t, []string{"p"}, inner.Paths)
	assert.True(t, out["console"].Has("pretty"))
	assert.False(t, out["console"].Has("pretty.x"))
	assert.Equal(t, "a.yml:24:8", out["console"].Position().String())
}

func TestDefaultsStayWhereNothingIsSet(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "~", "count:\nbackoff:\nrules: null\n"} {
		s, err := load(t, Options{}, text)
		require.NoError(t, err, text)
		assert.Equal(t, defaults(), s, text)
	}
}

func TestAGroupWithNothingInItHasItsDefaults(t *testing.T) {
	s, err := load(t, Options{}, "output:\n  console:\n")
	require.NoError(t, err)
	require.NotNil(t, s.Output["console"])
	var inner struct {
		Pretty bool `config:"pretty"`
	}
	require.NoError(t, s.Output["console"].Decode(&inner))
	assert.Equal(t, "a.yml:2:3", s.Output["console"].Position().String())
}

func TestNamesNestedDottedAndMixed(t *testing.T) {
	for _, text := range []string{
		"backoff:\n  init: 3s\n  max: 4s\n",
		"backoff.init: 3s\nbackoff.max: 4s\n",
		"backoff: {init: 3s}\nbackoff.max: 4s\n",
		"backoff.max: 4s\nbackoff: {init: 3s}\n",
		"base: &b {init: 3s}\nbackoff: {<<: *b, max: 4s}\n",
		"base: &b {init: 9s, max: 4s}\nbackoff: {<<: [*b], init: 3s}\n",
	} {
		var got struct {
			Base    any     `config:"base"`
			Backoff backoff `config:"backoff"`
		}
		tree, err := Load([]Source{{"a.yml", []byte(text)}}, Options{})
		require.NoError(t, err, text)
		require.NoError(t, tree.Decode(&got), text)
		assert.Equal(t, backoff{3 * time.Second, 4 * time.Second}, got.Backoff, text)
	}
}

func TestMergeOfFilesAndOverrides(t *testing.T) {
	base := "name: base\nhosts: [a, b]\nbackoff: {init: 1s, max: 2s}\nrules: [{field: x}, {field: y}]\npassword: ${UNSET}\n"
	over := "hosts: [c]\nbackoff.max: 9s\npassword: ok\n"
	s, err := load(t, Options{Overrides: []string{"name=over=ride", "rules.1.field=z", "rules.2={field: new}", "numbers=[4]", "region=", "free.dash=-"}}, base, over)
	require.NoError(t, err)
	assert.Equal(t, "over=ride", s.Name)
	assert.Equal(t, []string{"c"}, s.Hosts, "lists are replaced")
	assert.Equal(t, backoff{time.Second, 9 * time.Second}, s.Backoff, "groups are merged")
	assert.Equal(t, []rule{{"x", 7}, {"z", 7}, {"new", 7}}, s.Rules)
	assert.Equal(t, []int{4}, s.Numbers)
	assert.Equal(t, map[string]any{"dash": "-"}, s.Free)
	assert.Equal(t, "ok", s.Password, "a variable that is replaced need not be set")
}

func TestAliases(t *testing.T) {
	opts := Options{Aliases: map[string]string{"filebeat.inputs": "blocks", "old.deep.name": "backoff.max"}}
	s, err := load(t, opts, "filebeat.inputs: [{type: x}]\nold.deep.name: 5s\n")
	require.NoError(t, err)
	require.Len(t, s.Blocks, 1)
	assert.Equal(t, 5*time.Second, s.Backoff.Max)

	_, err = load(t, opts, "filebeat.inputs: []\nblocks: []\n")
	assert.EqualError(t, err, "a.yml:1:10: filebeat.inputs: is another name of blocks, which line 2 sets too; leave one of them")
}

func TestVariables(t *testing.T) {
	lookup := env("HOST", "h", "EMPTY", "", "LIST", "a, b,c", "ODD", "x: [${HOST} #", "N", "12", "path.data", "/var/data")
	for _, c := range []struct{ text, want string }{
		{"name: ${HOST}", "h"},
		{"name: 'pre-${HOST}-post'", "pre-h-post"},
		{"name: ${NONE:default}", "default"},
		{"name: ${EMPTY:default}", "default"},
		{"name: ${NONE:}", ""},
		{"name: ${NONE:http://x:9200/}", "http://x:9200/"},
		{"name: ${NONE:${HOST}-${NONE:y}}", "h-y"},
		{"name: ${HOST:?must be there}", "h"},
		{"name: ${ODD}", "x: [${HOST} #"},
		{"name: $${HOST} $HOST $ {}", "${HOST} $HOST $ {}"},
		{"name: ${path.data}/deadletter", "/var/data/deadletter"},
		{"# ${NONE}\nname: x # ${NONE}", "x"},
	} {
		s, err := load(t, Options{Lookup: lookup}, c.text)
		require.NoError(t, err, c.text)
		assert.Equal(t, c.want, s.Name, c.text)
	}
	s, err := load(t, Options{Lookup: lookup, Overrides: []string{"region=${HOST}"}},
		"hosts: ${LIST}\ncount: ${N}\nnumbers: ${N}\nname: ${region:env}/${free.a}\nfree.a: ${HOST}2\n")
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "c"}, s.Hosts, "a variable for a list is split at commas")
	assert.Equal(t, 12, s.Count)
	assert.Equal(t, []int{12}, s.Numbers)
	assert.Equal(t, "env/h2", s.Name, "a name with a dot is another option; one without is the environment's")
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		overrides  []string
	}{
		"near name":         {text: "host: x", want: `a.yml:1:1: host: there is no such option; did you mean "hosts"?`},
		"swapped letters":   {text: "backoff.inti: 1s", want: `a.yml:1:9: backoff.inti: there is no such option; did you mean "init"?`},
		"far name":          {text: "backoff:\n  wobble: 1", want: `a.yml:2:3: backoff.wobble: there is no such option; these exist here: init, max`},
		"text for a number": {text: "count: many", want: `a.yml:1:8: count: is the text "many", but must be a whole number, for example 1600`},
		"real number":       {text: "count: 1.5", want: `a.yml:1:8: count: is the number 1.5, but must be a whole number, for example 1600`},
		"too large":         {text: "small: 256", want: `a.yml:1:8: small: is the number 256, but must be a whole number from 0, for example 1`},
		"negative":          {text: "small: -1", want: `a.yml:1:8: small: is the number -1, but must be a whole number from 0, for example 1`},
		"yes":               {text: "on: yes", want: `a.yml:1:5: on: is the text "yes", but must be true or false`},
		"duration":          {text: "timeout: soon", want: `a.yml:1:10: timeout: is the text "soon", but must be a duration, for example 1m30s`},
		"size":              {text: "size: 10 parsecs", want: `a.yml:1:7: size: is the text "10 parsecs", but must be a size in bytes, for example 10MiB`},
		"nan":               {text: "ratio: .nan", want: `a.yml:1:8: ratio: is the number .nan, but must be a number, for example 0.5`},
		"list for text":     {text: "name: [a]", want: `a.yml:1:7: name: is a list, but must be text`},
		"secret not told":   {text: "password: {sesame: 1}", want: `a.yml:1:11: password: is a group of options, but must be text`},
		"group for list":    {text: "hosts: {a: b}", want: `a.yml:1:8: hosts: is a group of options, but must be a list, each element on a line of its own after "- "`},
		"text for group":    {text: "backoff: 5s", want: `a.yml:1:10: backoff: is the text "5s", but must be a group of options, one below the other`},
		"text for section":  {text: "output: {console: true}", want: `a.yml:1:19: output.console: is true, but must be a group of options`},
		"text for map":      {text: "headers: x", want: `a.yml:1:10: headers: is the text "x", but must be a group of names with values`},
		"list in list":      {text: "hosts: [[a]]", want: `a.yml:1:9: hosts.0: is a list, but must be text`},
		"empty element":     {text: "hosts:\n  -\n  - a", want: `a.yml:2:4: hosts.0: is an empty element; give it a value or remove its line`},
		"twice":             {text: "name: a\nname: b", want: `a.yml:2:1: name: is set twice, first in line 1; leave one of them`},
		"twice, spelt otherwise": {text: "backoff: {init: 1s}\nbackoff.init: 2s",
			want: `a.yml:2:9: backoff.init: is set twice, first in line 1; leave one of them`},
		"twice, group and value": {text: "backoff: x\nbackoff.init: 2s",
			want: `a.yml:2:1: backoff: is set twice, first in line 1; leave one of them`},
		"empty part":              {text: "backoff..init: 2s", want: `a.yml:1:1: the name "backoff..init" has an empty part; names are joined with single dots`},
		"odd name":                {text: "? [a]\n: b", want: `a.yml:1:3: the name of an option must be plain text, followed by a colon`},
		"not a group":             {text: "- a", want: `a.yml:1:1: is a list, but must be a group of options, such as "output.console:" with options below it`},
		"syntax":                  {text: "name: a\n  b: c\n", want: `a.yml:2:1: here or just below is no valid YAML: mapping values are not allowed in this context`},
		"two documents":           {text: "name: a\n---\nname: b\n", want: `a.yml:2:1: here or just below is no valid YAML: a second document begins here; a configuration file holds one`},
		"unset":                   {text: "name: ${NOPE}", want: `a.yml:1:7: name: the variable NOPE is not set; set it, or give it a default: ${NOPE:default}`},
		"required":                {text: "name: ${NOPE:?ask Ann}", want: `a.yml:1:7: name: the variable NOPE is not set: ask Ann`},
		"not closed":              {text: "name: ${NOPE", want: `a.yml:1:7: name: a variable is not closed: "${" needs a "}" (write "$${" for the two characters themselves)`},
		"no name":                 {text: "name: ${}", want: `a.yml:1:7: name: "" is not the name of a variable; write ${NAME}, ${NAME:default} or ${NAME:?message}, and "$${" for the two characters themselves`},
		"circle":                  {text: "free: {a: \"${free.b}\", b: \"${free.a}\"}", want: "a.yml:1:11: free.a: the variables name each other in a circle; give one of them a value of its own\na.yml:1:27: free.b: the variables name each other in a circle; give one of them a value of its own"},
		"variable kept":           {text: "count: ${WORD}", want: `a.yml:1:8: count: is the value of "${WORD}", but must be a whole number, for example 1600`},
		"validation":              {text: "name: bad\nbackoff:\n  init: -1s\n", want: "a.yml:1:7: name: must not be bad\na.yml:3:9: backoff.init: must be > 0, is -1s"},
		"of an element":           {text: "rules:\n  - limit: -1\n", want: "a.yml:2:12: rules.0.limit: must be from 0"},
		"of the whole":            {text: "count: 13", want: "a.yml:1:1: the whole is out of luck"},
		"all at once":             {text: "name: bad\ncount: x\nwhat: 1\non: 2", want: "a.yml:1:7: name: must not be bad\na.yml:2:8: count: is the text \"x\", but must be a whole number, for example 1600\na.yml:3:1: what: there is no such option; these exist here: backoff, blocks, count, free, headers, hosts, maybe, missing, name, numbers, on, optional, output, password, ratio, region, rules, size, small, timeout\na.yml:4:5: on: is the number 2, but must be true or false"},
		"override":                {overrides: []string{"backoff.init=never"}, want: `-E backoff.init:1:14: backoff.init: is the text "never", but must be a duration, for example 1s`},
		"misspelt and so missing": {text: "nam: bad\nmissing: true", want: `a.yml:1:1: nam: there is no such option; did you mean "name"?`},
		"override name":           {overrides: []string{"naem=x"}, want: `-E naem:1:1: naem: there is no such option; did you mean "name"?`},
		"override no =":           {overrides: []string{"hunter2"}, want: `-E:1:1: there is no "=" in it; write -E name=value, for example -E output.console.pretty=true`},
		"override no name":        {overrides: []string{"=x"}, want: `-E :1:1: the name before "=" has an empty part; write -E name=value, for example -E output.console.pretty=true`},
		"override element":        {text: "hosts: [a]", overrides: []string{"hosts.5=x"}, want: `-E hosts.5:1:7: hosts.5: there is no element 5 in a list of 1; elements count from 0, and 1 adds one`},
		"merge key":               {text: "<<: 5", want: `a.yml:1:5: a merge key (<<) takes a group of options, or a list of them`},
		"too deep":                {text: "free: " + strings.Repeat("[", 70) + strings.Repeat("]", 70), want: "a.yml:1:71: free" + strings.Repeat(".0", 64) + ": this is nested too deeply or, through aliases, too large; write it flatter"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, Options{Overrides: c.overrides, Lookup: env("WORD", "secret-word")}, c.text)
			require.Error(t, err)
			assert.Equal(t, c.want, err.Error())
			assert.ErrorAs(t, err, &Errors{})
		})
	}
}

func TestErrorsOfSeveralFilesKeepTheirOrder(t *testing.T) {
	_, err := load(t, Options{Overrides: []string{"on=2"}}, "count: x\nname: [1]", "\n\n\nsmall: x")
	require.Error(t, err)
	var at []string
	var errs Errors
	require.ErrorAs(t, err, &errs)
	for _, e := range errs {
		at = append(at, e.Pos.String())
	}
	assert.Equal(t, []string{"a.yml:1:8", "a.yml:2:7", "b.yml:4:8", "-E on:1:4"}, at)
}

func TestAliasBombIsRefused(t *testing.T) {
	var text strings.Builder
	text.WriteString("free:\n  a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&text, "  a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), i-1)
	}
	_, err := load(t, Options{}, text.String())
	require.ErrorContains(t, err, "too large")
	assert.Less(t, len(err.Error()), 1000)
}

func TestSection(t *testing.T) {
	s, err := load(t, Options{}, "blocks:\n  - type: file\n    tpye: x\n    paths: 5\n")
	require.NoError(t, err)
	var inner struct {
		Depth int `config:"depth"`
		Paths int `config:"paths"`
	}
	err = s.Blocks[0].Rest.Decode(&inner)
	assert.EqualError(t, err, `a.yml:3:5: blocks.0.tpye: there is no such option; did you mean "type"?`, "names around the section are known too")
	assert.EqualError(t, s.Blocks[0].Rest.Errorf("paths", "is %d", 5), "a.yml:4:12: blocks.0.paths: is 5")
	assert.EqualError(t, s.Blocks[0].Rest.Errorf("absent.name", "is needed"), "a.yml:2:5: blocks.0.absent.name: is needed")
	assert.EqualError(t, s.Blocks[0].Rest.Errorf("type", "is odd"), "a.yml:2:11: blocks.0.type: is odd", "also where the struct around took it")
	assert.EqualError(t, s.Blocks[0].Rest.Errorf("", "is wrong"), "a.yml:2:5: blocks.0: is wrong")
}

func TestUnknown(t *testing.T) {
	assert.Equal(t, `did you mean "file"?`, Unknown("flie", []string{"file", "console"}))
	assert.Equal(t, "these exist: console, file", Unknown("kafka", []string{"file", "console"}))
}

func TestReadFiles(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.yml")
	require.NoError(t, os.WriteFile(name, []byte("name: x"), 0o600))
	sources, err := ReadFiles(name)
	require.NoError(t, err)
	assert.Equal(t, []Source{{Name: name, Data: []byte("name: x")}}, sources)
	_, err = ReadFiles(filepath.Join(dir, "none.yml"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = ReadFiles(dir)
	assert.ErrorContains(t, err, "-c takes a YAML file")
}

func TestMistakesOfTheProgramPanic(t *testing.T) {
	tree, err := Load(nil, Options{})
	require.NoError(t, err)
	assert.Panics(t, func() { _ = tree.Decode(sample{}) })
	assert.Panics(t, func() {
		_ = tree.Decode(&struct {
			A int `config:"a,odd"`
		}{})
	})
	assert.Panics(t, func() {
		_ = tree.Decode(&struct {
			A int `config:",secret"`
		}{})
	})
}
