package quota

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws"
)

func TestCall(t *testing.T) {
	throttled, denied := &smithy.GenericAPIError{Code: "ThrottlingException"}, &smithy.GenericAPIError{Code: "AccessDenied"}
	for name, test := range map[string]struct {
		answers         []error // the last one stays
		want            error
		made, throttled int64
	}{
		"good":               {[]error{nil}, nil, 1, 0},
		"throttled for long": {[]error{throttled, throttled, throttled, throttled, throttled, throttled, throttled, nil}, nil, 8, 7},
		"broken once":        {[]error{io.ErrUnexpectedEOF, nil}, nil, 2, 0},
		"broken for good":    {[]error{io.ErrUnexpectedEOF}, io.ErrUnexpectedEOF, tries, 0},
		"to be mended":       {[]error{denied}, denied, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n Calls
				got, err := Call(t.Context(), new(Limiter), time.Second, &n, func() (string, error) {
					err := test.answers[0]
					if len(test.answers) > 1 {
						test.answers = test.answers[1:]
					}
					return "page", err
				})
				if test.want == nil {
					require.NoError(t, err)
					assert.Equal(t, "page", got)
				} else {
					require.ErrorIs(t, err, test.want)
				}
				assert.Equal(t, test.made, n.Made.Load())
				assert.Equal(t, test.throttled, n.Throttled.Load())
			})
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Call(ctx, new(Limiter), 0, new(Calls), func() (int, error) {
		cancel()
		return 0, io.ErrUnexpectedEOF
	})
	assert.Equal(t, context.Canceled, err, "the end of the caller is no fault")
}

func TestRest(t *testing.T) {
	passing, staying := error(io.ErrUnexpectedEOF), errors.New("no right")
	assert.Less(t, Rest(passing, 0), Rest(staying, 0))
	assert.Equal(t, 2*Rest(passing, 0), Rest(passing, 1))
	assert.Equal(t, mostRest, Rest(passing, 1000))
	assert.Equal(t, mostRest, Rest(staying, 1000))
}

func TestOwner(t *testing.T) {
	cfg := aws.Config{AccessKeyID: "AKIA"}
	owner, account := Owner(t.Context(), cfg, nil)
	assert.Contains(t, owner, "AKIA")
	assert.Empty(t, account)
	other, account := Owner(t.Context(), cfg, func(context.Context) (string, string, error) { return "", "", io.EOF })
	assert.Equal(t, owner, other)
	assert.Empty(t, account)
	owner, account = Owner(t.Context(), cfg, func(context.Context) (string, string, error) { return "1", "a", nil })
	assert.Equal(t, "1", owner)
	assert.Equal(t, "1", account)
}
