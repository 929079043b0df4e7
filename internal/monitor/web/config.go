package web

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// Config is the group http.
type Config struct {
	// Enabled serves the status page, the metrics and the API. Default: true for a run whose stderr is a terminal and that listens
	// on this machine alone, else false.
	Enabled *bool `config:"enabled"`
	// Host to listen on: a name, an address, or unix:///path/to/socket. Default localhost. Any other than this machine needs http.auth
	// or http.allow_unauthenticated.
	Host string `config:"host"`
	// Port to listen on. Default 5066. Zero: a free one, which the log names.
	Port int `config:"port"`
	// Auth says who may ask. Default: on this machine everybody.
	Auth AuthConfig `config:"auth"`
	// AllowUnauthenticated lets everybody who reaches an address other than this machine's see everything. Default false.
	AllowUnauthenticated bool `config:"allow_unauthenticated"`
	// SSL encrypts. Default: it does not.
	SSL SSLConfig `config:"ssl"`
	// Details shows names that come out of events: principals, actions, objects. Default true; false shows counts and accounts only.
	Details bool `config:"details"`
	// DeadLetterSample is how many bytes of the record a dead letter on the page shows. Records can hold what not everybody may see.
	// Default 0: none. At most 2048.
	DeadLetterSample int `config:"dead_letter_sample"`
	// Pprof serves profiles of the process.
	Pprof PprofConfig `config:"pprof"`
}

// AuthConfig is the group http.auth. Token and Username may both be set; either lets in.
type AuthConfig struct {
	// Token is sent as "Authorization: Bearer TOKEN", or by a browser as the password of the user "token". At least 16 characters.
	// Default empty: none.
	Token string `config:"token,secret"`
	// Username and Password are for basic authentication. Default empty: none.
	Username string `config:"username"`
	// Password of Username. At least 8 characters.
	Password string `config:"password,secret"`
}

// SSLConfig is the group http.ssl.
type SSLConfig struct {
	// Certificate and Key are PEM files: the chain of the server, and its key. Default empty: plain HTTP.
	Certificate string `config:"certificate"`
	// Key of Certificate.
	Key string `config:"key"`
}

// PprofConfig is the group http.pprof.
type PprofConfig struct {
	// Enabled serves /debug/pprof/. Default false.
	Enabled bool `config:"enabled"`
}

// DefaultPort is that of Beats.
const DefaultPort = 5066

// DefaultConfig returns the defaults.
func DefaultConfig() Config { return Config{Host: "localhost", Port: DefaultPort, Details: true} }

// On says whether to serve, for a run that a person watches or does not.
func (c *Config) On(interactive bool) bool {
	if c.Enabled != nil {
		return *c.Enabled
	}
	return interactive && c.local()
}

// Default reports whether nothing asks for a page but the default: then it is no failure where there can be none.
func (c *Config) Default() bool { return c.Enabled == nil }

// HasAuth reports whether not everybody is let in.
func (c *Config) HasAuth() bool { return c.Auth.Token != "" || c.Auth.Username != "" }

const unixPrefix = "unix://"

// local reports whether only this machine reaches Host.
func (c *Config) local() bool {
	if strings.HasPrefix(c.Host, unixPrefix) {
		return true
	}
	return isLoopback(c.Host)
}

func isLoopback(host string) bool {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Validate joins all that is wrong.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch {
	case c.Host == "":
		bad(`host: must not be empty; write localhost, or 0.0.0.0 for all addresses`)
	case strings.HasPrefix(c.Host, unixPrefix):
		if c.Host == unixPrefix {
			bad("host: must name the socket, as in unix:///run/trailbeat.sock")
		}
	case strings.ContainsAny(c.Host, "/ ") || strings.Count(c.Host, ":") == 1:
		bad("host: must be a name or an address without a port, is %q; the port has an option of its own", c.Host)
	case !c.local() && !c.HasAuth() && !c.AllowUnauthenticated:
		bad("host: %s can be reached from other machines; set auth.token, or auth.username and auth.password, or allow_unauthenticated: true", c.Host)
	}
	if c.Port < 0 || c.Port > 65535 {
		bad("port: must be 0 to 65535, is %d", c.Port)
	}
	if n := len(c.Auth.Token); n > 0 && n < 16 {
		bad("auth.token: has %d characters, but must have 16 or more; make one with: openssl rand -hex 16", n)
	}
	if strings.ContainsAny(c.Auth.Token, " \t\r\n") {
		bad("auth.token: must not contain white space")
	}
	switch {
	case (c.Auth.Username == "") != (c.Auth.Password == ""):
		bad("auth: username and password need each other")
	case c.Auth.Username != "" && len(c.Auth.Password) < 8:
		bad("auth.password: must have 8 characters or more")
	case strings.Contains(c.Auth.Username, ":"):
		bad("auth.username: must not contain a colon")
	}
	if (c.SSL.Certificate == "") != (c.SSL.Key == "") {
		bad("ssl: certificate and key need each other")
	}
	if c.DeadLetterSample < 0 || c.DeadLetterSample > 2048 {
		bad("dead_letter_sample: must be 0 to 2048 bytes, is %d", c.DeadLetterSample)
	}
	return errors.Join(errs...)
}
