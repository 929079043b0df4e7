package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/internal/monitor/api"
)

//go:embed page
var page embed.FS

// handler answers.
type handler struct {
	Options
	guard *guard
}

func newHandler(opt Options) (http.Handler, error) {
	h := &handler{Options: opt, guard: newGuard(&opt.Config.Auth)}
	files, err := fs.Sub(page, "page")
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	metrics, err := newMetrics(opt.Source)
	if err != nil {
		return nil, err
	}
	inside := http.NewServeMux()
	inside.HandleFunc("GET /{$}", h.root)
	inside.Handle("GET /page/", http.StripPrefix("/page/", http.FileServerFS(files)))
	inside.Handle("GET /metrics", metrics)
	inside.HandleFunc("GET /stats", h.stats)
	inside.HandleFunc("GET /state", h.state)
	inside.HandleFunc("GET "+api.StatusPath, func(w http.ResponseWriter, _ *http.Request) {
		s := opt.Source.Status()
		answer(w, http.StatusOK, &s)
	})
	inside.HandleFunc("GET "+api.SeriesPath, h.series)
	if opt.Config.Pprof.Enabled {
		inside.HandleFunc("GET /debug/pprof/", pprof.Index)
		inside.HandleFunc("GET /debug/pprof/cmdline", http.NotFound) // secrets may stand in it
		inside.HandleFunc("GET /debug/pprof/profile", patient(pprof.Profile))
		inside.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		inside.HandleFunc("GET /debug/pprof/trace", patient(pprof.Trace))
	}
	outside := http.NewServeMux()
	for _, r := range opt.Routes {
		if r.OwnGuard {
			outside.Handle(r.Pattern, r.Handler)
		} else {
			inside.Handle(r.Pattern, r.Handler)
		}
	}
	// Probes have no credentials. They learn no more than yes or no.
	outside.HandleFunc("GET /health", h.health)
	outside.HandleFunc("GET /ready", h.ready)
	outside.Handle("/", h.guard.protect(inside))

	all := http.NewCrossOriginProtection().Handler(outside)
	if opt.Config.local() && h.guard.open() && !strings.HasPrefix(opt.Config.Host, unixPrefix) {
		all = localHostOnly(all)
	}
	return withHeaders(all), nil
}

// patient gives a profile the time that it was asked to take.
func patient(fn http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(10 * time.Minute))
		fn(w, r)
	}
}

// root is the page for browsers. Programs that know Beats ask it who is there.
func (h *handler) root(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Add("Vary", "Accept")
		http.ServeFileFS(w, r, page, "page/status.html")
		return
	}
	p := h.Source.Status().Program
	answer(w, http.StatusOK, map[string]string{
		"beat": p.Name, "name": p.Agent, "hostname": p.Hostname, "uuid": p.AgentID, "ephemeral_id": p.EphemeralID, "version": p.Version,
	})
}

func (h *handler) series(w http.ResponseWriter, r *http.Request) {
	s, err := h.Source.Series(r.URL.Query().Get("window"))
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	answer(w, http.StatusOK, &s)
}

func (h *handler) health(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "alive"})
}

// ready says why not only to those who may see the rest too.
func (h *handler) ready(w http.ResponseWriter, r *http.Request) {
	ok, problems := h.Source.Ready()
	if ok {
		answer(w, http.StatusOK, map[string]any{"ready": true})
		return
	}
	body := map[string]any{"ready": false}
	if h.guard.allowed(r) {
		body["problems"] = problems
	}
	w.Header().Set("Retry-After", "5")
	answer(w, http.StatusServiceUnavailable, body)
}

// answer writes JSON. It is encoded before anything is sent, so that a fault is no half answer.
func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the answer cannot be encoded", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
