package trailstore

import (
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

// KindDigest and KindLogs are the folders of the digest files and of the log files of management and data events. Others, such as
// CloudTrail-Insight, begin with KindLogs too.
const (
	KindDigest = "CloudTrail-Digest"
	KindLogs   = "CloudTrail"
)

// logs is the folder that CloudTrail writes below, whatever the prefix of the trail.
const logs = "AWSLogs/"

var (
	organization = lazyregexp.New(`^[oO]-[a-zA-Z0-9]{10,32}$`)
	account      = lazyregexp.New(`^[0-9]{12}$`)
	digestName   = lazyregexp.New(`^([0-9]{12})_CloudTrail-Digest_([a-z0-9-]+)_(.+)_([a-z0-9-]+)_([0-9]{8}T[0-9]{6}Z)(_backfill)?\.json(?:\.gz)?$`)
	logName      = lazyregexp.New(`^([0-9]{12})_(CloudTrail[A-Za-z-]*)_([a-z0-9-]+)_([0-9]{8}T[0-9]{4}Z)_[^/]+\.json(?:\.gz)?$`)
)

const (
	dayLayout  = "2006/01/02/"
	endLayout  = "20060102T150405Z"
	fileLayout = "20060102T1504Z"
)

// Place is the folder of one account and region: the digests and the log files that CloudTrail delivers there.
type Place struct {
	// Bucket that it is in; empty where the store has only one.
	Bucket string
	// Root is what keys begin with up to AWSLogs/, and the organization's folder where there is one. It ends in a slash.
	Root string
	// Organization is empty for the trail of an account.
	Organization    string
	Account, Region string
	// Kinds are the folders of log files that the region has, such as CloudTrail and CloudTrail-Insight, in order. Empty where there
	// are none, or where nobody looked.
	Kinds []string
}

// Folder of a kind. It ends in a slash.
func (p Place) Folder(kind string) string {
	return p.Root + p.Account + "/" + kind + "/" + p.Region + "/"
}

// Digests is the folder of the digest files. It ends in a slash.
func (p Place) Digests() string { return p.Folder(KindDigest) }

// Position is the key in a folder behind which everything was delivered on the day of t or later.
func Position(folder string, t time.Time) string { return folder + t.UTC().Format(dayLayout) }

// Digest is what the key of a digest file says.
type Digest struct {
	Place
	Key string
	// Trail is the name of the trail, Home the region that it was made in.
	Trail, Home string
	// End of the time that it is about.
	End time.Time
	// Backfill digests name files that were left out of those before, as CloudTrail was late.
	Backfill bool
}

// ParseDigest takes the key of a digest file apart. ok is false for other keys.
func ParseDigest(bucket, key string) (d Digest, ok bool) {
	folder, name := split(key)
	m := digestName().FindStringSubmatch(name)
	if m == nil {
		return d, false
	}
	end, err := time.Parse(endLayout, m[5])
	if err != nil {
		return d, false
	}
	d = Digest{Place: Place{Bucket: bucket, Account: m[1], Region: m[2]}, Key: key, Trail: m[3], Home: m[4], End: end, Backfill: m[6] != ""}
	d.Root, ok = strings.CutSuffix(folder, m[1]+"/"+KindDigest+"/"+m[2]+"/"+end.Format(dayLayout))
	d.Organization = organizationOf(d.Root)
	return d, ok
}

func split(key string) (folder, name string) {
	i := strings.LastIndexByte(key, '/') + 1
	return key[:i], key[i:]
}

// organizationOf is the last folder of a root, where it is that of an organization.
func organizationOf(root string) string {
	_, last := split(strings.TrimSuffix(root, "/"))
	if organization().MatchString(last) {
		return last
	}
	return ""
}

// IsLog says by its key whether something in a folder of log files is read as one, by Trailbeat and by others: folders and notes are not.
func IsLog(key string) bool {
	return strings.HasSuffix(key, ".json.gz") || strings.HasSuffix(key, ".json") || strings.HasSuffix(key, ".gz")
}

// LogTime says when a log file was delivered, by its name: to the minute, or the day of its folder where exact is false. ok is false for
// keys that are in no folder of a day.
func LogTime(folder, key string) (t time.Time, exact, ok bool) {
	rest, found := strings.CutPrefix(key, folder)
	if !found || len(rest) <= len(dayLayout) {
		return t, false, false
	}
	day, err := time.Parse(dayLayout, rest[:len(dayLayout)])
	if err != nil {
		return t, false, false
	}
	m := logName().FindStringSubmatch(rest[len(dayLayout):])
	if m == nil {
		return day, false, true
	}
	t, err = time.Parse(fileLayout, m[4])
	if err != nil || !t.Truncate(24*time.Hour).Equal(day) {
		return day, false, true
	}
	return t, true, true
}
