package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
)

// policy lets the page use what the binary serves and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// withHeaders tells browsers what not to do.
func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// localHostOnly refuses requests for foreign names. A page of a name that its owner lets resolve to 127.0.0.1 would otherwise be of
// the same origin as this one, and could read it.
func localHostOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if !isLoopback(host) {
			http.Error(w, "This address is for this machine. Ask for localhost; a proxy before it needs http.auth.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// guard knows who is let in.
type guard struct {
	token, user [sha256.Size]byte
	hasToken    bool
	hasUser     bool
}

func newGuard(c *AuthConfig) *guard {
	return &guard{
		token: sha256.Sum256([]byte(c.Token)), hasToken: c.Token != "",
		user: sha256.Sum256([]byte(c.Username + ":" + c.Password)), hasUser: c.Username != "",
	}
}

// open reports whether everybody is let in.
func (g *guard) open() bool { return !g.hasToken && !g.hasUser }

// allowed compares in a time that tells nothing.
func (g *guard) allowed(r *http.Request) bool {
	if g.open() {
		return true
	}
	header := r.Header.Get("Authorization")
	if scheme, token, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "Bearer") {
		return g.hasToken && same(g.token, strings.TrimSpace(token))
	}
	name, password, ok := r.BasicAuth()
	if !ok {
		return false
	}
	byToken := g.hasToken && name == "token" && same(g.token, password)
	byUser := g.hasUser && same(g.user, name+":"+password)
	return byToken || byUser
}

func same(want [sha256.Size]byte, got string) bool {
	sum := sha256.Sum256([]byte(got))
	return subtle.ConstantTimeCompare(want[:], sum[:]) == 1
}

// protect lets nobody through who is not allowed.
func (g *guard) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.allowed(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="trailbeat", charset="UTF-8"`)
			http.Error(w, "Who are you? Send http.auth.token as a bearer token, or a user name and password.", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
