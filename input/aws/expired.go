package aws

import (
	"errors"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// expiredError is an error of keys that have expired, with what can be done about it: that depends on where they come from.
type expiredError struct {
	err error
	// used is about the keys that calls are made with, base about those that a role is assumed with.
	used, base string
}

func (e *expiredError) Error() string { return e.err.Error() }
func (e *expiredError) Unwrap() error { return e.err }

// expired adds to an error of expired keys what can be done about it.
func (s *Session) expired(err error) error {
	if err == nil || ClassOf(err) != ClassExpired {
		return err
	}
	if known := new(expiredError); errors.As(err, &known) {
		return err
	}
	const (
		fixed   = "put new ones there and start again, or use a shared credentials file, which is read again when it is rewritten"
		shared  = "write new ones into the shared credentials file, which is read again by itself"
		renewed = "new ones are fetched; check the clock of this machine if it stays"
	)
	var base string
	switch {
	case s.cfg.AccessKeyID != "":
		base = "the keys in access_key_id, secret_access_key and session_token have expired; " + fixed
	case s.cfg.WebIdentity.TokenFile != "":
		base = "the keys of web_identity.role_arn have expired; " + renewed
	case s.cfg.CredentialProfileName != "" || s.cfg.SharedCredentialFile != "":
		base = "the keys of the profile have expired; " + shared
	default:
		base = "the keys of the environment, profile or machine have expired; those of the machine are renewed by themselves, for a profile " + shared
	}
	used := base
	if s.cfg.RoleARN != "" || len(s.cfg.RoleChain) > 0 {
		base += " (the role is assumed with them)"
		used = "the keys of the role have expired; " + renewed
	}
	return &expiredError{err: err, used: used, base: base}
}

// renewPause is how long renewed keys are given before they are fetched again because a call finds them expired. Within it other
// calls, which went out with the old ones, are made again with the new ones.
const renewPause = 5 * time.Second

// renewal fetches keys anew which are refused before the time that was said for them: that of this machine may be wrong, or a
// session was revoked.
type renewal struct {
	mu     sync.Mutex
	caches []*awssdk.CredentialsCache
	last   time.Time
}

func (r *renewal) add(c *awssdk.CredentialsCache) { r.caches = append(r.caches, c) }

// retry says that a call is worth another try, as it was made with expired keys and there are new ones for the next.
func (r *renewal) retry(err error) awssdk.Ternary {
	if ClassOf(err) != ClassExpired || len(r.caches) == 0 {
		return awssdk.UnknownTernary
	}
	if fetching := new(smithy.OperationError); errors.As(err, &fetching) {
		return awssdk.UnknownTernary // no keys were had at all: those that they are fetched with have expired
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.last) >= renewPause {
		r.last = time.Now()
		for _, c := range r.caches {
			c.Invalidate()
		}
	}
	return awssdk.TrueTernary
}
