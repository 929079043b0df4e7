package aws

import (
	"context"
	"fmt"
	"io"
	"net/http"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// onePass hides the WriteTo of request bodies. The SDK closes a body as soon as the answer begins, and its WriteTo then says
// io.EOF, at which net/http gives the connection up in the middle of the answer. With a plain Read that does not happen.
type onePass struct{ inner awssdk.HTTPClient }

func (c *onePass) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return c.inner.Do(r)
}

func (c *onePass) closeIdle() {
	if inner, ok := c.inner.(interface{ CloseIdleConnections() }); ok {
		inner.CloseIdleConnections()
	}
}

// timeout bounds each call by api_timeout, but for those whose answer is read later.
func (s *Session) timeout(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("trailbeatTimeout",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			if awsmiddleware.GetOperationName(ctx) == "GetObject" {
				out, meta, err := next.HandleInitialize(ctx, in)
				return out, meta, s.expired(err)
			}
			bounded, cancel := context.WithTimeout(ctx, s.cfg.APITimeout)
			defer cancel()
			out, meta, err := next.HandleInitialize(bounded, in)
			if err != nil && bounded.Err() != nil && ctx.Err() == nil {
				err = fmt.Errorf("%w (api_timeout: %s): %w", ErrTimeout, s.cfg.APITimeout, err)
			}
			return out, meta, s.expired(err)
		}), middleware.Before)
}
