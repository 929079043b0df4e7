package elasticsearch

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// endpoints is what hosts or cloud.id come to: URLs without credentials and without a slash at the end.
func (c *Config) endpoints() ([]*url.URL, error) {
	if c.Cloud.ID != "" {
		if len(c.Hosts) > 0 {
			return nil, errors.New("cloud.id: cannot go together with hosts; remove one of them")
		}
		u, err := cloudEndpoint(c.Cloud.ID)
		if err != nil {
			return nil, fmt.Errorf("cloud.id: %w; copy it from the deployment's page", err)
		}
		return []*url.URL{u}, nil
	}
	if len(c.Hosts) == 0 {
		return nil, errors.New("hosts: must not be empty; name at least one node, such as https://es.example:9200, or set cloud.id")
	}
	var all []*url.URL
	for i, host := range c.Hosts {
		u, err := c.endpoint(host)
		if err != nil {
			return nil, fmt.Errorf("hosts.%d: %w", i, err)
		}
		u.User = nil
		all = append(all, u)
	}
	return all, nil
}

// endpoint parses one host. Its errors never quote the text, which may hold a password.
func (c *Config) endpoint(host string) (*url.URL, error) {
	protocol := c.Protocol
	if protocol == "" {
		protocol = "http"
	}
	if !strings.Contains(host, "://") {
		host = protocol + "://" + bracketed(host)
	}
	u, err := url.Parse(host)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("must be a URL or host:port, such as https://es.example:9200")
	}
	if name := u.Hostname(); name == "http" || name == "https" {
		return nil, fmt.Errorf("must begin with http:// or https:// with a colon and two slashes; the way it is written, %s is the host", name)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("must begin with http:// or https://, begins with %s://", u.Scheme)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("must have no query and no fragment; see the option parameters")
	}
	if u.Port() == "" {
		port := "9200"
		if c.AWS.SigV4.Enabled && u.Scheme == "https" {
			port = "443" // the only one of Amazon OpenSearch Service
		}
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/" + strings.Trim(c.Path, "/")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

// bracketed puts brackets around a bare IPv6 address.
func bracketed(host string) string {
	if ip := net.ParseIP(host); ip != nil && strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// cloudEndpoint decodes "name:base64(host[:port]$elasticsearch[:port]$kibana)".
func cloudEndpoint(id string) (*url.URL, error) {
	if i := strings.LastIndexByte(id, ':'); i >= 0 {
		id = id[i+1:]
	}
	plain, err := base64.StdEncoding.DecodeString(id)
	if err != nil {
		return nil, errors.New("the part behind the colon is not base64")
	}
	parts := strings.Split(string(plain), "$")
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return nil, errors.New("names no host and deployment")
	}
	domain, port, found := strings.Cut(parts[0], ":")
	if !found {
		port = "443"
	}
	name, own, found := strings.Cut(parts[1], ":")
	if found {
		port = own
	}
	u, err := url.Parse("https://" + name + "." + domain + ":" + port)
	if err != nil {
		return nil, errors.New("names no valid host")
	}
	return u, nil
}

// credentials is who to say we are: a user with a password, or an encoded API key.
type credentials struct{ username, password, apiKey string }

func (c *Config) credentials() (credentials, error) {
	if c.APIKey != "" {
		key, err := encodedAPIKey(c.APIKey)
		return credentials{apiKey: key}, err
	}
	if c.Cloud.Auth != "" {
		user, password, _ := strings.Cut(c.Cloud.Auth, ":")
		return credentials{username: user, password: password}, nil
	}
	if c.Username != "" {
		return credentials{username: c.Username, password: c.Password}, nil
	}
	// The client knows one identity for all hosts, so the first host that names one decides.
	for _, host := range c.Hosts {
		if !strings.Contains(host, "://") {
			host = "http://" + host
		}
		if u, err := url.Parse(host); err == nil && u.User != nil {
			password, _ := u.User.Password()
			return credentials{username: u.User.Username(), password: password}, nil
		}
	}
	return credentials{}, nil
}
