package elasticsearch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
)

// maxAnswer bounds what is read of an answer. A bulk answer has some hundred bytes per document at worst.
const maxAnswer = 128 << 20

// client sends requests to one of the hosts. It stands on the transport of Elastic's client, which keeps the list of hosts
// and leaves out those that fail. Retries there are off: it would send a whole body again where the flow wants a verdict
// per document, and wait without telling anybody. The client's outer layer is left out: it refuses OpenSearch, which does
// not send the header X-Elastic-Product, where Server looks more closely, and it brings the code of all typed calls.
type client struct {
	es      *elastictransport.Client
	hosts   []*url.URL
	timeout time.Duration
	idle    []*http.Transport
}

func newClient(conf *Config, opts Options) (*client, error) {
	hosts, err := conf.endpoints()
	if err != nil {
		return nil, err
	}
	who, err := conf.credentials()
	if err != nil {
		return nil, err
	}
	routes := hostTransport{}
	c := &client{hosts: hosts, timeout: conf.Timeout}
	for _, host := range hosts {
		t, err := conf.transport(host.Hostname(), conf.workers(len(hosts)))
		if err != nil {
			return nil, err
		}
		routes[host.Host] = t
		c.idle = append(c.idle, t)
	}
	var transport http.RoundTripper = routes
	if opts.Wrap != nil {
		transport = opts.Wrap(transport)
	}
	header := http.Header{}
	userAgent := opts.UserAgent
	if userAgent == "" {
		userAgent = "trailbeat"
	}
	for name, value := range conf.Headers {
		header.Set(name, value)
	}
	options := []elastictransport.Option{
		elastictransport.WithURLs(hosts...), elastictransport.WithHeader(header), elastictransport.WithTransport(transport),
		elastictransport.WithDisableRetry(), elastictransport.WithUserAgent(userAgent),
	}
	switch {
	case who.apiKey != "":
		options = append(options, elastictransport.WithAPIKey(who.apiKey))
	case who.username != "":
		options = append(options, elastictransport.WithBasicAuth(who.username, who.password))
	}
	if !conf.LoadBalance {
		options = append(options, elastictransport.WithSelector(firstHost{}))
	}
	if c.es, err = elastictransport.NewClient(options...); err != nil {
		return nil, fmt.Errorf("making the Elasticsearch client: %w", err)
	}
	return c, nil
}

// transport is the connection pool to one host.
func (c *Config) transport(host string, workers int) (*http.Transport, error) {
	tlsConfig, err := c.SSL.Client(host)
	if err != nil {
		return nil, err
	}
	t := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:     tlsConfig,
		TLSHandshakeTimeout: 30 * time.Second,
		MaxIdleConnsPerHost: workers + 1,
		IdleConnTimeout:     c.IdleConnectionTimeout,
		// An answer without errors has 28 bytes per document. Packing it costs the server more than it spares.
		DisableCompression: true,
	}
	switch proxy, err := proxyURL(c.ProxyURL); {
	case err != nil:
		return nil, err
	case c.ProxyDisable:
	case proxy != nil:
		t.Proxy = http.ProxyURL(proxy)
	default:
		t.Proxy = http.ProxyFromEnvironment
	}
	return t, nil
}

func (c *client) close(ctx context.Context) error {
	for _, t := range c.idle {
		t.CloseIdleConnections()
	}
	return c.es.Close(ctx)
}

// deadline bounds one request. The returned func turns an error that comes from that bound into one that says so.
func (c *client) deadline(parent context.Context) (context.Context, context.CancelFunc, func(error) error) {
	if c.timeout <= 0 {
		return parent, func() {}, func(err error) error { return err }
	}
	ctx, cancel := context.WithTimeout(parent, c.timeout)
	return ctx, cancel, func(err error) error {
		// The cause is not wrapped: a caller that looks for the end of its own context must not find this one.
		if err != nil && ctx.Err() != nil && parent.Err() == nil {
			return fmt.Errorf("no answer within the timeout of %s", c.timeout)
		}
		return err
	}
}

// answer is what came back, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call sends a request other than a bulk, to the next host where one does not answer: these requests may be repeated. Only
// a failed exchange is an error; a status is left to the caller.
func (c *client) call(ctx context.Context, method, path string, body []byte) (answer, error) {
	var failed error
	for range c.hosts {
		a, err := c.callOnce(ctx, method, path, body)
		if err == nil {
			return a, nil
		}
		failed = fmt.Errorf("calling %s %s: %w", method, path, err)
		if ctx.Err() != nil {
			break
		}
	}
	return answer{}, failed
}

func (c *client) callOnce(parent context.Context, method, path string, body []byte) (answer, error) {
	ctx, cancel, explain := c.deadline(parent)
	defer cancel()
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, path, reader)
	if err != nil {
		return answer{}, fmt.Errorf("making the request: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.es.Perform(req)
	if err != nil {
		return answer{}, explain(err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.body, err = readAnswer(nil, res.Body); err != nil {
		return answer{}, explain(err)
	}
	return a, nil
}

var errLongAnswer = errors.New("the answer is longer than " + strconv.Itoa(maxAnswer>>20) + " MiB")

// readAnswer reads to the end, into dst where that has room.
func readAnswer(dst []byte, body io.Reader) ([]byte, error) {
	buf := bytes.NewBuffer(dst[:0])
	if _, err := buf.ReadFrom(io.LimitReader(body, maxAnswer+1)); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if buf.Len() > maxAnswer {
		return nil, errLongAnswer
	}
	return buf.Bytes(), nil
}

// hostTransport has a connection pool for each host, as the rules of TLS are bound to the host's name.
type hostTransport map[string]*http.Transport

func (t hostTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	route, ok := t[req.URL.Host]
	if !ok {
		return nil, fmt.Errorf("host %q is not one of the hosts", req.URL.Host)
	}
	return route.RoundTrip(req)
}

// productHeader is on all answers of Elasticsearch since 7.14.
const productHeader = "X-Elastic-Product"

// firstHost stays with one host as long as it works (loadbalance: false).
type firstHost struct{}

func (firstHost) Select(live []*elastictransport.Connection) (*elastictransport.Connection, error) {
	if len(live) == 0 {
		return nil, errors.New("no host is left")
	}
	return live[0], nil
}
