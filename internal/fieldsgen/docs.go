package main

import (
	"bytes"
	"fmt"
	"strings"
)

// docsFile writes docs/fields.md: a table for each group at the top, and one for the fields that are in none.
func docsFile(root []*entry) ([]byte, error) {
	var out bytes.Buffer
	count := 0
	walk(root, func(e *entry) {
		if !e.group() {
			count++
		}
	})
	fmt.Fprintf(&out, docsHead, command, count)

	var base []*entry
	for _, e := range root {
		if !e.group() {
			base = append(base, e)
		}
	}
	section(&out, "Base", "Fields that stand in no group.", base)
	for _, e := range root {
		if e.group() {
			section(&out, e.Name, e.Description, e.Fields)
		}
	}
	return out.Bytes(), nil
}

const docsHead = `<!-- Written by "%s" from fields.yml. Do not edit. -->

# Fields

A document of Trailbeat has no other fields than these %d, unless a processor adds some. They are declared in
[fields.yml](../fields.yml), from which this page, the index templates and the Go package ` + "`ecs`" + ` are written.

- A field that a record gives no value for is absent. It is never null, empty or a dash.
- *list* marks fields whose value is always a list, also with one element.
- A keyword of more than 1,024 characters is stored and returned, but not searchable, unless another number is given.
- Further names, such as ` + "`user.name.text`" + `, index the same value in another way, for full text search.
- *flattened* is an object whose leaves are all searchable by key. In OpenSearch its type is ` + "`flat_object`" + `. In Elasticsearch
  a leaf of more than 8,191 characters is stored and not searchable: otherwise one such leaf would cost the document.
  OpenSearch knows no such limit, and refuses a document with a leaf of more than 32,766 bytes.
- A value that does not fit its type (a source.ip that is no address) is stored, and not indexed: the templates set
  ` + "`ignore_malformed`" + `, so no document is refused for it. Only @timestamp has to be right, since data streams demand it.
  Such fields are named in the document's ` + "`_ignored`" + `. A text in the place of an object, or an object in the place of a
  text, is what may still be refused.
- Strings in fields that are not declared (as in ` + "`labels`" + ` or ` + "`aws.cloudtrail.resources`" + `) become keywords. Beyond 2,000 fields,
  Elasticsearch stores new ones without indexing them.
- The templates need Elasticsearch 8.14 or OpenSearch 2.14, or newer. In OpenSearch data_stream.dataset and .namespace are plain
  keywords, as a constant_keyword there demands a value beforehand.
- Dates take up to nine digits of fractions. The mapping writes three; event.created keeps those of its source.
`

func section(out *bytes.Buffer, title, text string, list []*entry) {
	fmt.Fprintf(out, "\n## %s\n\n%s\n\n| Field | Type | Description |\n|---|---|---|\n", title, text)
	walk(list, func(e *entry) {
		if e.list() {
			fmt.Fprintf(out, "| %s | objects, list | %s |\n", e.path, e.Description)
		}
		if !e.group() {
			fmt.Fprintf(out, "| %s | %s | %s |\n", e.path, typeText(e), e.Description)
		}
		for _, m := range e.MultiFields {
			fmt.Fprintf(out, "| %s.%s | %s | The words of %s. |\n", e.path, m.Name, m.Type, e.path)
		}
	})
}

// typeText is the type with what is special about the field.
func typeText(e *entry) string {
	parts := []string{e.Type}
	if e.array() {
		parts = append(parts, "list")
	}
	if n := e.ignoreAbove(); n > 0 && n != defaultIgnoreAbove {
		parts = append(parts, fmt.Sprintf("up to %d characters", n))
	}
	if !e.indexed() {
		parts = append(parts, "not searchable")
	}
	if e.Value != "" {
		parts = append(parts, "always "+e.Value)
	}
	return strings.Join(parts, ", ")
}
