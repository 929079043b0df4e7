package quota

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/input/aws"
)

// tries of one call, where a fault may pass by itself. Throttling does not count.
const tries = 5

// Calls counts calls of one kind: those Made, and of them those Throttled, which AWS refused for their number.
type Calls struct{ Made, Throttled atomic.Int64 }

// Call makes a call when its turn has come: again for as long as AWS refuses it for the number of calls, and five times in all where
// another fault may pass. floor is as with Limiter.Wait. The call must not be tried again by the SDK (see aws.OneTry), as the Limiter has
// to know of each refusal; the error is the last one of call, or that of ctx.
func Call[T any](ctx context.Context, l *Limiter, floor time.Duration, n *Calls, call func() (T, error)) (T, error) {
	var none T
	for try := 1; ; {
		if err := l.Wait(ctx, floor); err != nil {
			return none, err
		}
		n.Made.Add(1)
		out, err := call()
		if err == nil {
			l.Good(floor)
			return out, nil
		}
		if ctx.Err() != nil {
			return none, ctx.Err()
		}
		class := aws.ClassOf(err)
		if class == aws.ClassThrottled {
			n.Throttled.Add(1)
			l.Throttled(floor)
			continue
		}
		if try++; try > tries || !class.Passing() {
			return none, err
		}
		if err := Sleep(ctx, time.Second<<try/4+time.Duration(rand.Int64N(int64(time.Second)/2))); err != nil {
			return none, err
		}
	}
}

const (
	// firstRest follows the first fault that may pass by itself, slowRest one that somebody must mend. They double with each
	// fault up to mostRest.
	firstRest = 10 * time.Second
	slowRest  = time.Minute
	mostRest  = 10 * time.Minute
)

// Rest is how long something that cannot be read is left alone after err; before is how many faults in a row it had until then.
func Rest(err error, before int) time.Duration {
	rest := slowRest
	if aws.ClassOf(err).Passing() {
		rest = firstRest
	}
	for range min(before, 6) {
		rest *= 2
	}
	return min(rest, mostRest)
}

// ownerTimeout bounds the question for the account, which reading can do without.
const ownerTimeout = 10 * time.Second

// Owner names whose quota calls count on, as a part of the key of Limits.Get: the account. Where that cannot be asked for, account is
// empty and the owner is known by the credentials. A nil identity (see aws.Session.Identity) asks nobody.
func Owner(ctx context.Context, cfg aws.Config, identity func(context.Context) (account, arn string, err error)) (owner, account string) {
	owner = "credentials " + cfg.AccessKeyID + " " + cfg.CredentialProfileName + " " + cfg.RoleARN
	if identity == nil {
		return owner, ""
	}
	ctx, cancel := context.WithTimeout(ctx, ownerTimeout)
	defer cancel()
	if account, _, err := identity(ctx); err == nil {
		return account, account
	}
	return owner, ""
}
