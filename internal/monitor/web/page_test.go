package web

import (
	"bytes"
	"cmp"
	"flag"
	"image"
	"image/color"
	"image/png"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the screenshots of docs/screenshots")

// axe is the script of axe-core: that of TRAILBEAT_AXE, or what npm installs.
func axe(t *testing.T) string {
	t.Helper()
	name := os.Getenv("TRAILBEAT_AXE")
	if name == "" {
		npm, err := exec.LookPath("npm")
		if err != nil {
			t.Skip("needs axe-core: apt-get install npm, or name an axe.min.js with TRAILBEAT_AXE")
		}
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), npm, "install", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts", "axe-core@4")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("needs axe-core, which npm could not install: name an axe.min.js with TRAILBEAT_AXE: %s", bytes.TrimSpace(out))
		}
		name = filepath.Join(dir, "node_modules", "axe-core", "axe.min.js")
	}
	script, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(script)
}

// findings runs axe-core with all its rules.
func findings(b *browser, script string) []string {
	b.eval(script, nil)
	var res struct {
		Violations []struct {
			ID    string `json:"id"`
			Help  string `json:"help"`
			Nodes []struct {
				HTML           string `json:"html"`
				FailureSummary string `json:"failureSummary"`
			} `json:"nodes"`
		} `json:"violations"`
		Passes int `json:"passes"`
	}
	b.eval(`axe.run(document, {resultTypes: ["violations", "passes"]}).then((r) => ({violations: r.violations, passes: r.passes.length}))`, &res)
	require.Greater(b.t, res.Passes, 20, "axe looked at something")
	var all []string
	for _, v := range res.Violations {
		for _, n := range v.Nodes {
			all = append(all, v.ID+": "+v.Help+"\n"+n.HTML+"\n"+n.FailureSummary)
		}
	}
	return all
}

// shown says that the page has its data.
const shown = `document.querySelector("#flow svg") && document.querySelector("#rate svg") && document.querySelector("#places table")`

func TestPageInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a browser: run it without -short")
	}
	b := newBrowser(t)
	script := axe(t)
	s := newScene()
	s.minutes(10)
	opt := config(func(c *Config) { c.Port = 0 })
	opt.Source = s.Monitor
	server, err := Listen(t.Context(), opt)
	require.NoError(t, err)

	scenes := []struct {
		name, ready string
		prepare     func()
	}{
		{"load", shown + ` && document.getElementById("state").dataset.state === "running"`, func() {}},
		{"broken-output", shown + ` && document.getElementById("state").dataset.state === "blocked"`, s.breakOutput},
		{"incomplete", shown + ` && document.querySelectorAll("#integrity tbody tr").length === 2`, func() { s.AttachIntegrity(s.incomplete) }},
	}
	for _, sc := range scenes {
		sc.prepare()
		for _, theme := range []string{"light", "dark"} {
			b.look(1280, 900, theme)
			b.open(server.URL()+"/", sc.ready)
			assert.Empty(t, findings(b, script), "%s, %s", sc.name, theme)
			if sc.name != "incomplete" { // no picture in the documents
				save(t, sc.name+"-"+theme, b.picture())
			}
		}
		// On a telephone nothing may stick out.
		b.look(390, 800, "light")
		b.open(server.URL()+"/", sc.ready)
		assert.Empty(t, findings(b, script), "%s, narrow", sc.name)
		var over int
		b.eval(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over)
		assert.LessOrEqual(t, over, 0, "%s: the page is wider than the window", sc.name)
		if os.Getenv("TRAILBEAT_NARROW") != "" {
			require.NoError(t, os.WriteFile(os.Getenv("TRAILBEAT_NARROW")+sc.name+".png", b.picture(), 0o600))
		}
	}
	assert.Empty(t, b.errors(), "exceptions, or what the policy refused")
	for _, url := range b.asked {
		assert.True(t, strings.HasPrefix(url, server.URL()+"/") || url == "about:blank", "the page asks %s", url)
	}
	require.NoError(t, server.Close(t.Context()))
	b.wait(`document.getElementById("state").dataset.state === "lost"`)
}

// The keyboard reaches what can be used, and the charts tell single points.
func TestPageByKeyboard(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a browser: run it without -short")
	}
	b := newBrowser(t)
	s := newScene()
	s.minutes(3)
	opt := config(func(c *Config) { c.Port = 0 })
	opt.Source = s.Monitor
	server, err := Listen(t.Context(), opt)
	require.NoError(t, err)
	defer func() { _ = server.Close(t.Context()) }()
	b.look(1280, 900, "light")
	b.open(server.URL()+"/", shown)
	var stops []string
	for range 30 {
		b.key("Tab")
		var name string
		b.eval(`(() => { const e = document.activeElement; return e === document.body ? "" : e.id || e.dataset.window || e.getAttribute("href") || e.getAttribute("aria-label") || e.tagName; })()`, &name)
		if name == "" {
			break
		}
		stops = append(stops, name)
		if strings.HasPrefix(name, "Events per second") {
			b.key("ArrowLeft")
			b.wait(`document.querySelector("#rate .cursor")`)
			b.wait(`document.activeElement.classList.contains("plot")`)
		}
		if name == "24h" {
			b.key("Enter")
		}
	}
	for _, want := range []string{"#main", "10m", "24h", "places", "/metrics", "Events per second: chart, the arrow keys read single points"} {
		assert.Contains(t, stops, want)
	}
	assert.Empty(t, b.errors())
	// What is opened stays open when the figures change.
	b.eval(`document.querySelector("#rate details").open = true`, nil)
	var before string
	b.eval(`document.querySelector("#flow text.big").textContent = "old"`, nil)
	b.wait(`document.querySelector("#flow text.big").textContent !== "old"`)
	b.eval(`String(document.querySelector("#rate details").open)`, &before)
	assert.Equal(t, "true", before)
}

// What comes from events is text, whatever stands in it.
func TestPageShowsTextOnly(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a browser: run it without -short")
	}
	b := newBrowser(t)
	s := newScene()
	evil := `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`
	events := s.events(3, "organisation")
	for _, ev := range events {
		ev.Event.Action, ev.AWS.CloudTrail.UserIdentity.ARN, ev.Source.Geo.CountryName, ev.AWS.CloudTrail.ErrorCode = evil, evil, evil, evil
		ev.Cloud.Region, ev.AWS.CloudTrail.RecipientAccountID = evil, "\xff\xfe"+evil
	}
	res, err := s.out.Write(t.Context(), events)
	require.NoError(t, err)
	s.Written(&s.sources[0], events, res, nil)
	s.Tick()
	opt := config(func(c *Config) { c.Port = 0 })
	opt.Source = s.Monitor
	server, err := Listen(t.Context(), opt)
	require.NoError(t, err)
	defer func() { _ = server.Close(t.Context()) }()
	b.open(server.URL()+"/", shown)
	var title, text string
	b.eval(`document.title`, &title)
	assert.NotEqual(t, "owned", title)
	b.eval(`document.querySelector("#top").textContent + document.querySelector("#places").textContent`, &text)
	assert.GreaterOrEqual(t, strings.Count(text, evil), 4)
	var scripts int
	b.eval(`document.querySelectorAll("img[src=x], main script").length`, &scripts)
	assert.Zero(t, scripts)
	assert.Equal(t, 200, serve(t, opt, "GET", "/metrics", nil).StatusCode, "metrics bear it too")
	assert.Empty(t, b.errors())
}

// Pages that come and go leave nothing behind.
func TestNothingLeaks(t *testing.T) {
	s := newScene()
	opt := config(func(c *Config) { c.Port = 0 })
	opt.Source = s.Monitor
	server, err := Listen(t.Context(), opt)
	require.NoError(t, err)
	before := runtime.NumGoroutine()
	client := &http.Client{Transport: &http.Transport{}}
	for range 200 {
		for _, path := range []string{"/api/v1/status", "/api/v1/series?window=24h", "/metrics"} {
			res, err := client.Get(server.URL() + path)
			require.NoError(t, err)
			_, err = new(bytes.Buffer).ReadFrom(res.Body)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
		}
	}
	client.CloseIdleConnections()
	require.NoError(t, server.Close(t.Context()))
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before }, time.Minute, 10*time.Millisecond)
}

// save keeps a screenshot where -update asks for it, and otherwise only looks that there is one.
func save(t *testing.T, name string, data []byte) {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	assert.Equal(t, 1280, img.Bounds().Dx())
	path := filepath.Join("..", "..", "..", "docs", "screenshots", name+".png")
	if !*update {
		assert.FileExists(t, path, "write it with -update")
		return
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	var small bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	require.NoError(t, encoder.Encode(&small, indexed(img)))
	require.NoError(t, os.WriteFile(path, small.Bytes(), 0o644))
}

// indexed keeps the 256 most frequent colours, and takes the nearest of them for the others: a third of the size.
func indexed(img image.Image) image.Image {
	count := map[color.RGBA]int{}
	box := img.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA) }
	for y := range box.Dy() {
		for x := range box.Dx() {
			count[at(x, y)]++
		}
	}
	all := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		return cmp.Or(count[b]-count[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	var palette color.Palette
	for _, c := range all[:min(len(all), 256)] {
		palette = append(palette, c)
	}
	nearest := map[color.RGBA]uint8{}
	for _, c := range all {
		nearest[c] = uint8(palette.Index(c))
	}
	out := image.NewPaletted(box, palette)
	for y := range box.Dy() {
		for x := range box.Dx() {
			out.SetColorIndex(x, y, nearest[at(x, y)])
		}
	}
	return out
}
