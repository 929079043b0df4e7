package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

var update = flag.Bool("update", false, "write docs/first-ten-minutes.md anew")

// act is a section of the transcript.
type act struct {
	title, text string
	// file is written as my.yml, and shown. NAME stands for the address of a server, as in the steps.
	file  string
	steps []typed
}

// typed is a command as a user types it. Its words are split at spaces.
type typed struct {
	line string
	code int
	// full sends standard output to a full disk, disk runs it where the folder "full" is one.
	full, disk bool
}

const firstText = `<!-- Written by: go test ./internal/e2e -run TestFirstTenMinutes -update -->
# The first ten minutes

What you read when all goes well, and when it does not: each command below was run by a test (` + "`go test ./internal/e2e -run\nTestFirstTenMinutes`" + `), which compares every line.
Times, folders and ports are replaced. What to do about each fault is in [troubleshooting.md](troubleshooting.md).
`

func acts() []act {
	aws := func(key, rest string) string {
		return "trailbeat.inputs:\n  - type: aws-s3\n    id: trail\n" + rest + "    endpoint: http://AWS\n    access_key_id: " + key + "\n" +
			"    secret_access_key: ${AWS_SECRET}\noutput.sqlite.enabled: true\n"
	}
	const queue = "    queue_url: http://AWS/111122223333/trail\n    region: eu-west-1\n"
	const search = "trailbeat.inputs:\n  - {type: file, id: samples, paths: [testdata/samples]}\noutput.elasticsearch:\n  hosts: [\"http://ES\"]\n  username: trailbeat\n  password: ${ES_PASSWORD}\n"
	return []act{
		{"The first run", "In the repository `go run ./cmd/trailbeat run --once` does this; `go test ./...` is the other command of the README.", "", []typed{
			{line: "trailbeat run --once"},
		}},
		{"Again", "What was shipped is remembered.", "", []typed{{line: "trailbeat run --once"}}},
		{"One document", "", "", []typed{{line: "trailbeat map testdata/samples/one.json"}}},
		{"A wrong command, a wrong option", "", "", []typed{
			{line: "trailbeat rnu", code: 2}, {line: "trailbeat run --onec", code: 2}, {line: "trailbeat run --once -E output.sqlite.pth=my.db", code: 2},
		}},
		{"A wrong configuration", "All that is wrong is told at once, each with its place.",
			"trailbeat.inputs:\n  - type: aws-s3\n    queue_url: https://sqs.eu-west-1.amazonaws.com/111122223333/trail\n    visibilty_timeout: 300s\n" +
				"output.elasticsearch:\n  hosts: [\"https://localhost:9200\"]\n  bulk_max_size: many\n", []typed{{line: "trailbeat test config -c my.yml", code: 2}}},
		{"A missing file", "", "", []typed{
			{line: "trailbeat run --once -c missing.yml", code: 2}, {line: "trailbeat map missing.json", code: 1},
			{line: "trailbeat run --once -E trailbeat.inputs.0.paths=missing", code: 1},
		}},
		{"A wrong key of AWS", "", aws("AKIAEXAMPLENOBODYS1", "    bucket_arn: arn:aws:s3:::trail\n"), []typed{
			{line: "trailbeat test input -c my.yml", code: 1}, {line: "trailbeat run --once -c my.yml", code: 1},
		}},
		{"A queue without rights", "", aws(keyKnown, queue), []typed{
			{line: "trailbeat test input -c my.yml", code: 1}, {line: "trailbeat run --once -c my.yml", code: 1},
		}},
		{"A wrong password of the cluster", "", search, []typed{
			{line: "trailbeat test output -c my.yml", code: 1}, {line: "trailbeat run --once -c my.yml", code: 1},
		}},
		{"A cluster that is not there", "A run that goes on waits for it for as long as it takes; `--once` waits for two minutes, or `--max-wait`.",
			strings.ReplaceAll(search, "ES\"", "NOBODY\""), []typed{
				{line: "trailbeat test output -c my.yml", code: 1}, {line: "trailbeat run --once --max-wait 2s -c my.yml", code: 1},
			}},
		{"A full disk", "The folder `full` has no room. Make some, and run the same again: nothing was lost, and nothing is there twice.", "", []typed{
			{line: "trailbeat run --once -E output.sqlite.enabled=false -E output.console.enabled=true > full/documents.ndjson", code: 1, full: true},
			{line: "trailbeat map testdata/samples/one.json > full/documents.ndjson", code: 1, full: true},
			{line: "trailbeat run --once --max-wait 1s -E output.sqlite.enabled=false -E output.file.path=../full", code: 1, disk: true},
			{line: "trailbeat run --once -E output.sqlite.path=../full/my.db", code: 1, disk: true},
		}},
	}
}

// The transcript shows what the program says to a new user. A scene that this machine cannot play is taken as it is written.
func TestFirstTenMinutes(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs the texts of Linux for faults: run it there")
	}
	const path = repository + "/docs/first-ten-minutes.md"
	stage := newTheatre(t)
	old, err := os.ReadFile(path)
	if !*update {
		require.NoError(t, err)
	}
	var text strings.Builder
	text.WriteString(firstText)
	for i, s := range acts() {
		title := fmt.Sprintf("\n## %s\n", s.title)
		played, why := stage.play(t, i, s)
		if why != "" {
			t.Logf("%q is not played: %s", s.title, why)
			require.False(t, *update, "the transcript is only written whole")
			_, section, _ := strings.Cut(string(old), title)
			section, _, _ = strings.Cut(section, "\n## ")
			played = strings.TrimSuffix(section, "\n") + "\n"
		}
		text.WriteString(title + played)
	}
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o644))
		return
	}
	assert.Equal(t, string(old), text.String(), "write it anew with -update, and read it as somebody who is new here")
}

// theatre is the folder and the servers that the scenes have.
type theatre struct {
	dir     string
	servers map[string]string // name in the scenes: host and port
}

func newTheatre(t *testing.T) *theatre {
	t.Helper()
	root, err := filepath.Abs(repository)
	require.NoError(t, err)
	s := &theatre{dir: t.TempDir(), servers: map[string]string{"NOBODY": "127.0.0.1:1"}}
	require.NoError(t, os.CopyFS(filepath.Join(s.dir, "testdata", "samples"), os.DirFS(filepath.Join(root, "testdata", "samples"))))
	s.copy(t, filepath.Join(root, "trailbeat.yml"), "trailbeat.yml")
	for name, handler := range map[string]http.Handler{"AWS": refusingAWS(), "ES": http.HandlerFunc(refusingSearch)} {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		s.servers[name] = server.Listener.Addr().String()
	}
	return s
}

func (s *theatre) copy(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, to), data, 0o600))
}

// keyKnown is the key of somebody who may do nothing.
const keyKnown = "AKIAEXAMPLESHIPPER1"

// refusingAWS knows one key, which has no rights to the queue.
func refusingAWS() http.Handler {
	server := &awstest.Server{}
	server.Hook(func(call string, r *http.Request) *awstest.Fault {
		switch {
		case !strings.Contains(r.Header.Get("Authorization"), keyKnown):
			return &awstest.Fault{Status: http.StatusForbidden, Code: "InvalidAccessKeyId", Message: "The AWS Access Key Id you provided does not exist in our records."}
		case r.Header.Get("X-Amz-Target") != "":
			return &awstest.Fault{Status: http.StatusForbidden, Code: "AccessDenied", Message: "User: arn:aws:iam::111122223333:user/shipper " +
				"is not authorized to perform: sqs:" + call + " on resource: arn:aws:sqs:eu-west-1:111122223333:trail"}
		}
		return nil
	})
	server.Handle("GetCallerIdentity", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/shipper</Arn>`+
			`<UserId>AIDAEXAMPLE</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	})
	return server
}

func refusingSearch(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(`{"error":{"type":"security_exception","reason":"unable to authenticate user [trailbeat] for REST request [/]"},"status":401}`))
}

// play runs the steps and gives what the user sees. why says what keeps this machine from it.
func (s *theatre) play(t *testing.T, number int, sc act) (text, why string) {
	t.Helper()
	var out strings.Builder
	if sc.text != "" {
		fmt.Fprintf(&out, "\n%s\n", sc.text)
	}
	if sc.file != "" {
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, "my.yml"), []byte(s.addresses(sc.file)), 0o600))
		fmt.Fprintf(&out, "\n`my.yml`:\n\n```yaml\n%s```\n", s.normal(s.addresses(sc.file)))
	}
	out.WriteString("\n```console\n")
	for i, st := range sc.steps {
		data := "data"
		if number > 1 {
			data = fmt.Sprintf("data%d-%d", number, i)
		}
		seen, code, why := s.run(t, st, data)
		if why != "" {
			return "", why
		}
		require.Equal(t, st.code, code, "%s\n%s", st.line, seen)
		fmt.Fprintf(&out, "$ %s\n%s", st.line, s.normal(seen))
		if code != 0 {
			fmt.Fprintf(&out, "(exit code %d)\n", code)
		}
	}
	return out.String() + "```\n", ""
}

// run runs one command in the folder. path.data is another one for each, so that no scene depends on one before.
func (s *theatre) run(t *testing.T, st typed, data string) (seen string, code int, why string) {
	t.Helper()
	if strings.Contains(st.line, "one.json") {
		s.copy(t, oneRecord(t), "testdata/samples/one.json")
		defer os.Remove(filepath.Join(s.dir, "testdata/samples/one.json"))
	}
	line, _, _ := strings.Cut(st.line, " >")
	args := strings.Fields(line)[1:]
	if args[0] == "run" && st.code != 2 {
		args = append(args, "--path.data", data)
	}
	if args[0] == "map" {
		args = append(args, "--timestamp", "2026-11-21T09:00:00Z")
	}
	cmd := exec.Command(binary, args...)
	if st.disk {
		require.NoError(t, os.MkdirAll(filepath.Join(s.dir, "full"), 0o755))
		if err := exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "none", filepath.Join(s.dir, "full")).Run(); err != nil {
			return "", 0, "no user namespaces here: " + err.Error()
		}
		script := `mount -t tmpfs -o size=16k none full; exec "$0" "$@"`
		cmd = exec.Command("unshare", append([]string{"-rm", "sh", "-c", script, binary}, args...)...)
	}
	var both bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, &both, &both
	if st.full {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			return "", 0, err.Error()
		}
		defer full.Close()
		cmd.Stdout = full
	}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "AWS_SECRET=secret-of-nobody", "ES_PASSWORD=wrong", "AWS_EC2_METADATA_DISABLED=true", "HOME=" + s.dir}
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "%s", st.line)
	}
	return both.String(), cmd.ProcessState.ExitCode(), ""
}

// oneRecord is a file with a single record.
func oneRecord(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "one.json")
	record := `{"eventVersion":"1.09","eventID":"4f2c1f5e-9d38-4f0a-8b8c-0c9a0a6b7d11","eventTime":"2026-11-20T08:05:12Z","eventSource":"iam.amazonaws.com",` +
		`"eventName":"CreateUser","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.7","recipientAccountId":"111122223333","userIdentity":` +
		`{"type":"IAMUser","userName":"baker","arn":"arn:aws:iam::111122223333:user/baker","accountId":"111122223333","principalId":"AIDAEXAMPLE"}}`
	require.NoError(t, os.WriteFile(path, []byte(`{"Records":[`+record+`]}`), 0o600))
	return path
}

func (s *theatre) addresses(text string) string {
	for name, address := range s.servers {
		text = strings.ReplaceAll(text, "http://"+name, "http://"+address)
	}
	return text
}

var (
	logTime  = regexp.MustCompile(`time=\S+`)
	dataPath = regexp.MustCompile(`\bdata\d+-\d+\b`)
	size     = regexp.MustCompile(`writing \d+ bytes`)
	fileDay  = regexp.MustCompile(`trailbeat-\d{8}-`)
)

func (s *theatre) normal(text string) string {
	text = strings.ReplaceAll(text, s.servers["AWS"], "localhost:4566")
	text = strings.ReplaceAll(text, s.servers["ES"], "localhost:9200")
	text = strings.ReplaceAll(text, s.servers["NOBODY"], "localhost:9201")
	text = strings.ReplaceAll(text, s.dir, "/home/you/trailbeat")
	text = logTime.ReplaceAllString(text, "time=2026-11-21T09:00:00.000Z")
	text = size.ReplaceAllString(text, "writing 355000 bytes")
	text = fileDay.ReplaceAllString(text, "trailbeat-20261121-")
	return dataPath.ReplaceAllString(text, "data")
}
