package web

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// browser is a Chromium without a window, spoken to over a pipe in the protocol of its developer tools: one JSON message after the
// other, each with a zero byte behind it.
type browser struct {
	t       *testing.T
	in      *os.File
	session string

	mu      sync.Mutex
	next    int
	answers map[int]chan message
	said    []string // errors of the page: exceptions, what the policy refused, what the console reports as an error
	loaded  chan struct{}
	asked   []string // addresses
}

type message struct {
	ID        int             `json:"id"`
	Method    string          `json:"method"`
	SessionID string          `json:"sessionId"`
	Params    json.RawMessage `json:"params"`
	Result    json.RawMessage `json:"result"`
	Error     *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// newBrowser starts the Chromium of TRAILBEAT_CHROMIUM or of PATH, and skips where there is none.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	name := os.Getenv("TRAILBEAT_CHROMIUM")
	for _, try := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(try); name == "" && err == nil {
			name = path
		}
	}
	if name == "" {
		t.Skip("needs Chromium: apt-get install chromium, or name one with TRAILBEAT_CHROMIUM")
	}
	fromUs, toThem, err := os.Pipe()
	require.NoError(t, err)
	fromThem, toUs, err := os.Pipe()
	require.NoError(t, err)
	// Not t.TempDir: helpers of the browser may still write while it is removed, which is no fault of the test.
	profile, err := os.MkdirTemp("", "trailbeat-chromium-")
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), name, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--force-device-scale-factor=1", "--user-data-dir="+profile, "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{fromUs, toUs} // 3 and 4
	require.NoError(t, cmd.Start())
	_ = fromUs.Close()
	_ = toUs.Close()
	b := &browser{t: t, in: toThem, answers: map[int]chan message{}, loaded: make(chan struct{}, 8)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.listen(fromThem)
	}()
	t.Cleanup(func() {
		b.post("Browser.close", nil)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
		}
		_ = cmd.Wait()
		_ = toThem.Close()
		_ = fromThem.Close()
		_ = os.RemoveAll(profile)
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

func (b *browser) listen(f *os.File) {
	r := bufio.NewReaderSize(f, 1<<20)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			b.mu.Lock()
			for _, answer := range b.answers {
				close(answer)
			}
			b.answers = map[int]chan message{}
			b.mu.Unlock()
			return
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		if answer := b.answers[m.ID]; m.ID != 0 && answer != nil {
			answer <- m
			delete(b.answers, m.ID)
		}
		b.mu.Unlock()
		b.event(&m)
	}
}

func (b *browser) event(m *message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch m.Method {
	case "Page.loadEventFired":
		select {
		case b.loaded <- struct{}{}:
		default:
		}
	case "Runtime.exceptionThrown":
		b.said = append(b.said, string(m.Params))
	case "Log.entryAdded":
		if strings.Contains(string(m.Params), `"level":"error"`) {
			b.said = append(b.said, string(m.Params))
		}
	case "Network.requestWillBeSent":
		var p struct{ Request struct{ URL string } }
		if json.Unmarshal(m.Params, &p) == nil {
			b.asked = append(b.asked, p.Request.URL)
		}
	}
}

func (b *browser) post(method string, params any) (int, chan message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	answer := make(chan message, 1)
	b.answers[b.next] = answer
	msg := map[string]any{"id": b.next, "method": method}
	if params != nil {
		msg["params"] = params
	}
	if b.session != "" && !strings.HasPrefix(method, "Browser.") && !strings.HasPrefix(method, "Target.") {
		msg["sessionId"] = b.session
	}
	text, err := json.Marshal(msg)
	if err == nil {
		_, err = b.in.Write(append(text, 0))
	}
	if err != nil {
		close(answer)
		delete(b.answers, b.next)
	}
	return b.next, answer
}

// call sends a command and waits for what it gives.
func (b *browser) call(method string, params, into any) {
	b.t.Helper()
	_, answer := b.post(method, params)
	select {
	case m, ok := <-answer:
		require.True(b.t, ok, "the browser ended during %s", method)
		if m.Error != nil {
			require.Fail(b.t, method+": "+m.Error.Message)
		}
		if into != nil {
			require.NoError(b.t, json.Unmarshal(m.Result, into))
		}
	case <-time.After(60 * time.Second):
		require.Fail(b.t, "no answer to "+method)
	}
}

// eval runs a script, which may be a promise, and decodes what it gives.
func (b *browser) eval(script string, into any) {
	b.t.Helper()
	var res struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		ExceptionDetails json.RawMessage `json:"exceptionDetails"`
	}
	b.call("Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true}, &res)
	require.Empty(b.t, string(res.ExceptionDetails), "%.200s", script)
	if into != nil {
		require.NoError(b.t, json.Unmarshal(res.Result.Value, into), "%s", res.Result.Value)
	}
}

// look sets the size of the window and the theme.
func (b *browser) look(width, height int, theme string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": theme}, {"name": "prefers-reduced-motion", "value": "reduce"},
	}}, nil)
}

// open loads a page and waits until a condition holds, which the page itself watches.
func (b *browser) open(url, until string) {
	b.t.Helper()
	select {
	case <-b.loaded:
	default:
	}
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	select {
	case <-b.loaded:
	case <-time.After(60 * time.Second):
		require.Fail(b.t, "the page does not load")
	}
	b.wait(until)
}

func (b *browser) wait(until string) {
	b.t.Helper()
	var ok bool
	b.eval(fmt.Sprintf(`new Promise((done) => {
		const end = Date.now() + 30000;
		const look = () => { if (%s) done(true); else if (Date.now() > end) done(false); else requestAnimationFrame(look); };
		look();
	})`, until), &ok)
	require.True(b.t, ok, "never true: %s", until)
}

// picture is the whole page as a PNG.
func (b *browser) picture() []byte {
	b.t.Helper()
	var size struct {
		CSSContentSize struct{ Width, Height float64 } `json:"cssContentSize"`
	}
	b.call("Page.getLayoutMetrics", nil, &size)
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{
		"format": "png", "captureBeyondViewport": true,
		"clip": map[string]any{"x": 0, "y": 0, "width": size.CSSContentSize.Width, "height": size.CSSContentSize.Height, "scale": 1},
	}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	require.NoError(b.t, err)
	return png
}

// errors are those of the page so far.
func (b *browser) errors() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.said...)
}

func (b *browser) key(name string) {
	b.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": name, "code": name, "windowsVirtualKeyCode": map[string]int{"Tab": 9, "ArrowLeft": 37, "Enter": 13}[name]}, nil)
	}
}
