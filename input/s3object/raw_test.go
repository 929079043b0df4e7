package s3object

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

func TestOpenRaw(t *testing.T) {
	b := newBench()
	body := []byte(strings.Repeat("as it is stored ", 1000))
	b.server.Put("trail", key, body, http.Header{"X-Amz-Meta-Signature": {"ab"}, "X-Amz-Meta-Signature-Algorithm": {"SHA256withRSA"}})
	b.cutAt(len(body) / 3)
	r := b.reader(t)
	o, err := r.OpenRaw(t.Context(), Ref{Bucket: "trail", Key: key})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"signature": "ab", "signature-algorithm": "SHA256withRSA"}, o.Metadata())
	got, err := io.ReadAll(o)
	require.NoError(t, err, "a connection that breaks is opened again where it stopped")
	assert.Equal(t, body, got)
	assert.EqualValues(t, len(body), o.Info().Size)
	assert.Positive(t, r.Stats().Resumes.Load())
	require.NoError(t, o.Close())
	require.NoError(t, o.Close())
	assert.Zero(t, r.Stats().ObjectsInFlight.Load())

	// What goes wrong is told as what it is, and is not taken for the content.
	first := true
	b.server.Hook(func(string, *http.Request) *awstest.Fault {
		if first {
			first = false
			return &awstest.Fault{Cut: 10}
		}
		return &awstest.Fault{Status: http.StatusForbidden, Code: "AccessDenied"}
	})
	o, err = r.OpenRaw(t.Context(), Ref{Bucket: "trail", Key: key})
	require.NoError(t, err)
	_, err = io.ReadAll(o)
	assert.Equal(t, aws.ClassAccessDenied, aws.ClassOf(err))
	require.NoError(t, o.Close())
	b.server.Hook(nil)
	_, err = r.OpenRaw(t.Context(), Ref{Bucket: "trail", Key: "none"})
	assert.Equal(t, aws.ClassNoKey, aws.ClassOf(err))
}
