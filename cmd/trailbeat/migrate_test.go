package main

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/needs"
)

// TestMigrate migrates the configurations of testdata/filebeat: what is printed is the file beside, what is reported the text beside, and
// the result is one that can be used without a complaint.
func TestMigrate(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", "testdata", "filebeat"))
	for _, name := range []string{"ES_API_KEY", "AWS_KEY_ID", "AWS_KEY_SECRET", "ES_PWD", "CLOUD_PASSWORD", "MINIO_SECRET", "ES_HOST", "ES_PASSWORD", "KEY_PASS"} {
		t.Setenv(name, "") // not set, when it is migrated
	}
	files, err := filepath.Glob("*.yml")
	require.NoError(t, err)
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, ".migrated.yml") {
			continue
		}
		seen++
		t.Run(name, func(t *testing.T) {
			code, printed, report := trailbeat(t, "migrate", name)
			assert.Zero(t, code, report)
			base := strings.TrimSuffix(name, ".yml")
			compare(t, base+".migrated.yml", printed)
			compare(t, base+".report.txt", report)

			t.Setenv("ES_API_KEY", "id:key")
			t.Setenv("ES_HOST", "https://es:9200")
			for _, name := range []string{"AWS_KEY_ID", "AWS_KEY_SECRET", "ES_PWD", "CLOUD_PASSWORD", "MINIO_SECRET", "ES_PASSWORD", "KEY_PASS"} {
				t.Setenv(name, "value")
			}
			code, stdout, stderr := trailbeat(t, "test", "config", "-c", base+".migrated.yml")
			assert.Zero(t, code, stderr)
			assert.Contains(t, stdout, "Config OK")
			assert.NotContains(t, stderr, "no effect")
		})
	}
	assert.GreaterOrEqual(t, seen, 10)
}

// TestMigrateOthers does the same for adapter files of LimaCharlie and for RSA's lists of parameters. No secret of theirs is in what is
// printed.
func TestMigrateOthers(t *testing.T) {
	comments := regexp.MustCompile(`(?m)^ +# .*\n`)
	variables := regexp.MustCompile(`\$\{([A-Z0-9_]+)\}`)
	values := map[string]string{"REGION": "eu-west-1", "QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/q"}
	for _, system := range []string{"limacharlie", "netwitness"} {
		t.Run(system, func(t *testing.T) {
			t.Chdir(filepath.Join("..", "..", "testdata", system))
			files, err := filepath.Glob("*.*")
			require.NoError(t, err)
			seen := 0
			for _, name := range files {
				if strings.HasSuffix(name, ".migrated.yml") || strings.HasSuffix(name, ".report.txt") {
					continue
				}
				seen++
				t.Run(name, func(t *testing.T) {
					code, printed, report := trailbeat(t, "migrate", name)
					assert.Zero(t, code, report)
					base := strings.TrimSuffix(name, filepath.Ext(name))
					// What options do is told by the first input that has them, whichever that is.
					compare(t, base+".migrated.yml", comments.ReplaceAllString(printed, ""))
					compare(t, base+".report.txt", report)
					for _, secret := range []string{"AKIDEXAMPLE", "not-a-"} {
						assert.NotContains(t, printed+report, secret)
					}
					for _, m := range variables.FindAllStringSubmatch(printed, -1) {
						t.Setenv(m[1], cmp.Or(values[m[1]], "value"))
					}
					code, stdout, stderr := trailbeat(t, "test", "config", "-c", base+".migrated.yml")
					assert.Zero(t, code, stderr)
					assert.Contains(t, stdout, "Config OK")
					assert.NotContains(t, stderr, "warning")
				})
			}
			assert.Equal(t, 3, seen)
		})
	}
}

// TestMigrateWhatIsMissing leaves what only the user knows to the user.
func TestMigrateWhatIsMissing(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("f.yml", []byte("filebeat.inputs:\n- type: aws-s3\n  queue_url: https://sqs.eu-west-1.amazonaws.com/1/q\noutput.kafka:\n  hosts: [k:9092]\n"), 0o600))
	code, printed, stderr := trailbeat(t, "migrate", "f.yml")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, `f.yml:4:8: NOT TAKEN OVER: output.kafka: there is no output "kafka"`)
	assert.Contains(t, stderr, "still needed: no output is configured in f.yml; add")
	assert.Contains(t, printed, "# STILL NEEDED: no output is configured in f.yml")
	assert.Contains(t, printed, "queue_url: https://sqs.eu-west-1.amazonaws.com/1/q")
}

// TestMigrateKeepsConditions takes a processor out whose condition cannot be taken over: without it, it would do something else.
func TestMigrateKeepsConditions(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("f.yml", []byte(`filebeat.inputs: [{type: file, paths: [a]}]
output.console: {}
processors:
  - add_tags: {tags: [x], when: {equals: {event.action: a}, sometimes: 1}}
  - if.sometimes: true
    then: [{add_tags.tags: [y]}]
  - if.equals.event.action: b
    then: [{drop_event.when.sometimes: 1}, {add_tags.tags: [z]}]
  - add_tags.tags: [kept]
`), 0o600))
	code, printed, stderr := trailbeat(t, "migrate", "f.yml")
	assert.Zero(t, code, stderr)
	assert.Contains(t, stderr, "3 not taken over")
	assert.Contains(t, printed, "tags: [kept]")
	assert.Contains(t, printed, "tags: [z]")
	assert.NotContains(t, printed, "tags: [x]")
	assert.NotContains(t, printed, "tags: [y]")
}

// TestMigrateAsDocumented takes the two adapter files that the documentation of the adapter shows, as they stand there.
func TestMigrateAsDocumented(t *testing.T) {
	page, err := os.ReadFile(needs.SharedFiles(t, "seeds/000_*.txt")[0])
	require.NoError(t, err)
	blocks := regexp.MustCompile(`(?m)^(?:s3|sqs):\n(?: .*\n)+`).FindAllString(string(page), -1)
	require.Len(t, blocks, 2)
	t.Chdir(t.TempDir())
	for name, value := range map[string]string{
		"S3_BUCKET_NAME": "trail", "S3_SECRET_KEY": "x", "S3_ACCESS_KEY": "x", "SQS_REGION": "eu-west-1", "SQS_SECRET_KEY": "x", "SQS_ACCESS_KEY": "x",
		"SQS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/q",
	} {
		t.Setenv(name, value)
	}
	for i, want := range []string{"bucket_arn: arn:aws:s3:::${S3_BUCKET_NAME}", "queue_url: ${SQS_QUEUE_URL}"} {
		require.NoError(t, os.WriteFile("adapter.yml", []byte(blocks[i]), 0o600))
		code, printed, report := trailbeat(t, "migrate", "adapter.yml")
		require.Zero(t, code, report)
		for _, line := range []string{want, "name: aws-cloudtrail-logs", "seed: super-special-seed-key", "platform: aws"} {
			assert.Contains(t, printed, line)
		}
		assert.Contains(t, report, "0 not taken over")
		require.NoError(t, os.WriteFile("ours.yml", []byte(printed), 0o600))
		code, stdout, stderr := trailbeat(t, "test", "config", "-c", "ours.yml")
		require.Zero(t, code, stderr)
		assert.Contains(t, stdout, "Config OK")
	}
}
