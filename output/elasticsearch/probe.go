package elasticsearch

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Step is one thing that Test looked at.
type Step struct {
	// Name, such as "dns lookup" or "data stream", with the host in front where it concerns one.
	Name string
	// Detail is what was found.
	Detail string
	// Skipped says that the step does not apply or could not be looked at. Detail says why.
	Skipped bool
	// Err is what went wrong, and how to mend it. Nil: all is well.
	Err error
}

// probeTimeout of one step, so that a test of a server that does not answer ends soon.
const probeTimeout = 10 * time.Second

// Test looks at the way to each host and at what the credentials may do there, step by step, without writing anything. It
// goes on to the next host after a failure. The output works if no step has an Err.
func (o *Output) Test(ctx context.Context) []Step {
	var steps []Step
	works := false
	for _, host := range o.client.hosts {
		found, ok := o.testHost(ctx, host)
		steps, works = append(steps, found...), works || ok
	}
	if !works {
		return steps
	}
	return append(steps, o.testTarget(ctx), o.testPrivileges(ctx))
}

// testHost follows the way to one host. ok is false if it does not lead to a server.
func (o *Output) testHost(ctx context.Context, host *url.URL) (steps []Step, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	note := func(name, detail string, err error) bool {
		steps = append(steps, Step{Name: host.Host + " " + name, Detail: detail, Err: err})
		return err == nil
	}
	note("parse url", host.String(), nil)

	transport, err := o.conf.transport(host.Hostname(), 1)
	if err != nil {
		return steps, note("tls", "", err)
	}
	if proxy := proxyOf(transport, host); proxy != "" {
		steps = append(steps, Step{Name: host.Host + " connection", Detail: "goes through the proxy " + proxy, Skipped: true})
	} else if !o.testConnection(ctx, host, transport.TLSClientConfig, note) {
		return steps, false
	}

	server, err := o.askHost(ctx, host)
	if err != nil {
		return steps, note("talk to server", "", err)
	}
	version := server.Version
	switch {
	case server.Serverless:
		version = "serverless"
	case version == "":
		version = "of a version that the credentials may not see"
	}
	return steps, note("talk to server", fmt.Sprintf("%s %s, cluster %q", server.Flavour, version, server.Cluster), nil)
}

func proxyOf(t *http.Transport, host *url.URL) string {
	if t.Proxy == nil {
		return ""
	}
	if u, err := t.Proxy(&http.Request{URL: host}); err == nil && u != nil {
		return u.Host
	}
	return ""
}

// testConnection looks up, connects, and shakes hands.
func (o *Output) testConnection(ctx context.Context, host *url.URL, conf *tls.Config, note func(string, string, error) bool) bool {
	if net.ParseIP(host.Hostname()) == nil {
		addresses, err := net.DefaultResolver.LookupHost(ctx, host.Hostname())
		if !note("dns lookup", strings.Join(addresses, ", "), err) {
			return false
		}
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", host.Host)
	if err != nil {
		return note("dial up", "", fmt.Errorf("%w; see host and port in hosts, whether the server runs, and firewalls in between", err))
	}
	defer conn.Close()
	note("dial up", conn.RemoteAddr().String(), nil)
	if host.Scheme != "https" {
		return true
	}
	secure := tls.Client(conn, conf)
	if err := secure.HandshakeContext(ctx); err != nil {
		var notTLS tls.RecordHeaderError
		switch {
		case errors.As(err, &notTLS):
			err = errors.New("the server does not speak TLS; use http:// in hosts")
		default:
			err = fmt.Errorf("%w; see ssl.certificate_authorities, ssl.ca_trusted_fingerprint and ssl.verification_mode", err)
		}
		return note("tls", "", err)
	}
	state := secure.ConnectionState()
	return note("tls", fmt.Sprintf("%s, certificate of %q until %s", tls.VersionName(state.Version),
		state.PeerCertificates[0].Subject.CommonName, state.PeerCertificates[0].NotAfter.Format(time.DateOnly)), nil)
}

// askHost asks one host, and not the next of the list, what it is.
func (o *Output) askHost(ctx context.Context, host *url.URL) (Server, error) {
	conf := o.conf
	who, err := conf.credentials()
	if err != nil {
		return Server{}, err
	}
	conf.Cloud, conf.Hosts = CloudConfig{}, []string{host.String()}
	conf.Username, conf.Password, conf.APIKey = who.username, who.password, who.apiKey
	one, err := New(conf, o.opts)
	if err != nil {
		return Server{}, err
	}
	defer one.Close()
	return one.Server(ctx)
}

func (o *Output) testTarget(ctx context.Context) Step {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	step := Step{Name: "data stream " + o.index}
	if !o.conf.RequireDataStream {
		step.Skipped, step.Detail = true, "require_data_stream is false"
		return step
	}
	if _, step.Err = o.Server(ctx); step.Err != nil {
		return step
	}
	found, err := o.checkTarget(ctx, o.index)
	switch {
	case err != nil:
		step.Err = err
	case found.exists:
		step.Detail = fmt.Sprintf("exists, made by template %q", found.template)
	case found.template == "":
		step.Skipped, step.Detail = true, "the credentials do not allow to look"
	default:
		step.Detail = fmt.Sprintf("will be made by template %q", found.template)
		if !found.ours {
			step.Detail += ", which is not trailbeat's"
		}
	}
	return step
}

// testPrivileges asks whether documents may be created. Only Elasticsearch can tell without being written to.
func (o *Output) testPrivileges(ctx context.Context) Step {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	step := Step{Name: "may create documents"}
	skip := func(why string) Step {
		step.Skipped, step.Detail = true, why
		return step
	}
	server, err := o.Server(ctx)
	switch {
	case err != nil:
		step.Err = err
		return step
	case server.Flavour != Elasticsearch:
		return skip("the server cannot be asked")
	}
	question, err := json.Marshal(map[string]any{"index": []any{map[string]any{
		"names": []string{o.index}, "privileges": append([]string{"create_doc", "auto_configure"}, deduplicationPrivileges()...),
	}}})
	if err != nil {
		step.Err = err
		return step
	}
	a, err := o.client.call(ctx, http.MethodPost, "/_security/user/_has_privileges", question)
	if err != nil {
		step.Err = err
		return step
	}
	if a.status != http.StatusOK {
		return skip("the server's security is off, or it does not say")
	}
	var told struct {
		Index map[string]map[string]bool `json:"index"`
	}
	if err := json.Unmarshal(a.body, &told); err != nil {
		return skip("the server does not say")
	}
	switch may := told.Index[o.index]; {
	case !may["create_doc"]:
		step.Err = fmt.Errorf("the credentials may not create documents in %q; grant create_doc on it", o.index)
	case !may["auto_configure"]:
		step.Detail = "yes, but not create the data stream: grant auto_configure too, or create it beforehand"
	default:
		step.Detail = "yes"
	}
	if step.Err == nil && o.deduplicates() {
		o.testDeduplication(&step, told.Index[o.index])
	}
	return step
}

// deduplicationPrivileges are what is needed to keep a document from being stored again after a rollover.
func deduplicationPrivileges() []string { return []string{"read", "view_index_metadata", "delete"} }

func (o *Output) testDeduplication(step *Step, may map[string]bool) {
	var missing []string
	for _, privilege := range deduplicationPrivileges() {
		if !may[privilege] {
			missing = append(missing, privilege)
		}
	}
	switch {
	case len(missing) == 0:
	case o.conf.DeduplicateAcrossRollover == DeduplicateRequired:
		step.Err = fmt.Errorf("the credentials may not deduplicate after a rollover; grant %s on %q", strings.Join(missing, ", "), o.index)
	default:
		step.Detail += "; but not deduplicate after a rollover, which takes " + strings.Join(missing, ", ")
	}
}
