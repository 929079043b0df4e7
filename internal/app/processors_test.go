package app

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/config"
)

func callOf(id int, action string) string {
	return fmt.Sprintf(`{"eventID":"e-%d","eventTime":"2026-01-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":%q,"awsRegion":"eu-west-1","userAgent":"aws-cli/2.15.0"}`, id, action)
}

// The rules of all inputs and of each sum up to what the accounting says was filtered.
func TestRulesBalance(t *testing.T) {
	var a, b []string
	for i := range 40 {
		a = append(a, "'"+callOf(i, "A"+strconv.Itoa(i%4))+"'")
		b = append(b, "'"+callOf(100+i, "A"+strconv.Itoa(i%5))+"'")
	}
	w := &world{}
	code, stdout, stderr := runApp(t, w, `
trailbeat.inputs:
  - {type: fake, id: a, records: [`+strings.Join(a, ",")+`]}
  - type: fake
    id: b
    tags: [own]
    fields: {site: north}
    processors:
      - drop_event: {id: second, when.equals.event.action: A2}
      - add_tags.tags: [b]
    records: [`+strings.Join(b, ",")+`]
tags: [common]
processors:
  - drop_event.when.equals.event.action: [A0, A1]
  - drop_event: {id: agents, when: {equals: {user_agent.name: aws-cli, event.action: A3}}}
  - rename.fields: [{from: nothing, to: labels.x}]
output.fake: {}
`, "run", "--once")
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "received 80 = 18 indexed + 0 duplicate + 62 filtered + 0 dead_lettered + 0 returned\n"+
		"  a: received 40 = 10 indexed + 0 duplicate + 30 filtered + 0 dead_lettered + 0 returned\n"+
		"  b: received 40 = 8 indexed + 0 duplicate + 32 filtered + 0 dead_lettered + 0 returned\n"+
		"  filtered by processors.0: 36\n  filtered by agents: 18\n  filtered by second: 8\n"+
		"  processor processors.2 (rename) failed 18 times; the documents were shipped, see the log\n")
	sum := 0
	for _, m := range regexp.MustCompile(`filtered by \S+: (\d+)`).FindAllStringSubmatch(stdout, -1) {
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		sum += n
	}
	assert.Equal(t, 62, sum)

	own := 0
	for _, text := range w.docs {
		var doc struct {
			Tags   []string
			Fields struct{ Site string }
			Error  struct{ Message []string }
		}
		require.NoError(t, json.Unmarshal([]byte(text), &doc))
		assert.Equal(t, []string{"processor rename (processors.2) failed: renaming nothing to labels.x: there is no such field in the document"}, doc.Error.Message)
		if doc.Fields.Site == "north" {
			own++
			assert.Equal(t, []string{"actor_target_mapping", "own", "common", "b", "processor_error"}, doc.Tags)
			continue
		}
		assert.Equal(t, []string{"actor_target_mapping", "forwarded", "aws-cloudtrail", "common", "processor_error"}, doc.Tags)
	}
	assert.Equal(t, 8, own)
}

// A file that is missing is said before anything is read.
func TestProcessorsThatCannotBeMade(t *testing.T) {
	code, _, stderr := runApp(t, &world{}, configOf("records: ['{}']\n    processors: [{add_account_names.path: none.csv}]", ""), "run", "--once")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, `opening input "a": making processor trailbeat.inputs.0.processors.0: reading account names: stat none.csv: no such file`)
	code, _, stderr = runApp(t, &world{}, configOf("records: []", ""), "map", "--processors", "x")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, `--processors: there are no processors in trailbeat.yml; list them below "processors:"`)
}

// A warning about a rule of all inputs is said once, and not where an input makes the field.
func TestNotes(t *testing.T) {
	text := `
trailbeat.inputs:
  - {type: fake, id: a}
  - {type: fake, id: b}
processors:
  - drop_event.when.has_fields: [eventSource]
  - if.equals.readOnly: "true"
    then: {add_tags.tags: [x]}
output.fake: {}
`
	s, err := resolve([]config.Source{{Name: "c.yml", Data: []byte(text)}}, nil, (&world{}).components())
	require.NoError(t, err)
	require.Len(t, s.notes, 2)
	assert.Equal(t, `c.yml:6:16: processors.0.drop_event.when: documents have no field "eventSource"; did you mean "event.provider"?`, s.notes[0].Error())
	assert.Equal(t, `c.yml:7:5: processors.1.if: documents have no field "readOnly"; did you mean "aws.cloudtrail.read_only"?`, s.notes[1].Error())
	for name, c := range map[string]struct{ text, want string }{
		"fields":      {"fields: {source.ip: x}\nfields_under_root: true\n", `fields.source.ip: field "source.ip" is of type ip`},
		"tags":        {"tags: ['']\n", "tags: holds an empty tag"},
		"no group":    {"processors: [drop_event]\n", "processors.0: is "},
		"empty":       {"processors: [{}]\n", "processors.0: must hold one processor, such as \"drop_event:\", with its options below it; it holds nothing"},
		"no if":       {"processors: [{if: ~, then: {add_tags.tags: [a]}}]\n", "processors.0.if: has no condition"},
		"beside if":   {"processors: [{if.has_fields: [a], els: {}}]\n", `processors.0.els: there is no such option; did you mean "else"?`},
		"deep":        {"processors: [{if.has_fields: [a], then: [{drop_fields: {}}], else: [{rename: {}}]}]\n", "processors.0.else.0.rename.fields: is missing"},
		"then":        {"processors: [{if.has_fields: [a], then: x}]\n", "processors.0.then: is the text \"x\", but must be a list"},
		"in a list":   {"processors: [{if.has_fields: [a], then: [x]}]\n", "processors.0.then.0: is the text \"x\", but must be a group"},
		"of an input": {"trailbeat.inputs: [{type: fake, fields: {source.ip: x}, fields_under_root: true}]\n", "trailbeat.inputs.0.fields.source.ip: field"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := resolve([]config.Source{{Name: "c.yml", Data: []byte(c.text)}}, nil, (&world{}).components())
			require.ErrorContains(t, err, c.want)
		})
	}
}
