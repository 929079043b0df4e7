package awstest

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// Client carries calls to the server without a network.
func (s *Server) Client() *Client { return &Client{handler: s} }

// Client is what *http.Client is too, for aws.Config.HTTPClient.
type Client struct{ handler http.Handler }

// Do makes a call. It returns when the header of the answer is there.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	// The caller may use the request again before the server is through with it.
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	asked := r.Clone(r.Context())
	asked.Body = io.NopCloser(bytes.NewReader(body))
	pr, pw := io.Pipe()
	w := &answer{header: http.Header{}, body: pw, began: make(chan struct{})}
	go func() {
		defer func() {
			if recover() != nil {
				_ = pw.CloseWithError(io.ErrUnexpectedEOF)
			} else {
				_ = pw.Close()
			}
			w.WriteHeader(http.StatusOK)
		}()
		c.handler.ServeHTTP(w, asked)
	}()
	stop := make(chan struct{})
	go func() { // a caller that gives up breaks the connection
		select {
		case <-r.Context().Done():
			_ = pr.CloseWithError(r.Context().Err())
		case <-stop:
		}
	}()
	content := &closer{PipeReader: pr, stop: stop}
	select {
	case <-w.began:
	case <-r.Context().Done():
		_ = content.Close()
		return nil, r.Context().Err()
	}
	length := int64(-1)
	if n := w.sent.Get("Content-Length"); n != "" {
		length = atoi(n)
	}
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: content, ContentLength: length, Request: r,
	}, nil
}

func atoi(s string) (n int64) {
	for _, c := range s {
		n = n*10 + int64(c-'0')
	}
	return n
}

type closer struct {
	*io.PipeReader
	once sync.Once
	stop chan struct{}
}

func (c *closer) Close() error {
	c.once.Do(func() { close(c.stop) })
	return c.PipeReader.Close()
}

type answer struct {
	header, sent http.Header
	status       int
	body         *io.PipeWriter
	began        chan struct{}
	once         sync.Once
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	a.once.Do(func() {
		a.status, a.sent = status, a.header.Clone()
		close(a.began)
	})
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// Flush has nothing to do.
func (a *answer) Flush() {}
