package elasticsearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// letterMappings take any dead letter: nothing in them can refuse a value, as no field is made of what a record holds.
// The record itself and what is needed to send it again are kept and not indexed.
const letterMappings = `{
	"dynamic": false, "date_detection": false,
	"properties": {
		"@timestamp": {"type": "date"},
		"event": {"properties": {
			"original": {"type": "keyword", "index": false, "doc_values": false},
			"dataset": {"type": "keyword", "ignore_above": 1024}, "kind": {"type": "keyword", "ignore_above": 1024},
			"module": {"type": "keyword", "ignore_above": 1024}}},
		"error": {"properties": {
			"message": {"type": "text"}, "type": {"type": "keyword", "ignore_above": 1024}, "code": {"type": "keyword", "ignore_above": 1024}}},
		"tags": {"type": "keyword", "ignore_above": 1024},
		"data_stream": {"properties": {
			"type": {"type": "keyword", "ignore_above": 1024}, "dataset": {"type": "keyword", "ignore_above": 1024},
			"namespace": {"type": "keyword", "ignore_above": 1024}}},
		"input": {"properties": {"type": {"type": "keyword", "ignore_above": 1024}}},
		"log": {"properties": {"offset": {"type": "long"},
			"file": {"properties": {"path": {"type": "keyword", "ignore_above": 8191}}}}},
		"aws": {"properties": {
			"s3": {"properties": {
				"bucket": {"properties": {"name": {"type": "keyword", "ignore_above": 1024}, "arn": {"type": "keyword", "ignore_above": 1024}}},
				"object": {"properties": {"key": {"type": "keyword", "ignore_above": 8191}}}}},
			"cloudwatch": {"properties": {
				"log_group": {"type": "keyword", "ignore_above": 1024}, "log_stream": {"type": "keyword", "ignore_above": 1024}}}}},
		"cloud": {"properties": {"provider": {"type": "keyword", "ignore_above": 1024}, "region": {"type": "keyword", "ignore_above": 1024}}},
		"trailbeat": {"properties": {"dead_letter": {"type": "object", "enabled": false}}}
	}
}`

// letterPriority is above the templates of the server for all logs.
const letterPriority = 500

// buildLetterTemplate makes the index template of dead letters. Number of shards and replicas are those of the server,
// unless the settings of the template of documents say otherwise.
func buildLetterTemplate(name string, conf TemplateConfig) (Template, error) {
	return plainTemplate(name, letterMappings, conf)
}

// plainTemplate makes the index template of a data stream that is not one of records.
func plainTemplate(name, text string, conf TemplateConfig) (Template, error) {
	pattern := name
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		pattern = name[:i] // all namespaces
	}
	settings := map[string]any{}
	if err := overlay(settings, conf.Settings); err != nil {
		return Template{}, err
	}
	var mappings map[string]any
	if err := json.Unmarshal([]byte(text), &mappings); err != nil {
		return Template{}, fmt.Errorf("parsing the mappings of %s: %w", name, err)
	}
	patterns := []any{pattern}
	if pattern != name {
		patterns = []any{pattern + "-*"}
	}
	root := map[string]any{
		"index_patterns": patterns, "priority": letterPriority, "data_stream": map[string]any{},
		"template": map[string]any{"settings": settings, "mappings": mappings},
	}
	return seal(Template{Name: managedBy + "-" + pattern}, root)
}

// SetupLetters installs the index template of the data stream that dead letters go to: the Index of the output. It goes by
// the same rules as Setup.
func (o *Output) SetupLetters(ctx context.Context, conf TemplateConfig, opts SetupOptions) (SetupReport, error) {
	server, err := o.Server(ctx)
	if err != nil {
		return SetupReport{}, err
	}
	t, err := buildLetterTemplate(o.index, conf)
	if err != nil {
		return SetupReport{}, fatalf("setup.template: %w", err)
	}
	return o.install(ctx, server, t, conf, opts)
}

// PrepareLetters is what a run does before its first dead letter: it installs their template, if that is enabled, and makes
// sure that they can be stored. Errors are those of SetupLetters and CheckReady.
func (o *Output) PrepareLetters(ctx context.Context, conf TemplateConfig) error {
	if conf.Enabled {
		_, err := o.SetupLetters(ctx, conf, SetupOptions{})
		switch {
		case errors.Is(err, errMayNotSetup):
			o.log.WarnContext(ctx, "the template of dead letters is not installed or checked, as the credentials do not allow it")
		case err != nil:
			return err
		}
	}
	return o.CheckReady(ctx)
}
