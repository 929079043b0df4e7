package cloudwatch

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

// Keys of a role that are refused before the time that was said for them are fetched anew: no fault shows for long, and the role is
// not asked for with every call.
func TestRefusedKeysAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, server := newBench(t), new(awstest.Server)
		roles := server.Roles()
		server.Handle("Logs_20140328.FilterLogEvents", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"events":[{"eventId":"%d","message":"{\"a\":1}","logStreamName":"s","timestamp":%[2]d,"ingestionTime":%[2]d}]}`,
				server.Calls("Logs_20140328.FilterLogEvents"), time.Now().Add(-time.Second).UnixMilli())
		})
		server.Hook(func(call string, r *http.Request) *awstest.Fault {
			if call != "Logs_20140328.FilterLogEvents" {
				return nil
			}
			return roles.Refused(r, http.StatusBadRequest, "ExpiredTokenException")
		})
		b.deps.API = nil
		b.cfg.AWS.HTTPClient, b.cfg.AWS.Endpoint = server.Client(), "http://127.0.0.1:1"
		b.cfg.AWS.AccessKeyID, b.cfg.AWS.SecretAccessKey, b.cfg.AWS.RoleARN = "AKIAEXAMPLE", "example", "arn:aws:iam::111111111111:role/a"
		b.open()
		assert.NotEmpty(t, b.read(90*time.Second))
		assert.Equal(t, 1, roles.Given())
		roles.Revoke()
		assert.NotEmpty(t, b.read(2*time.Minute), "with new keys")
		assert.Empty(t, b.errs)
		assert.Equal(t, 2, roles.Given())
		assert.NoError(t, b.in.Close())
	})
}
