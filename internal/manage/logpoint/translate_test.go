package logpoint

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/manage"
)

// body is a request with members changed: "Connector.parser" -> value; nil takes the member away.
func body(t *testing.T, changes map[string]any) []byte {
	t.Helper()
	config := map[string]any{
		"Source": map[string]any{"name": "trail", "interval": 15, "charset": "utf_8", "timezone": "UTC"},
		"Connector": map[string]any{
			"endpoint_url": "https://s3.amazonaws.com", "access_key": "AKIAOWN", "secret_key": "hush-hush", "bucket_name": "my-trail",
			"region_name": "eu-west-1", "filter_date": "2024-08-06T08:44:13.220Z", "parser": "CloudTrailLogParser", "enable_proxy": false, "protocol": "http",
		},
		"RoutingPolicy":       map[string]any{"routing_criterion": []any{}, "catch_all": "_logpoint"},
		"NormalizationPolicy": map[string]any{"normalizers": []any{map[string]any{"name": "CloudTrailCompiledNormalizer", "type": "compiled"}}},
	}
	data := map[string]any{"name": "trail", "type": "S3Fetcher", "config": config}
	for path, value := range changes {
		at, name := data, path
		if group, rest, ok := strings.Cut(path, "."); ok {
			at, name = config[group].(map[string]any), rest
		} else if path[0] < 'a' {
			at = config
		}
		if value == nil {
			delete(at, name)
		} else {
			at[name] = value
		}
	}
	text, err := json.Marshal(map[string]any{"data": data})
	require.NoError(t, err)
	return text
}

func TestOptions(t *testing.T) {
	d, err := Translate(body(t, nil), Options{Place: "p/l"})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{
		"type": "aws-s3", "bucket_arn": "arn:aws:s3:::my-trail", "region": "eu-west-1", "bucket_list_interval": "15m",
		"start_timestamp": "2024-08-06T08:44:13Z", "access_key_id": "AKIAOWN", "secret_access_key": "hush-hush", "preserve_original_event": true,
	}, d.Options)
	assert.Equal(t, "trail", d.Name)
	assert.Equal(t, "p/l", d.Place)
	assert.Nil(t, d.Routing)
	assert.Empty(t, d.Warnings)
	assert.NotContains(t, string(d.Body), "hush-hush")
	assert.Contains(t, string(d.Body), `"secret_key":"xxxxx"`)

	for name, c := range map[string]struct {
		changes map[string]any
		want    map[string]any
	}{
		"another store": {map[string]any{"Connector.endpoint_url": "http://127.0.0.1:9000"},
			map[string]any{"endpoint": "http://127.0.0.1:9000", "path_style": true, "non_aws_bucket_name": "my-trail", "bucket_arn": nil}},
		"no endpoint":    {map[string]any{"Connector.endpoint_url": nil}, map[string]any{"bucket_arn": "arn:aws:s3:::my-trail", "endpoint": nil}},
		"of the region":  {map[string]any{"Connector.endpoint_url": "https://s3.eu-west-1.amazonaws.com"}, map[string]any{"bucket_arn": "arn:aws:s3:::my-trail", "endpoint": nil}},
		"China":          {map[string]any{"Connector.region_name": "cn-north-1"}, map[string]any{"bucket_arn": "arn:aws-cn:s3:::my-trail"}},
		"interval, text": {map[string]any{"Source.interval": "5"}, map[string]any{"bucket_list_interval": "5m"}},
		"a day":          {map[string]any{"Connector.filter_date": "2024-08-06"}, map[string]any{"start_timestamp": "2024-08-06T00:00:00Z"}},
		"an offset":      {map[string]any{"Connector.filter_date": "2024-08-06T08:00:00+02:00"}, map[string]any{"start_timestamp": "2024-08-06T06:00:00Z"}},
		"proxy as a switch": {map[string]any{"Connector.enable_proxy": true, "Connector.ip": "10.0.0.1", "Connector.port": 3128},
			map[string]any{"proxy_url": "http://10.0.0.1:3128"}},
		"proxy as a group": {map[string]any{"Connector.enable_proxy": map[string]any{"status": true, "IP": "fd00::1", "port": "3128", "protocol": "HTTPS"}},
			map[string]any{"proxy_url": "https://[fd00::1]:3128"}},
		"proxy by its name": {map[string]any{"Connector.enable_proxy": nil, "Connector.proxy": map[string]any{"status": "enabled", "ip": "proxy.corp", "port": 80}},
			map[string]any{"proxy_url": "http://proxy.corp:80"}},
		"proxy that is off": {map[string]any{"Connector.enable_proxy": map[string]any{"status": false, "ip": "10.0.0.1", "port": 80}}, map[string]any{"proxy_url": nil}},
	} {
		d, err := Translate(body(t, c.changes), Options{})
		require.NoError(t, err, name)
		for option, want := range c.want {
			assert.Equal(t, want, d.Options[option], "%s: %s", name, option)
		}
	}
}

func TestFaultsNameTheMember(t *testing.T) {
	for name, c := range map[string]struct {
		changes map[string]any
		member  string
		text    string
	}{
		"no name":           {map[string]any{"name": nil}, "data.name", "is missing"},
		"another type":      {map[string]any{"type": "Syslog"}, "data.type", "only S3Fetcher"},
		"no source":         {map[string]any{"Source": nil}, "data.config.Source", "is missing"},
		"a list":            {map[string]any{"Connector": []any{}}, "data.config.Connector", "is a list, but must be an object"},
		"no interval":       {map[string]any{"Source.interval": nil}, "data.config.Source.interval", "in minutes"},
		"interval of null":  {map[string]any{"Source.interval": json.RawMessage("null")}, "data.config.Source.interval", "in minutes"},
		"interval of zero":  {map[string]any{"Source.interval": 0}, "data.config.Source.interval", "from 1 to"},
		"half a minute":     {map[string]any{"Source.interval": 0.5}, "data.config.Source.interval", "whole number"},
		"charset":           {map[string]any{"Source.charset": "utf_16"}, "data.config.Source.charset", "CloudTrail writes UTF-8"},
		"time zone":         {map[string]any{"Source.timezone": "Mars/Olympus"}, "data.config.Source.timezone", "no time zone"},
		"endpoint":          {map[string]any{"Connector.endpoint_url": "s3.amazonaws.com"}, "data.config.Connector.endpoint_url", "must be a URL"},
		"user in the URL":   {map[string]any{"Connector.endpoint_url": "https://u:hidden-1@s3.example"}, "data.config.Connector.endpoint_url", "without user"},
		"no secret":         {map[string]any{"Connector.secret_key": nil}, "data.config.Connector.secret_key", "is missing"},
		"bucket":            {map[string]any{"Connector.bucket_name": "My Trail"}, "data.config.Connector.bucket_name", "3 to 63"},
		"region":            {map[string]any{"Connector.region_name": "Ireland!"}, "data.config.Connector.region_name", "such as eu-west-1"},
		"date":              {map[string]any{"Connector.filter_date": "yesterday"}, "data.config.Connector.filter_date", "must be a time"},
		"parser":            {map[string]any{"Connector.parser": "SyslogParser"}, "data.config.Connector.parser", "only CloudTrailLogParser"},
		"proxy, no port":    {map[string]any{"Connector.enable_proxy": true, "Connector.ip": "10.0.0.1"}, "data.config.Connector.port", "is missing"},
		"proxy, no address": {map[string]any{"Connector.enable_proxy": true, "Connector.port": 1}, "data.config.Connector.ip", "is missing"},
		"proxy, protocol":   {map[string]any{"Connector.protocol": "socks5"}, "data.config.Connector.protocol", "http or https"},
		"normalizer": {map[string]any{"NormalizationPolicy.normalizers": []any{map[string]any{"name": "LP_Cisco", "type": "compiled"}}},
			"data.config.NormalizationPolicy.normalizers.0.name", "only CloudTrailCompiledNormalizer is possible"},
		"no normalizer": {map[string]any{"NormalizationPolicy.normalizers": []any{}}, "data.config.NormalizationPolicy.normalizers", "must be a list"},
		"enrichment":    {map[string]any{"EnrichmentPolicy": 5}, "data.config.EnrichmentPolicy", "must be the name"},
		"no catch-all":  {map[string]any{"RoutingPolicy.catch_all": nil}, "data.config.RoutingPolicy.catch_all", "is missing"},
		"criterion": {map[string]any{"RoutingPolicy.routing_criterion": []any{map[string]any{"key": "event.action", "operation": "explode"}}},
			"data.config.RoutingPolicy.routing_criterion.0.operation", "must be store, discard_raw or discard"},
		"a key that is no field": {map[string]any{"RoutingPolicy.routing_criterion": []any{map[string]any{"key": "event action"}}},
			"data.config.RoutingPolicy.routing_criterion.0.key", "name of a field"},
		"repo": {map[string]any{"RoutingPolicy.catch_all": "a/b"}, "data.config.RoutingPolicy.catch_all", "part of the name of a data stream"},
		"retention": {map[string]any{"RoutingPolicy.repos": []any{map[string]any{"repo_name": "a", "path": "/x", "retention": "long"}}},
			"data.config.RoutingPolicy.repos.0.retention", "whole number"},
	} {
		_, err := Translate(body(t, c.changes), Options{})
		var invalid *manage.InvalidError
		require.ErrorAs(t, err, &invalid, name)
		require.Len(t, invalid.Faults, 1, "%s: %s", name, err)
		assert.Equal(t, c.member, invalid.Faults[0].Member, name)
		assert.Contains(t, invalid.Faults[0].Message, c.text, name)
		assert.NotContains(t, err.Error(), "hush-hush")
		assert.NotContains(t, err.Error(), "hidden-1")
	}
}

func TestBodiesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":               "no JSON",
		"{":              "no JSON",
		"[]":             "is a list, but must be an object",
		"{}":             "data: is missing",
		`{"data":1}`:     "data: is a number",
		`{"data":{}} }`:  "behind the first value",
		`{"data":{}}{}`:  "behind the first value",
		`{"data": nope}`: "no JSON at byte",
	} {
		_, err := Translate([]byte(text), Options{})
		require.ErrorContains(t, err, want, text)
	}
}

func TestUnknownMembersAreTold(t *testing.T) {
	d, err := Translate(body(t, map[string]any{"colour": "red", "Connector.buckett": "x", "Connector.proxy_password": "pass-word-1"}), Options{})
	require.NoError(t, err)
	assert.Contains(t, d.Warnings, "data.colour is not known here and has no effect")
	assert.Contains(t, d.Warnings, "data.config.Connector.buckett is not known here and has no effect")
	assert.NotContains(t, string(d.Body), "pass-word-1", "what may be a secret is not given out again")
}

func TestRouting(t *testing.T) {
	policy := map[string]any{
		"RoutingPolicy.catch_all": "Cloud-Trail",
		"RoutingPolicy.repos": []any{
			map[string]any{"repo_name": "Cloud-Trail", "path": "/opt/data", "retention": "30"},
			map[string]any{"repo_name": "_logpoint", "path": "/opt/data", "retention": 365, "remote_logpoint": "other"},
		},
		"RoutingPolicy.routing_criterion": []any{
			map[string]any{"type": "KeyPresent", "key": "error.code", "repo": "_logpoint"},
			map[string]any{"type": "KeyPresentValueMatches", "key": "event.action", "value": "GetObject", "operation": "Discard raw message", "repository": "cheap"},
			map[string]any{"key": "aws.cloudtrail.read_only", "value": true, "drop": "discard"},
		},
	}
	d, err := Translate(body(t, policy), Options{Outputs: []string{"cheap"}})
	require.NoError(t, err)
	text, err := json.Marshal(map[string]any{"routing": d.Routing, "processors": d.Options["processors"]})
	require.NoError(t, err)
	assert.JSONEq(t, `{
		"routing": {
			"rules": [
				{"name": "trail: 0", "when": {"has_fields": ["error.code"]}, "output": "default", "retention": "365d"},
				{"name": "trail: 1", "when": {"equals": {"event.action": "GetObject"}}, "output": "cheap"},
				{"name": "trail: 2", "when": {"equals": {"aws.cloudtrail.read_only": "true"}}, "output": "discard"}],
			"catch_all": {"namespace": "cloud_trail", "retention": "30d"}},
		"processors": [{"drop_fields": {"id": "trail: 1", "fields": ["event.original"], "ignore_missing": true,
			"when": {"and": [{"equals": {"event.action": "GetObject"}}, {"not": {"or": [{"has_fields": ["error.code"]}]}}]}}}]}`, string(text))
	assert.Contains(t, strings.Join(d.Warnings, "\n"), "the namespace cloud_trail")
	assert.Contains(t, d.Warnings, "data.config.RoutingPolicy.repos.1.remote_logpoint has no effect: copies are the business of the output")
}

func TestEnrichments(t *testing.T) {
	for name, c := range map[string]struct {
		value any
		want  []string
	}{
		"a name": {"team", []string{"team"}}, "several": {[]any{"team", "ips"}, []string{"team", "ips"}}, "none": {"None", nil},
		"a group": {map[string]any{"name": "team"}, []string{"team"}}, "nothing": {"", nil},
	} {
		d, err := Translate(body(t, map[string]any{"EnrichmentPolicy": c.value}), Options{})
		require.NoError(t, err, name)
		assert.Equal(t, c.want, d.Enrichments, name)
	}
}

// Faults of the engine are about our options; the requester wrote others.
func TestMember(t *testing.T) {
	d, err := Translate(body(t, nil), Options{})
	require.NoError(t, err)
	for option, want := range map[string]string{
		"region": "data.config.Connector.region_name", "processors.0.when": "data.config.RoutingPolicy", "routing.rules.0": "data.config.RoutingPolicy",
		"start_timestamp": "data.config.Connector.filter_date", "layout": "layout",
	} {
		assert.Equal(t, want, d.Member(option))
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add([]byte(`{"data":{"name":"a","type":"S3Fetcher","config":{"Source":{},"Connector":{"enable_proxy":{"status":"on"}},"RoutingPolicy":{"repos":[{}],"routing_criterion":[{"key":1}]},"NormalizationPolicy":{"normalizers":[1]},"EnrichmentPolicy":[1]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Translate(data, Options{})
		var invalid *manage.InvalidError
		if err != nil && (!errors.As(err, &invalid) || len(invalid.Faults) == 0) {
			t.Fatal(err)
		}
		if err == nil && (d.Name == "" || !json.Valid(d.Body)) {
			t.Fatalf("%q: %v", data, d)
		}
	})
}
