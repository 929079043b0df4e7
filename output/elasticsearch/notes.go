package elasticsearch

import (
	"context"
	"errors"
)

// noteMappings are those of what Trailbeat itself says of the past (integrity.data_stream).
const noteMappings = `{
	"dynamic": false, "date_detection": false,
	"properties": {
		"@timestamp": {"type": "date"},
		"agent": {"properties": {
			"id": {"type": "keyword", "ignore_above": 1024}, "name": {"type": "keyword", "ignore_above": 1024},
			"type": {"type": "keyword", "ignore_above": 1024}, "version": {"type": "keyword", "ignore_above": 1024}}},
		"cloud": {"properties": {
			"account": {"properties": {"id": {"type": "keyword", "ignore_above": 1024}}},
			"provider": {"type": "keyword", "ignore_above": 1024}, "region": {"type": "keyword", "ignore_above": 1024}}},
		"data_stream": {"properties": {
			"type": {"type": "keyword", "ignore_above": 1024}, "dataset": {"type": "keyword", "ignore_above": 1024},
			"namespace": {"type": "keyword", "ignore_above": 1024}}},
		"event": {"properties": {
			"action": {"type": "keyword", "ignore_above": 1024}, "outcome": {"type": "keyword", "ignore_above": 1024},
			"dataset": {"type": "keyword", "ignore_above": 1024}, "module": {"type": "keyword", "ignore_above": 1024},
			"start": {"type": "date"}, "end": {"type": "date"}}},
		"trailbeat": {"properties": {"integrity": {"properties": {
			"check": {"type": "keyword", "ignore_above": 1024}, "complete": {"type": "boolean"},
			"input": {"type": "keyword", "ignore_above": 1024}, "trail": {"type": "keyword", "ignore_above": 1024},
			"digest": {"type": "keyword", "ignore_above": 8191}, "result": {"type": "keyword", "ignore_above": 1024},
			"reason": {"type": "keyword", "ignore_above": 1024},
			"files": {"properties": {
				"valid": {"type": "long"}, "missing": {"type": "long"}, "altered": {"type": "long"}, "unsigned": {"type": "long"},
				"not_covered": {"type": "long"}, "pending": {"type": "long"}, "unchecked": {"type": "long"}}},
			"events": {"properties": {
				"source": {"type": "long"}, "stored": {"type": "long"}, "dead_lettered": {"type": "long"}, "filtered": {"type": "long"},
				"other_output": {"type": "long"}, "missing": {"type": "long"}, "extra": {"type": "long"}, "duplicate": {"type": "long"}}}
		}}}}
	}
}`

// PrepareNotes installs the index template of the data stream that Trailbeat's own findings go to, the Index of the output, if that is
// enabled, and makes sure that they can be stored. Errors are those of Setup and CheckReady.
func (o *Output) PrepareNotes(ctx context.Context, conf TemplateConfig) error {
	if conf.Enabled {
		server, err := o.Server(ctx)
		if err != nil {
			return err
		}
		t, err := plainTemplate(o.index, noteMappings, conf)
		if err != nil {
			return fatalf("setup.template: %w", err)
		}
		switch _, err := o.install(ctx, server, t, conf, SetupOptions{}); {
		case errors.Is(err, errMayNotSetup):
			o.log.WarnContext(ctx, "the template of integrity is not installed or checked, as the credentials do not allow it")
		case err != nil:
			return err
		}
	}
	return o.CheckReady(ctx)
}
