package e2e

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// secureNode is an engine with TLS and users.
type secureNode struct {
	url, username, password, ca string
	client                      *http.Client
	// openSearch: it has roles and users, and no API keys.
	openSearch bool
	// namespace of the data stream of one test, and its name.
	namespace, stream string
}

const secureVariables = "TRAILBEAT_TEST_SECURE_URL, _USERNAME, _PASSWORD and _CA"

// newSecureNode finds the node, and prepares it: no data stream, the template as its administrator installs it.
func newSecureNode(t *testing.T) *secureNode {
	t.Helper()
	get := func(name string) string { return os.Getenv("TRAILBEAT_TEST_SECURE_" + name) }
	n := &secureNode{
		url: strings.TrimRight(get("URL"), "/"), username: get("USERNAME"), password: get("PASSWORD"), ca: get("CA"),
		namespace: fmt.Sprintf("secure%d", os.Getpid()),
	}
	if n.url == "" || n.username == "" || n.password == "" || n.ca == "" {
		t.Skipf("needs an engine with TLS and users: start one, for example with vars=$(../shared/stack/elasticsearch up --name secure --secure) && eval \"$vars\", and set %s", secureVariables)
	}
	n.stream = "logs-aws.cloudtrail-" + n.namespace
	roots := x509.NewCertPool()
	authority, err := os.ReadFile(n.ca)
	require.NoError(t, err)
	require.True(t, roots.AppendCertsFromPEM(authority), n.ca)
	n.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	var root struct {
		Version struct{ Distribution string }
	}
	require.NoError(t, json.Unmarshal(n.must(t, http.MethodGet, "/", ""), &root))
	n.openSearch = root.Version.Distribution == "opensearch"
	n.drop(t)
	t.Cleanup(func() { n.drop(t) })
	return n
}

// do sends a request with an Authorization header, or as the administrator where that is empty.
func (n *secureNode) do(t testing.TB, authorization, method, path, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, n.url+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	if authorization == "" {
		req.SetBasicAuth(n.username, n.password)
	} else {
		req.Header.Set("Authorization", authorization)
	}
	res, err := n.client.Do(req)
	require.NoError(t, err, "is the engine still running?")
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, data
}

func (n *secureNode) must(t testing.TB, method, path, body string) []byte {
	t.Helper()
	status, data := n.do(t, "", method, path, body)
	require.Less(t, status, 300, "%s %s: %s", method, path, data)
	return data
}

func (n *secureNode) drop(t testing.TB) {
	t.Helper()
	n.do(t, "", http.MethodDelete, "/_data_stream/"+n.stream, "")
}

// stored counts the documents of the stream, 0 where there is none.
func (n *secureNode) stored(t testing.TB) int {
	t.Helper()
	n.do(t, "", http.MethodPost, "/"+n.stream+"/_refresh", "")
	status, data := n.do(t, "", http.MethodGet, "/"+n.stream+"/_count", "")
	if status == http.StatusNotFound {
		return 0
	}
	var answer struct{ Count int }
	require.NoError(t, json.Unmarshal(data, &answer))
	return answer.Count
}

// trust is the option that makes the connection good.
func (n *secureNode) trust() string { return fmt.Sprintf("ssl.certificate_authorities: [%q]", n.ca) }

// admin are the options of the administrator.
func (n *secureNode) admin() string {
	return fmt.Sprintf("username: %q\n  password: %q", n.username, n.password)
}

// install lets the binary install the template as the administrator.
func (n *secureNode) install(t testing.TB) {
	t.Helper()
	out, code := n.trailbeat(t, n.config(t, t.TempDir(), n.trust(), n.admin()), "setup")
	require.Zero(t, code, out)
}

// config writes a configuration that ships the sample events, with more options of the output.
func (n *secureNode) config(t testing.TB, data string, options ...string) string {
	t.Helper()
	output := fmt.Sprintf("data_stream.namespace: %s\noutput.elasticsearch:\n  hosts: [%q]\n  %s\n", n.namespace, n.url, strings.Join(options, "\n  "))
	samples, err := filepath.Abs(filepath.Join(repository, "testdata", "samples"))
	require.NoError(t, err)
	return config(t, data, samples, output)
}

// trailbeat runs a command to its end and gives all that it said, and its exit code.
func (n *secureNode) trailbeat(t testing.TB, config string, args ...string) (said string, code int) {
	t.Helper()
	out, err := exec.Command(binary, append(args, "-c", config)...).CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		require.NoError(t, err)
	}
	if len(n.password) > 5 { // OpenSearch's first one is admin, as the user
		assert.NotContains(t, string(out), n.password)
	}
	if failed != nil {
		return string(out), failed.ExitCode()
	}
	return string(out), 0
}

// errorLines are the errors that the command ended with. The log is apart from them.
func errorLines(said string) []string {
	var found []string
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "trailbeat: ") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// rights of a writer, in the words of each engine. OpenSearch's are for roles of its security plugin.
type rights struct {
	elastic        string
	cluster, index []string
}

// writer is somebody with few rights: an API key, or, as OpenSearch has none, a user.
type writer struct {
	// options of the output, the secret among them, and the Authorization header.
	options, secret, authorization string
}

const writerName = "trailbeat-e2e-writer"

// writer makes a writer that may do what the rights say, and no more.
func (n *secureNode) writer(t testing.TB, may rights) writer {
	t.Helper()
	if !n.openSearch {
		body := fmt.Sprintf(`{"name":%q,"expiration":"1h","role_descriptors":{"writer":%s}}`, writerName, may.elastic)
		var key struct{ Encoded string }
		require.NoError(t, json.Unmarshal(n.must(t, http.MethodPost, "/_security/api_key", body), &key))
		require.NotEmpty(t, key.Encoded)
		return writer{"api_key: " + key.Encoded, key.Encoded, "ApiKey " + key.Encoded}
	}
	const api, password = "/_plugins/_security/api/", "Trail-beat-4711-writer"
	role, err := json.Marshal(map[string]any{
		"cluster_permissions": may.cluster,
		"index_permissions":   []any{map[string]any{"index_patterns": []string{"logs-aws.cloudtrail-*"}, "allowed_actions": may.index}},
	})
	require.NoError(t, err)
	name := fmt.Sprintf("%s-%x", writerName, sha256.Sum256(role))[:len(writerName)+9]
	n.must(t, http.MethodPut, api+"roles/"+name, string(role))
	n.must(t, http.MethodPut, api+"internalusers/"+name, fmt.Sprintf(`{"password":%q,"opendistro_security_roles":[%q]}`, password, name))
	t.Cleanup(func() {
		n.do(t, "", http.MethodDelete, api+"internalusers/"+name, "")
		n.do(t, "", http.MethodDelete, api+"roles/"+name, "")
	})
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
	require.Eventually(t, func() bool { // until all threads of the node know the user
		status, said := n.do(t, basic, http.MethodGet, "/_plugins/_security/authinfo", "")
		return status == http.StatusOK && strings.Contains(string(said), `"roles":["`)
	}, 30*time.Second, 100*time.Millisecond)
	return writer{fmt.Sprintf("username: %q\n  password: %q", name, password), password, basic}
}

// complete is the node as a complete Elasticsearch would answer a key without monitor and view_index_metadata. The archive for
// integration tests has handlers of its own for GET / and data streams, which check no rights.
func (n *secureNode) complete(t testing.TB) *secureNode {
	t.Helper()
	target, err := url.Parse(n.url)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = n.client.Transport
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" && !strings.HasPrefix(r.URL.Path, "/_data_stream/") {
			proxy.ServeHTTP(w, r)
			return
		}
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"error":{"type":"security_exception","reason":"the action is unauthorized for this API key"},"status":403}`)
	}))
	t.Cleanup(server.Close)
	limited := *n
	limited.url, limited.ca = server.URL, filepath.Join(t.TempDir(), "ca.pem")
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(limited.ca, authority, 0o644))
	return &limited
}

// What a writer needs, from the least that works up. Each adds to the one before.
//
// Elasticsearch, as the privileges of a role or of an API key:
//
//   - create_doc on logs-aws.cloudtrail-* is enough to ship into a data stream that is there. The state of the server is
//     then not looked at in advance, as it cannot be; a bulk request that would make a plain index is refused by
//     Elasticsearch itself (require_data_stream).
//   - auto_configure on the same names lets the first document make the data stream from the template.
//   - monitor on the cluster and view_index_metadata on the names let a run, and 'trailbeat test output', look at the
//     server's version, the template and the data stream before the first document. monitor covers reading templates too.
//   - Only 'trailbeat setup', and a run that is to install the template, need manage_index_templates on the cluster.
//
// None of them can read, change or delete a document. What is delivered again after a rollover is only found with read on
// the names as well; see TestSecureDuplicatesAfterRollover.
//
// OpenSearch, as actions that a role of its security plugin allows: the same steps. It has no right to create only: who may
// index can also overwrite a document whose sequence number he knows. As it does not know require_data_stream, the
// answer to each bulk request is looked at instead.
var (
	createOnly = rights{
		`{"indices":[{"names":["logs-aws.cloudtrail-*"],"privileges":["create_doc"]}]}`,
		[]string{"indices:data/write/bulk"}, []string{"indices:data/write/bulk[s]", "indices:data/write/index"},
	}
	createStream = rights{
		`{"indices":[{"names":["logs-aws.cloudtrail-*"],"privileges":["create_doc","auto_configure"]}]}`,
		createOnly.cluster, slices.Concat(createOnly.index, []string{"indices:admin/create"}),
	}
	createSeeing = rights{
		`{"cluster":["monitor"],"indices":[{"names":["logs-aws.cloudtrail-*"],"privileges":["create_doc","auto_configure","view_index_metadata"]}]}`,
		slices.Concat(createStream.cluster, []string{"cluster:monitor/main", "indices:admin/index_template/get"}),
		slices.Concat(createStream.index, []string{"indices:admin/data_stream/get", "indices:admin/get", "indices:monitor/settings/get"}),
	}
	createSetup = rights{
		`{"cluster":["monitor","manage_index_templates"],"indices":[{"names":["logs-aws.cloudtrail-*"],"privileges":["create_doc","auto_configure","view_index_metadata"]}]}`,
		slices.Concat(createSeeing.cluster, []string{"indices:admin/index_template/put"}), createSeeing.index,
	}
	createReading = rights{
		`{"cluster":["monitor"],"indices":[{"names":["logs-aws.cloudtrail-*"],"privileges":["create_doc","auto_configure","view_index_metadata","read"]}]}`,
		slices.Concat(createSeeing.cluster, []string{"indices:data/read/mget"}),
		slices.Concat(createSeeing.index, []string{"indices:data/read/mget*", "indices:data/read/get"}),
	}
)
