package awstest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Roles gives keys for a role: each time new ones, for an hour. Safe for concurrent use.
type Roles struct{ given, revoked atomic.Int64 }

// Roles has the server answer AssumeRole and GetCallerIdentity. Calls are refused for their keys only where a Hook asks Refused.
func (s *Server) Roles() *Roles {
	r := new(Roles)
	s.Handle("AssumeRole", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>KEY%d</AccessKeyId><SecretAccessKey>s</SecretAccessKey>`+
			`<SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
			r.given.Add(1), time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	})
	s.Handle("GetCallerIdentity", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>a</Arn><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	})
	return r
}

// Given says how many keys were given.
func (r *Roles) Given() int { return int(r.given.Load()) }

// Revoke ends all keys that were given so far, before the time that was said for them.
func (r *Roles) Revoke() { r.revoked.Store(r.given.Load()) }

// Refused is the Fault of a call with keys that were revoked, nil for other calls. status and code are those of the service.
func (r *Roles) Refused(call *http.Request, status int, code string) *Fault {
	_, key, _ := strings.Cut(call.Header.Get("Authorization"), "Credential=KEY")
	var n int64
	if _, err := fmt.Sscanf(key, "%d/", &n); err != nil || n > r.revoked.Load() {
		return nil
	}
	return &Fault{Status: status, Code: code, Message: "The security token included in the request is expired"}
}
