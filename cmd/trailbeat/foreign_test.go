package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/app"
)

// Every option of the tables is taken with a warning of its own, and none of them is one that has an effect.
func TestForeignTables(t *testing.T) {
	t.Chdir(t.TempDir())
	const output = "output.elasticsearch: {hosts: ['127.0.0.1:1']}\n"
	for _, c := range []struct {
		name, prefix, config string
		foreign              []app.Foreign
	}{
		{"top", "", "trailbeat.inputs: [{type: file, paths: [a]}]\n" + output, foreignTop()},
		{"file", "trailbeat.inputs.0.", "trailbeat.inputs: [{type: file, paths: [a]}]\n" + output, foreignInput()},
		{"queue", "trailbeat.inputs.0.", "trailbeat.inputs: [{type: aws-s3, queue_url: 'http://127.0.0.1:1/1/q', file_selectors: [{regex: a}]}]\n" + output, foreignQueue()},
		{"bucket", "trailbeat.inputs.0.", "trailbeat.inputs: [{type: aws-s3, bucket_arn: 'arn:aws:s3:::b', file_selectors: [{regex: a}]}]\n" + output, foreignBucket()},
		{"cloudwatch", "trailbeat.inputs.0.", "trailbeat.inputs: [{type: aws-cloudwatch, log_group_name: g, region_name: eu-west-1}]\n" + output, append(foreignInput(), foreignSSL()...)},
		{"elasticsearch", "output.elasticsearch.", "trailbeat.inputs: [{type: file, paths: [a]}]\n" + output, foreignElasticsearch()},
	} {
		require.NoError(t, os.WriteFile(c.name+".yml", []byte(c.config), 0o600))
		seen := map[string]bool{}
		for _, f := range c.foreign {
			option := c.prefix + strings.ReplaceAll(f.Option, "*", "0")
			t.Run(c.name+"/"+f.Option, func(t *testing.T) {
				assert.False(t, seen[f.Option], "is in the table twice")
				seen[f.Option] = true
				set := option + "=1"
				if f.Refuse != nil {
					code, _, stderr := trailbeat(t, "test", "config", "-c", c.name+".yml", "-E", option+"={a: {b: c}}")
					assert.Equal(t, 2, code)
					assert.Contains(t, stderr, option+": ")
					assert.NotContains(t, stderr, "no such option")
					set = option + "=~"
				}
				code, _, stderr := trailbeat(t, "test", "config", "-c", c.name+".yml", "-E", set)
				assert.Zero(t, code, stderr)
				assert.Regexp(t, `^-E \S+:1:\d+: warning: \S+ has no effect: .+\n$`, stderr)
				assert.Contains(t, stderr, fmt.Sprintf(" %s has no effect", option))

				code, printed, stderr := trailbeat(t, "export", "config", "-c", c.name+".yml", "-E", set)
				require.Zero(t, code, stderr)
				_, plain, _ := trailbeat(t, "export", "config", "-c", c.name+".yml")
				assert.Equal(t, plain, printed, "the option has an effect")
			})
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		refuse  func(any) string
		value   any
		refused bool
	}{
		"a disabled group":       {refuseEnabled("no"), map[string]any{"enabled": false, "path": "x"}, false},
		"an enabled group":       {refuseEnabled("no"), map[string]any{"enabled": true}, true},
		"a group with a value":   {refuseEnabled("no"), map[string]any{"codec": map[string]any{"csv": map[string]any{"comma": ","}}}, true},
		"a group disabled below": {refuseEnabled("no"), map[string]any{"codec": map[string]any{"csv": map[string]any{"enabled": false}}}, false},
		"empty text":             {refuseSet("no"), "", false},
		"a number":               {refuseSet("no"), int64(0), true},
		"another name":           {refuseOther("Records", "no"), "Events", true},
		"the only name":          {refuseOther("Records", "no"), "Records", false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.refused, c.refuse(c.value) != "") })
	}
}
