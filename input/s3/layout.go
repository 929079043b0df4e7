package s3

import (
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

// object is one entry of a listing.
type object struct {
	Key, ETag string
	Size      int64
	Modified  time.Time
	// Class is the storage class as the listing says it; empty where it does not, which is STANDARD.
	Class string
}

// logs is the folder that CloudTrail writes below, whatever the prefix of the trail.
const logs = "AWSLogs/"

var (
	organization = lazyregexp.New(`^o-[a-z0-9]{10,32}$`)
	account      = lazyregexp.New(`^[0-9]{12}$`)
	region       = lazyregexp.New(`^[a-z]{2,5}(-[a-z]+)+-[0-9]+$`)
)

// kindPrefix begins the names of all folders that CloudTrail has in that of an account: CloudTrail, CloudTrail-Digest,
// CloudTrail-Insight, CloudTrail-NetworkActivity, CloudTrail-Aggregated and what is still to come. Other services have theirs beside
// them.
const kindPrefix = "CloudTrail"

// scope is the folder of one account, kind and region. Below it lie YYYY/MM/DD/FILE.
type scope struct {
	prefix, account, kind, region string
}

const (
	dayLayout    = "2006/01/02/"
	minuteLayout = "20060102T1504"
)

// stem begins the names of all files of the scope, before the minute of delivery.
func (s scope) stem() string { return s.account + "_" + s.kind + "_" + s.region + "_" }

// position is the key before which everything is older than t: exact to the minute, or to the day.
func (s scope) position(t time.Time, exact bool) string {
	t = t.UTC()
	if !exact {
		return s.prefix + t.Format(dayLayout)
	}
	return s.prefix + t.Format(dayLayout) + s.stem() + t.Format(minuteLayout)
}

// timeOf gives when a file was delivered, by its name. Where the name does not tell (digests, whose names begin with that of the
// trail), exact is false and t is the day of the folder. ok is false for keys that lie in no such folder.
func (s scope) timeOf(key string) (t time.Time, exact, ok bool) {
	rest, found := strings.CutPrefix(key, s.prefix)
	if !found || len(rest) <= len(dayLayout) {
		return time.Time{}, false, false
	}
	day, err := time.Parse(dayLayout, rest[:len(dayLayout)])
	if err != nil {
		return time.Time{}, false, false
	}
	name, found := strings.CutPrefix(rest[len(dayLayout):], s.stem())
	if !found || len(name) <= len(minuteLayout) || name[len(minuteLayout)] != 'Z' {
		return day, false, true
	}
	t, err = time.Parse(minuteLayout, name[:len(minuteLayout)])
	if err != nil || !t.Truncate(24*time.Hour).Equal(day) {
		return day, false, true
	}
	return t, true, true
}
