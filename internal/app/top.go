package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/monitor/web"
	"github.com/trailbeat/trailbeat/internal/terminal"
	"github.com/trailbeat/trailbeat/internal/top"
)

func (a *app) topCommand() *cobra.Command {
	var opts struct {
		url   string
		once  bool
		every time.Duration
	}
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Watch a running trailbeat in the terminal",
		Long: `Top asks the trailbeat that runs on this machine, and shows what passes, how late it is, by account and region, what each input
does, what is wrong and how to mend it. It asks where http.* of the configuration says, with http.auth.*, or at --url. On a terminal it
draws anew every two seconds, until q or ctrl-c; elsewhere, and with --once, it prints one picture as text.

The process must serve http. It does so by itself where it was started in a terminal, and everywhere with http.enabled: true.`,
		Example: `  trailbeat top
  trailbeat top -c /etc/trailbeat/trailbeat.yml
  trailbeat top --once --url http://localhost:5066
  trailbeat top --output json | jq .status.flow`,
		Args: noArguments,
	}
	format := formatFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&opts.url, "url", "", "`URL` of the process, or unix:///path/to/socket (default what http.* says)")
	flags.BoolVar(&opts.once, "once", false, "print one picture as text and end")
	flags.DurationVar(&opts.every, "interval", 2*time.Second, "pause between two pictures")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if opts.every < 100*time.Millisecond {
			return usage(fmt.Errorf("--interval must be 100ms or more, is %s", opts.every))
		}
		s, err := a.load()
		if err != nil {
			return err
		}
		client, err := watchClient(&s.HTTP, opts.url)
		if err != nil {
			return usage(err)
		}
		if !format.json() && !opts.once && isTerminal(a.Stdout) && !terminal.Dumb() {
			return a.noAnswer(client, top.Run(cmd.Context(), top.Options{From: client, In: a.Stdin, Out: a.out.w, Every: opts.every}))
		}
		return a.printTop(cmd.Context(), client, format.json())
	}
	return cmd
}

func (a *app) printTop(ctx context.Context, client *api.Client, asJSON bool) error {
	shot, err := top.Ask(ctx, client)
	if err != nil {
		return a.noAnswer(client, err)
	}
	if asJSON {
		return a.printJSON(shot)
	}
	screen := top.Screen{Width: 120, Style: a.style()}
	if isTerminal(a.Stdout) {
		screen.Width, _ = terminal.Size(a.out.w)
	}
	_, err = io.WriteString(a.Stdout, top.View(shot.Status, shot.Series, screen))
	return err
}

// noAnswer says what to do where nobody answers.
func (a *app) noAnswer(client *api.Client, err error) error {
	if !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.ENOENT) {
		return err
	}
	return fmt.Errorf("no trailbeat answers at %s: start one with http.enabled: true (\"trailbeat run -E http.enabled=true\"; "+
		"in a terminal it serves by itself), or name its address with --url, or its configuration with -c", placeOf(client))
}

func placeOf(client *api.Client) string {
	if t, ok := client.HTTP.Transport.(*socketTransport); ok {
		return unixScheme + t.path
	}
	return client.URL
}

const unixScheme = "unix://"

// askTimeout is how long an answer may take.
const askTimeout = 5 * time.Second

// socketTransport asks over a socket of this machine.
type socketTransport struct {
	http.Transport
	path string
}

func newSocketTransport(path string) *socketTransport {
	t := &socketTransport{path: path}
	t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return t
}

// watchClient asks the process that serves as c says, or at place where that is not empty; both with the credentials of c.
func watchClient(c *web.Config, place string) (*api.Client, error) {
	client := &api.Client{
		URL: place, Token: c.Auth.Token, Username: c.Auth.Username, Password: c.Auth.Password, HTTP: &http.Client{Timeout: askTimeout},
	}
	if place == "" {
		client.URL = served(c)
	}
	if path, ok := strings.CutPrefix(client.URL, unixScheme); ok {
		client.URL, client.HTTP.Transport = "http://localhost", newSocketTransport(path)
		return client, nil
	}
	u, err := url.Parse(client.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		// The text may hold a password.
		return nil, fmt.Errorf("--url must be an address such as http://localhost:%d or unix:///run/trailbeat.sock", web.DefaultPort)
	}
	if u.User != nil {
		client.Token, client.Username = "", u.User.Username()
		client.Password, _ = u.User.Password()
		u.User = nil
		client.URL = u.String()
	}
	if u.Scheme == "https" {
		client.HTTP.Transport = &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: trusted(c.SSL.Certificate)}}
	}
	return client, nil
}

// trusted are the roots of the system, and the certificate that the process itself serves with: most often nobody else signed it.
// Nil: those of the system.
func trusted(certificate string) *x509.CertPool {
	text, err := os.ReadFile(certificate)
	if err != nil {
		return nil // it may be readable by the user of the process alone
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM(text)
	return pool
}

// served is where a process with this configuration listens.
func served(c *web.Config) string {
	if strings.HasPrefix(c.Host, unixScheme) {
		return c.Host
	}
	scheme, host := "http", strings.Trim(c.Host, "[]")
	if c.SSL.Certificate != "" {
		scheme = "https"
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(c.Port))
}
