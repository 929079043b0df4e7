package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// How long the keys of a role are good for in these tests, and how long they say they are. That they end before their time
// shows what a call with expired keys leads to; AWS itself hands out none for less than 15 minutes.
const (
	keysLast, keysSay = 2 * time.Second, 3 * time.Second
)

// guard stands before servers and takes no keys but those of a role, and those only for a while.
type guard struct {
	sts http.Handler

	mu      sync.Mutex
	issued  map[string]time.Time // access key ids
	expired int                  // calls with keys that had ended
	stolen  int                  // calls with keys of no role
	token   string               // the only web identity token that is taken now; empty: any
	stale   int                  // those that were not
}

var (
	keyUsed   = regexp.MustCompile(`Credential=([^/]+)/`)
	keyIssued = regexp.MustCompile(`<AccessKeyId>([^<]+)</AccessKeyId>`)
	keyEnds   = regexp.MustCompile(`<Expiration>[^<]+</Expiration>`)
)

// before gives the handler that stands before a server.
func (g *guard) before(forward http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.serve(w, r, forward) })
}

func (g *guard) serve(w http.ResponseWriter, r *http.Request, forward http.Handler) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if strings.Contains(string(body), "Action=AssumeRole") {
		g.assume(w, r, string(body))
		return
	}
	key := keyUsed.FindStringSubmatch(r.Header.Get("Authorization"))
	g.mu.Lock()
	var since time.Time
	if key != nil {
		since = g.issued[key[1]]
	}
	refused := ""
	switch {
	case since.IsZero():
		g.stolen++
		refused = "InvalidAccessKeyId"
	case time.Since(since) > keysLast:
		g.expired++
		refused = "ExpiredToken"
	}
	g.mu.Unlock()
	switch {
	case refused == "":
		forward.ServeHTTP(w, r)
	case r.Header.Get("X-Amz-Target") == "":
		answerXML(w, http.StatusBadRequest, refused, "The provided token has expired.")
	default:
		answerError(w, refused+"Exception", "The security token included in the request is expired")
	}
}

func (g *guard) assume(w http.ResponseWriter, r *http.Request, body string) {
	form, _ := url.ParseQuery(body)
	g.mu.Lock()
	refused := g.token != "" && form.Get("WebIdentityToken") != g.token
	if refused {
		g.stale++
	}
	g.mu.Unlock()
	if refused {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code><Message>Token expired</Message></Error></ErrorResponse>`)
		return
	}
	answer := httptest.NewRecorder()
	g.sts.ServeHTTP(answer, r)
	text := keyEnds.ReplaceAllString(answer.Body.String(), "<Expiration>"+time.Now().UTC().Add(keysSay).Format("2006-01-02T15:04:05.000Z")+"</Expiration>")
	if m := keyIssued.FindStringSubmatch(text); m != nil {
		g.mu.Lock()
		g.issued[m[1]] = time.Now()
		g.mu.Unlock()
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(answer.Code)
	_, _ = io.WriteString(w, text)
}

// rotate writes keys to a file, and others whenever those before have been of no use for a moment, until the test ends.
func (c *cloud) rotate(g *guard, path string) {
	c.t.Helper()
	next := func(n int) error {
		key := fmt.Sprintf("FILE%d", n)
		text := fmt.Sprintf("[team]\naws_access_key_id = %s\naws_secret_access_key = s\naws_session_token = t\n", key)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.issued[key] = time.Now()
		return nil
	}
	require.NoError(c.t, next(0))
	go func() {
		tick := time.NewTicker(keysSay) // a while after they ended
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-tick.C:
				if err := next(n); err != nil {
					return // the folder is gone, as the test is over
				}
			case <-c.ctx.Done():
				return
			}
		}
	}()
}

func (g *guard) count() (issued, expired int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.issued), g.expired
}

// Keys end while the shipper runs, some before their time, and new ones are fetched: nothing is lost by it, in no input.
func TestAWSExpiredCredentials(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/trailbeat"
	for _, way := range []string{"shared_credential_file", "role_arn", "web_identity"} {
		t.Run(way, func(t *testing.T) {
			c := newCloud(t)
			if way == "web_identity" && !long() {
				t.Skip("needs minutes: set TRAILBEAT_TEST_LONG=1")
			}
			if c.s3 != c.url {
				t.Skip("this S3 server knows one key only: unset TRAILBEAT_TEST_S3_URL, so that the server of ../shared/stack/aws hands out others")
			}
			ways := c.fewWays
			if long() {
				ways = c.everyWay
			}
			inputs, queues := ways(queueInput)
			g := &guard{sts: forwardTo(t, c.url), issued: map[string]time.Time{}}
			token := filepath.Join(t.TempDir(), "token")
			settings := "role_arn: " + role
			switch way {
			case "shared_credential_file":
				keys := filepath.Join(t.TempDir(), "credentials")
				settings = fmt.Sprintf("shared_credential_file: %q, credential_profile_name: team", keys)
				c.rotate(g, keys)
			case "web_identity":
				settings = fmt.Sprintf("web_identity: {token_file: %q, role_arn: %q}", token, role)
				g.token = "first"
				require.NoError(t, os.WriteFile(token, []byte(g.token), 0o600))
			}
			inputs = strings.ReplaceAll(inputs, "}\n", ", "+settings+", assume_role.expiry_window: 0s}\n")
			s := c.write(inputs, "")
			var fronts []string
			for _, server := range []string{c.url, c.sqs, c.s3} {
				fronts = append(fronts, behind(t, g.before(forwardTo(t, server))))
			}
			c.reach(fronts[0], fronts[1], fronts[2])

			run := launch(s, "run", "-c", s.config)
			for i := range pick(1, 3) {
				s.until("all events", func() bool { return run.hasEnded() || c.documents() == len(c.all()) })
				issued, expired := g.count()
				s.until("expired keys, and new ones", func() bool {
					is, ex := g.count()
					return run.hasEnded() || is > issued && ex > expired
				})
				require.False(t, run.hasEnded())
				if way == "web_identity" {
					g.mu.Lock()
					g.token = fmt.Sprint("token", i)
					require.NoError(t, os.WriteFile(token, []byte(g.token), 0o600))
					g.mu.Unlock()
				}
				c.reach(c.url, c.sqs, c.s3)
				c.fast(queues[0], c.crafted(i*100, i*100+20))
				c.late(c.crafted(i*100+20, i*100+80))
				c.deliver(fmt.Sprint("later", i), time.Now().Add(-30*time.Minute), c.files[2:3])
			}
			s.until("all events", func() bool { return run.hasEnded() || c.documents() == len(c.all()) })
			require.NoError(t, run.cmd.Process.Signal(syscall.SIGTERM))
			_, err := run.end()
			require.NoError(t, err, "what was tried again with success is no failure of the run")
			issued, expired := g.count()
			t.Logf("%d keys, %d calls with expired ones, %d stale tokens", issued, expired, g.stale)
			assert.Zero(t, g.stolen, "calls without the role")
			c.check()
		})
	}
}
