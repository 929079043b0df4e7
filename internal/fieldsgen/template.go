package main

import (
	"bytes"
	"encoding/json"
)

const (
	// templateVersion is to be raised with each change of the templates' content.
	templateVersion = 1
	// templatePriority is above that of the templates that come with the engines (100 to 250).
	templatePriority = 500
	indexPattern     = "logs-aws.cloudtrail-*"

	// flattenedIgnoreAbove keeps one long leaf of a flattened object from costing the whole document: at three bytes a
	// character, and with its key, it stays below the 32,766 bytes that a term can have.
	flattenedIgnoreAbove = 8191
	// flattenedDepth is as deep as a record can be: the engine's own limit for JSON.
	flattenedDepth = 1000
	totalFields    = 2000
)

// engine is what differs between the search engines.
type engine struct {
	flattened map[string]any // mapping of a flattened field
	constant  map[string]any // mapping of a constant_keyword whose value is not known beforehand
	settings  map[string]any // index settings that only this engine knows
}

func elasticsearchTemplate(root []*entry) ([]byte, error) {
	return template(root, engine{
		flattened: map[string]any{"type": "flattened", "ignore_above": flattenedIgnoreAbove, "depth_limit": flattenedDepth},
		constant:  map[string]any{"type": "constant_keyword"},
		settings:  map[string]any{"ignore_dynamic_beyond_limit": true},
	})
}

func openSearchTemplate(root []*entry) ([]byte, error) {
	return template(root, engine{
		flattened: map[string]any{"type": "flat_object"},
		constant:  map[string]any{"type": "keyword", "ignore_above": defaultIgnoreAbove}, // it demands a value
	})
}

// template writes an index template: a data stream whose documents are mapped as fields.yml says.
//
// Nothing must be lost to the mapping, so malformed values (an ip that is none) are stored and not indexed, and strings
// that are not declared become keywords. Only @timestamp has to be right, since a data stream needs it.
func template(root []*entry, eng engine) ([]byte, error) {
	limits := map[string]any{"limit": totalFields}
	for k, v := range eng.settings {
		limits[k] = v
	}
	templates := []any{}
	walk(root, func(e *entry) {
		if e.Type == "object" {
			for _, kind := range []string{"boolean", "double", "long", "string"} { // not "*", which would take objects, too
				match := map[string]any{"path_match": e.path + ".*", "match_mapping_type": kind}
				templates = append(templates, dynamic(e.path+"."+kind, match, e.ObjectType))
			}
		}
	})
	templates = append(templates, dynamic("strings_as_keyword", map[string]any{"match_mapping_type": "string"}, "keyword"))

	body := map[string]any{
		"index_patterns": []string{indexPattern},
		"data_stream":    map[string]any{},
		"priority":       templatePriority,
		"version":        templateVersion,
		"_meta": map[string]any{
			"managed_by":  "trailbeat",
			"version":     templateVersion,
			"description": "AWS CloudTrail events as ECS documents",
		},
		"template": map[string]any{
			"settings": map[string]any{
				"index": map[string]any{
					"mapping": map[string]any{"total_fields": limits, "ignore_malformed": true},
				},
			},
			"mappings": map[string]any{
				"_meta":             map[string]any{"managed_by": "trailbeat", "version": templateVersion},
				"date_detection":    false,
				"dynamic_templates": templates,
				"properties":        properties(root, eng),
			},
		},
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(body)
	return out.Bytes(), err
}

func dynamic(name string, match map[string]any, kind string) map[string]any {
	mapping := map[string]any{"type": kind}
	if kind == "keyword" {
		mapping["ignore_above"] = defaultIgnoreAbove
	}
	match["mapping"] = mapping
	return map[string]any{name: match}
}

func properties(list []*entry, eng engine) map[string]any {
	out := make(map[string]any, len(list))
	for _, e := range list {
		out[e.Name] = property(e, eng)
	}
	return out
}

func property(e *entry, eng engine) map[string]any {
	switch e.Type {
	case "group":
		return map[string]any{"properties": properties(e.Fields, eng)}
	case "flattened":
		return eng.flattened
	case "object":
		return map[string]any{"type": "object", "dynamic": true}
	case "constant_keyword":
		if e.Value == "" {
			return eng.constant
		}
	}
	p := map[string]any{"type": e.Type}
	if n := e.ignoreAbove(); n > 0 {
		p["ignore_above"] = n
	}
	if !e.indexed() {
		p["index"] = false
	}
	if !e.sorted() {
		p["doc_values"] = false
	}
	if e.Value != "" {
		p["value"] = e.Value
	}
	if e.path == "@timestamp" {
		p["ignore_malformed"] = false // a data stream insists on it
	}
	if len(e.MultiFields) > 0 {
		multi := map[string]any{}
		for _, m := range e.MultiFields {
			multi[m.Name] = map[string]any{"type": m.Type}
		}
		p["fields"] = multi
	}
	return p
}
