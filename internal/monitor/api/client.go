package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds what a client reads: far above any Status.
const maxAnswer = 16 << 20

// Client asks a running Trailbeat. Safe for concurrent use.
type Client struct {
	// URL is where it listens. Empty: http://localhost:5066.
	URL string
	// Token is http.auth.token. Empty: Username and Password where they are set, else none.
	Token              string
	Username, Password string
	// HTTP sends the requests. Nil: a client that gives up after ten seconds.
	HTTP *http.Client
}

// DefaultURL is where a Trailbeat that was not told otherwise listens.
const DefaultURL = "http://localhost:5066"

// Status asks for the state.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	var s Status
	return &s, c.get(ctx, StatusPath, &s)
}

// Series asks for the flow over time; window is one of Windows.
func (c *Client) Series(ctx context.Context, window string) (*Series, error) {
	var s Series
	return &s, c.get(ctx, SeriesPath+"?window="+url.QueryEscape(window), &s)
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	base := strings.TrimSuffix(c.URL, "/")
	if base == "" {
		base = DefaultURL
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
	if err != nil {
		return fmt.Errorf("asking %q: %w", base, err)
	}
	switch {
	case c.Token != "":
		req.Header.Set("Authorization", "Bearer "+c.Token)
	case c.Username != "":
		req.SetBasicAuth(c.Username, c.Password)
	}
	client := c.HTTP
	if client == nil {
		client = &http.Client{Timeout: 10 * time.Second}
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("asking the running trailbeat: %w; is one running, with http.enabled: true?", err)
	}
	defer func() { _ = res.Body.Close() }()
	body := io.LimitReader(res.Body, maxAnswer)
	switch {
	case res.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("asking %s%s: it wants http.auth.token, or http.auth.username and http.auth.password", base, path)
	case res.StatusCode != http.StatusOK:
		text, _ := io.ReadAll(io.LimitReader(body, 512))
		return fmt.Errorf("asking %s%s: %s: %s", base, path, res.Status, strings.TrimSpace(string(text)))
	}
	if err := json.NewDecoder(body).Decode(into); err != nil {
		return fmt.Errorf("reading the answer of %s%s: %w", base, path, err)
	}
	return nil
}
