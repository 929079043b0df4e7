package api

import (
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/trailbeat/trailbeat/internal/manage"
)

//go:embed openapi.json
var document []byte

// maxBody bounds a request. The largest member is a logo.
const maxBody = 1 << 20

// Options are what a Handler is made of. Token is required.
type Options struct {
	// Token must come with every request.
	Token string
	// Outputs are the names below outputs of the configuration.
	Outputs []string
	// Enrichments are the names below management.enrichments.
	Enrichments []string
	// Version of the program, for the OpenAPI document.
	Version string
	// Logger is told of requests without the token. Nil: silent.
	Logger *slog.Logger
}

// Handler answers. Until Serve it says that the shipper starts.
type Handler struct {
	opt     Options
	token   [sha256.Size]byte
	log     *slog.Logger
	manager atomic.Pointer[manage.Manager]
	routes  []route
	openapi []byte
}

// route is an address with what is done there.
type route struct {
	pattern *regexp.Regexp
	methods map[string]func(*request)
}

// request is one that is being answered.
type request struct {
	*http.Request
	w       http.ResponseWriter
	manager *manage.Manager
	// parts of the address, in their order.
	parts []string
}

// Prefixes are what the addresses of the API begin with; those that do not end in a slash are whole addresses.
func Prefixes() []string {
	return []string{"/configapi/", "/monitorapi/", "/api/v1/sources", "/api/v1/sources/", "/api/v1/orders", "/api/v1/orders/", "/api/v1/openapi.json"}
}

// New makes a Handler.
func New(opt Options) (*Handler, error) {
	h := &Handler{opt: opt, token: sha256.Sum256([]byte(opt.Token)), log: opt.Logger}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	var doc map[string]any
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, fmt.Errorf("reading the OpenAPI document: %w", err)
	}
	doc["info"].(map[string]any)["version"] = opt.Version
	// Which names there are is in the configuration.
	names := []any{}
	for _, name := range opt.Enrichments {
		names = append(names, name)
	}
	enrichment := doc["components"].(map[string]any)["schemas"].(map[string]any)["Enrichment"].(map[string]any)
	enrichment["enum"] = names
	if len(names) == 0 {
		delete(enrichment, "enum")
		enrichment["not"] = map[string]any{}
	}
	var err error
	if h.openapi, err = json.Marshal(doc); err != nil {
		return nil, fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	const place = `^/%s/([^/]+)/([^/]+)/%s$`
	on := func(pattern string, methods map[string]func(*request)) {
		h.routes = append(h.routes, route{regexp.MustCompile(pattern), methods})
	}
	on(fmt.Sprintf(place, "configapi", "LogSources"), map[string]func(*request){"GET": h.listLogSources, "POST": h.createLogSource})
	on(fmt.Sprintf(place, "configapi", "LogSources/([^/]+)"), map[string]func(*request){"GET": h.getLogSource, "PUT": h.editLogSource, "DELETE": h.deleteLogSource})
	on(fmt.Sprintf(place, "monitorapi", "orders/([^/]+)"), map[string]func(*request){"GET": h.getLogOrder})
	on(`^/api/v1/sources$`, map[string]func(*request){"GET": h.listSources, "POST": h.createSource})
	on(`^/api/v1/sources/([^/]+)$`, map[string]func(*request){"GET": h.getSource, "PUT": h.editSource, "DELETE": h.deleteSource})
	on(`^/api/v1/sources/([^/]+)/restore$`, map[string]func(*request){"POST": h.restoreSource})
	on(`^/api/v1/orders$`, map[string]func(*request){"GET": h.listOrders})
	on(`^/api/v1/orders/([^/]+)$`, map[string]func(*request){"GET": h.getOrder})
	on(`^/api/v1/openapi\.json$`, map[string]func(*request){"GET": nil})
	return h, nil
}

// Serve says who carries out what is asked for. Nil: nobody any more.
func (h *Handler) Serve(m *manage.Manager) { h.manager.Store(m) }

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.allowed(r) {
		h.log.Warn("a request to the management API without its token", "source.address", r.RemoteAddr, "http.request.method", r.Method)
		w.Header().Set("WWW-Authenticate", `Bearer realm="trailbeat management"`)
		fail(w, http.StatusUnauthorized, "who are you? Send management.token as a bearer token: Authorization: Bearer TOKEN")
		return
	}
	for _, route := range h.routes {
		match := route.pattern.FindStringSubmatch(r.URL.Path)
		if match == nil {
			continue
		}
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		do, ok := route.methods[method]
		switch {
		case !ok:
			allow := []string{}
			for m := range route.methods {
				allow = append(allow, m)
			}
			slices.Sort(allow)
			w.Header().Set("Allow", strings.Join(allow, ", "))
			fail(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s is not possible here; there are %s", r.Method, strings.Join(allow, ", ")))
		case do == nil:
			send(w, http.StatusOK, h.openapi)
		default:
			h.answer(do, &request{Request: r, w: w, manager: h.manager.Load(), parts: match[1:]})
		}
		return
	}
	fail(w, http.StatusNotFound, "there is nothing at this address; GET /api/v1/openapi.json describes those that there are")
}

func (h *Handler) answer(do func(*request), r *request) {
	if r.manager == nil {
		r.w.Header().Set("Retry-After", "5")
		fail(r.w, http.StatusServiceUnavailable, "the shipper is starting or stopping; ask again in some seconds")
		return
	}
	do(r)
}

// allowed compares in a time that tells nothing.
func (h *Handler) allowed(r *http.Request) bool {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return ok && strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(h.token[:], sum[:]) == 1
}

// body reads the body of a request; false where an answer was sent instead.
func (r *request) body() ([]byte, bool) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err != nil || media != "application/json" || charset != "" && charset != "utf-8" {
		fail(r.w, http.StatusUnsupportedMediaType, `the body must be JSON; send it with "Content-Type: application/json"`)
		return nil, false
	}
	data, err := io.ReadAll(http.MaxBytesReader(r.w, r.Body, maxBody))
	if large := new(http.MaxBytesError); errors.As(err, &large) {
		fail(r.w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes, which is the most that is taken", maxBody))
		return nil, false
	}
	if err != nil {
		fail(r.w, http.StatusBadRequest, "the body did not arrive as a whole")
		return nil, false
	}
	if !utf8.Valid(data) {
		fail(r.w, http.StatusBadRequest, "the body is not UTF-8, so it is no JSON")
		return nil, false
	}
	return data, true
}

// outcome is the answer of everything that is no document.
type outcome struct {
	// Status is Success or Failed.
	Status  string         `json:"status"`
	Message string         `json:"message"`
	Errors  []manage.Fault `json:"errors,omitempty"`
	// Order and Source are ids; set where an order was taken.
	Order  string `json:"order,omitempty"`
	Source string `json:"source,omitempty"`
}

const (
	success = "Success"
	failed  = "Failed"
)

func fail(w http.ResponseWriter, status int, message string) {
	write(w, status, outcome{Status: failed, Message: message})
}

// refuse answers with an error of the manager.
func (r *request) refuse(err error) {
	invalid, conflict := new(manage.InvalidError), new(manage.ConflictError)
	switch {
	case errors.As(err, &invalid):
		message := fmt.Sprintf("%d members of the request are wrong, see errors", len(invalid.Faults))
		if len(invalid.Faults) == 1 {
			message = invalid.Error()
		}
		write(r.w, http.StatusBadRequest, outcome{Status: failed, Message: message, Errors: invalid.Faults})
	case errors.As(err, &conflict):
		fail(r.w, http.StatusConflict, conflict.Message)
	case errors.Is(err, manage.ErrNotFound):
		fail(r.w, http.StatusNotFound, err.Error())
	case errors.Is(err, manage.ErrBusy):
		r.w.Header().Set("Retry-After", "30")
		fail(r.w, http.StatusTooManyRequests, err.Error())
	case errors.Is(err, manage.ErrStopping):
		r.w.Header().Set("Retry-After", "5")
		fail(r.w, http.StatusServiceUnavailable, err.Error())
	default:
		fail(r.w, http.StatusInternalServerError, err.Error())
	}
}

// write answers JSON. It is encoded before anything is sent, so that a fault is no half answer.
func write(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"status":"Failed","message":"the answer cannot be encoded"}`)
	}
	send(w, status, body)
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(slices.Clone(body), '\n'))
}
