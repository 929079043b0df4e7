package eventhistory

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

// Keys of a role that are refused before the time that was said for them are fetched anew: no fault shows, and the role is not asked
// for with every call.
func TestRefusedKeysAreRenewed(t *testing.T) {
	bubble(t, "", func(t *testing.T, b *bench) {
		roles := b.server.Roles()
		b.server.Hook(func(call string, r *http.Request) *awstest.Fault {
			if call != "LookupEvents" {
				return nil
			}
			return roles.Refused(r, http.StatusBadRequest, "ExpiredTokenException")
		})
		b.cfg.AWS.RoleARN = "arn:aws:iam::111111111111:role/a"
		b.event("us-east-1", time.Hour, 0)
		b.open()
		assert.Equal(t, b.ids, b.read(10*time.Minute))
		assert.Equal(t, 1, roles.Given())
		roles.Revoke()
		late := b.event("us-east-1", 0, 0)
		assert.Equal(t, []string{late}, b.read(2*time.Minute), "with new keys")
		assert.Empty(t, b.in.Report().LastError)
		assert.Equal(t, 2, roles.Given())
		assert.NoError(t, b.in.Close())
	})
}
