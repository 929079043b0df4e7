package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/internal/monitor"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
)

// Source is what is served. *monitor.Monitor is one.
type Source interface {
	Status() api.Status
	Series(window string) (api.Series, error)
	Ready() (bool, []api.Problem)
	Stats() monitor.Stats
}

// Route is a handler of somebody else.
type Route struct {
	// Pattern as for http.ServeMux, such as "POST /api/v1/sources".
	Pattern string
	Handler http.Handler
	// OwnGuard says that the handler itself lets nobody in who is not allowed, so that http.auth is not asked. The other checks hold.
	OwnGuard bool
}

// Options are what a Server is made of. Source is required.
type Options struct {
	Config Config
	Source Source
	// Routes are served behind the same checks.
	Routes []Route
	// Logger. Nil: silent.
	Logger *slog.Logger
}

// Server listens from Listen to Close.
type Server struct {
	cfg      Config
	log      *slog.Logger
	listener net.Listener
	http     *http.Server
	done     chan struct{}
}

// Listen takes the address and serves in the background. ErrTaken says that another program has the address.
func Listen(ctx context.Context, opt Options) (*Server, error) {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if err := opt.Config.Validate(); err != nil {
		return nil, fmt.Errorf("serving http: %w", err)
	}
	handler, err := newHandler(opt)
	if err != nil {
		return nil, err
	}
	l, err := listen(ctx, &opt.Config)
	if err != nil {
		return nil, fmt.Errorf("serving http on %s: %w", opt.Config.place(), err)
	}
	s := &Server{cfg: opt.Config, log: opt.Logger, listener: l, done: make(chan struct{}), http: &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(opt.Logger.Handler(), slog.LevelDebug),
	}}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("http server ended", "error.message", err)
		}
	}()
	return s, nil
}

// ErrTaken says that another program listens there already.
var ErrTaken = errors.New("the address is taken by another program; stop it, or set http.port")

// place is where the configuration wants to listen.
func (c *Config) place() string {
	if strings.HasPrefix(c.Host, unixPrefix) {
		return c.Host
	}
	return net.JoinHostPort(strings.Trim(c.Host, "[]"), strconv.Itoa(c.Port))
}

func listen(ctx context.Context, c *Config) (net.Listener, error) {
	var cert tls.Certificate
	if c.SSL.Certificate != "" {
		var err error
		if cert, err = tls.LoadX509KeyPair(c.SSL.Certificate, c.SSL.Key); err != nil {
			return nil, fmt.Errorf("reading http.ssl.certificate and http.ssl.key: %w", err)
		}
	}
	network, address := "tcp", c.place()
	if path, ok := strings.CutPrefix(c.Host, unixPrefix); ok {
		network, address = "unix", path
		if err := removeSocket(ctx, path); err != nil {
			return nil, err
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, network, address)
	if err != nil {
		if isTaken(err) {
			return nil, ErrTaken
		}
		return nil, err
	}
	if network == "unix" {
		if err := os.Chmod(address, 0o600); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	// What "localhost" resolves to is the business of a file that may say anything.
	if tcp, ok := l.Addr().(*net.TCPAddr); ok && c.local() && !tcp.IP.IsLoopback() && !c.HasAuth() && !c.AllowUnauthenticated {
		return nil, errors.Join(fmt.Errorf("%s resolves to %s, which other machines can reach; set http.auth", c.Host, tcp.IP), l.Close())
	}
	if cert.PrivateKey != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}
	return l, nil
}

// removeSocket removes the socket that a killed process left behind, not one that somebody listens on.
func removeSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("%q is there and is no socket", path)
	}
	var d net.Dialer
	if c, err := d.DialContext(ctx, "unix", path); err == nil {
		_ = c.Close()
		return ErrTaken
	}
	return os.Remove(path)
}

// URL is where it can be reached from this machine.
func (s *Server) URL() string {
	if strings.HasPrefix(s.cfg.Host, unixPrefix) {
		return s.cfg.Host
	}
	scheme, host := "http", strings.Trim(s.cfg.Host, "[]")
	if s.cfg.SSL.Certificate != "" {
		scheme = "https"
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	return scheme + "://" + net.JoinHostPort(host, port)
}

// Close lets requests that are being answered finish, for as long as ctx allows, and ends.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.done
	return err
}
