package migrate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/config"
)

func TestModules(t *testing.T) {
	for name, c := range map[string]struct{ in, out, faults, notes string }{
		"none":            {"name: x\n", "name: x\n", "", ""},
		"an empty list":   {"filebeat.modules: []\n", "filebeat:\n  modules: []\n", "", ""},
		"no list":         {"filebeat.modules: {a: 1}\n", "filebeat:\n  modules:\n    a: 1\n", "", ""},
		"a list of words": {"filebeat.modules: [aws]\n", "filebeat:\n  modules: [aws]\n", "", ""},
		"behind what is there": {
			"filebeat:\n  inputs: [{type: file}]\n  modules: [{module: aws, cloudtrail.var.queue_url: q}]\n",
			"filebeat:\n  inputs:\n    - type: file\n    - type: aws-s3\n      queue_url: q\n", "", "",
		},
		"beside ours": {
			"trailbeat.inputs: [{type: file}]\nfilebeat.modules: [{module: aws, cloudtrail.var: {bucket_arn: b, process_insight_logs: false, process_digest_logs: true}}]\n",
			"trailbeat:\n  inputs:\n    - type: file\n    - type: aws-s3\n      bucket_arn: b\n      cloudtrail_insight_regex: \"\"\n", "", "",
		},
		"tags": {
			"filebeat.modules: [{module: aws, cloudtrail: {var.tags: [a, preserve_original_event], input.retain: minimal}}]\n",
			"filebeat:\n  inputs:\n    - type: aws-s3\n      tags: [a]\n      preserve_original_event: true\n      retain: minimal\n", "", "",
		},
		"not enabled": {
			"filebeat.modules: [{module: aws, enabled: false}, {module: aws, cloudtrail.enabled: false}, {module: aws, elb.enabled: false}]\n", "{}\n", "",
			"f.yml:1:20: filebeat.modules.0: the module \"aws\" is not enabled\n" +
				"f.yml:1:65: filebeat.modules.1.cloudtrail: the fileset is not enabled\n" +
				"f.yml:1:107: filebeat.modules.2.elb: only the fileset cloudtrail of the module aws is read, and this one is not enabled\n" +
				"f.yml:1:93: filebeat.modules.2: has no fileset cloudtrail, so nothing is read for it",
		},
		"others": {
			"filebeat.modules: [{module: okta}, {x: 1}, {module: aws, cloudtrail.var.input: http, cloudtrail.odd: 1, elb.enabled: true}]\n",
			"filebeat:\n  inputs:\n    - type: aws-s3\n",
			"f.yml:1:20: filebeat.modules.0: the module \"okta\" does not read CloudTrail; leave it to Filebeat and remove it here\n" +
				"f.yml:1:36: filebeat.modules.1: does not say which module it is; write \"module: aws\"\n" +
				"f.yml:1:73: filebeat.modules.2.cloudtrail.var.input: is \"http\", but CloudTrail is read with aws-s3 or file; for CloudWatch Logs write an input of type aws-cloudwatch\n" +
				"f.yml:1:97: filebeat.modules.2.cloudtrail.odd: is no option of the fileset; they begin with var or input\n" +
				"f.yml:1:105: filebeat.modules.2.elb: only the fileset cloudtrail of the module aws is read; leave elb to Filebeat and remove it here", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			root, err := config.Parse(config.Source{Name: "f.yml", Data: []byte(c.in)})
			require.NoError(t, err)
			faults, notes := Modules(root)
			assert.Equal(t, c.faults, faults.Error())
			assert.Equal(t, c.notes, notes.Error())
			text, err := root.YAML(func(string) string { return "" })
			require.NoError(t, err)
			assert.Equal(t, c.out, string(text))
		})
	}
}

func TestPaths(t *testing.T) {
	root, err := config.Parse(config.Source{Name: "f.yml", Data: []byte("path: {data: /var/lib/filebeat, home: /opt/x}\nlogging.files: {path: /var/log/filebeat, keepfiles: 3}\n")})
	require.NoError(t, err)
	assert.Equal(t, "f.yml:2:17: logging.files.path: is path.logs here\n"+
		"f.yml:1:8: path.data: /var/lib/filebeat is Filebeat's own; here it is /var/lib/trailbeat\n"+
		"f.yml:2:17: logging.files.path: /var/log/filebeat is Filebeat's own; here it is /var/log/trailbeat", Paths(root).Error())
	text, err := root.YAML(func(string) string { return "" })
	require.NoError(t, err)
	assert.Equal(t, "path:\n  data: /var/lib/trailbeat\n  home: /opt/x\n  logs: /var/log/trailbeat\nlogging:\n  files:\n    keepfiles: 3\n", string(text))
}
