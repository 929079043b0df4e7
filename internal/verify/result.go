package verify

import (
	"time"

	"github.com/trailbeat/trailbeat/input/trailstore"
)

// Result is what was found of a file.
type Result string

// The results.
const (
	// Valid: it is what CloudTrail delivered.
	Valid Result = "valid"
	// Missing: a proven digest names it, and it is not there.
	Missing Result = "missing"
	// Altered: it is not what CloudTrail delivered, or not where.
	Altered Result = "altered"
	// Unsigned: a digest without a signature of CloudTrail.
	Unsigned Result = "unsigned"
	// NotCovered: a log file that no proven digest names. Nothing can be said about it.
	NotCovered Result = "not_covered"
	// Pending: a log file so new that its digest is not due.
	Pending Result = "pending"
	// Unchecked: it could not be read, so that nothing was found out.
	Unchecked Result = "unchecked"
)

// Results are all of them, in the order in which they are shown.
func Results() []Result {
	return []Result{Valid, Missing, Altered, Unsigned, NotCovered, Unchecked, Pending}
}

// Reason is why a file has its Result; empty where it is valid.
type Reason string

// The reasons.
const (
	// ReasonNotFound: there is no such file.
	ReasonNotFound Reason = "not_found"
	// ReasonHash: the SHA-256 of the content is not the one that is signed.
	ReasonHash Reason = "hash_mismatch"
	// ReasonFormat: it cannot be unpacked, or is no digest.
	ReasonFormat Reason = "invalid_format"
	// ReasonTrailing: there is more behind the end of the compressed content.
	ReasonTrailing Reason = "trailing_data"
	// ReasonMoved: the digest says that it belongs elsewhere.
	ReasonMoved Reason = "moved"
	// ReasonOverlap: the digest is about time that the one before it is about as well.
	ReasonOverlap Reason = "overlap"
	// ReasonChain: the digest follows another one than the one before it.
	ReasonChain Reason = "out_of_chain"
	// ReasonNoSignature: the metadata of the digest hold no signature.
	ReasonNoSignature Reason = "signature_missing"
	// ReasonSignature: the signature does not fit.
	ReasonSignature Reason = "signature_invalid"
	// ReasonAlgorithm: a signature or hash of another kind than SHA256withRSA and SHA-256.
	ReasonAlgorithm Reason = "algorithm_unknown"
	// ReasonKey: CloudTrail has no such public key in that region.
	ReasonKey Reason = "public_key_unknown"
	// ReasonKeyUnusable: the public key is no RSA key.
	ReasonKeyUnusable Reason = "public_key_unusable"
	// ReasonNoDigest: no digest names the log file.
	ReasonNoDigest Reason = "no_digest"
	// ReasonDigestUnproven: only a digest that is not proven names the log file.
	ReasonDigestUnproven Reason = "digest_unproven"
	// ReasonNotDue: the digest is not due.
	ReasonNotDue Reason = "not_due"
	// ReasonUnreadable: the file, or the keys for it, could not be read.
	ReasonUnreadable Reason = "unreadable"
)

// Kind is what a File is.
type Kind string

// The kinds.
const (
	KindDigest   Kind = "digest"
	KindBackfill Kind = "backfill_digest"
	KindLog      Kind = "log"
)

// Place is the account and region of a result, and the trail where that is known.
type Place struct {
	Bucket       string `json:"bucket,omitempty"`
	Organization string `json:"organization,omitempty"`
	Account      string `json:"account"`
	Region       string `json:"region"`
	Trail        string `json:"trail,omitempty"`
}

// File is the result of one file.
type File struct {
	Place
	Kind   Kind   `json:"kind"`
	Key    string `json:"key"`
	Result Result `json:"result"`
	Reason Reason `json:"reason,omitempty"`
	// Detail says more, for people.
	Detail string `json:"detail,omitempty"`
	// Digest is the key of the digest that names a log file.
	Digest string `json:"digest,omitempty"`
	// From and To are the time of delivery that it is about: of a digest what it says, of a log file that of its digest, or twice the
	// minute in its name.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Bytes of its uncompressed content, as far as it was read.
	Bytes int64 `json:"bytes,omitempty"`
}

// Hour is the summary of one digest and the files that it names.
type Hour struct {
	Place
	Key      string    `json:"key"`
	Backfill bool      `json:"backfill,omitempty"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	// Result of the digest itself.
	Result Result `json:"result"`
	Reason Reason `json:"reason,omitempty"`
	// Logs are the files that it names, by their results. Files of a digest that is not proven are not looked at.
	Logs map[Result]int64 `json:"logs,omitempty"`
	// Bytes of the uncompressed log files.
	Bytes int64 `json:"bytes"`
	// OldestEvent and NewestEvent are as the digest says. Zero where it names no files.
	OldestEvent time.Time `json:"oldest_event,omitzero"`
	NewestEvent time.Time `json:"newest_event,omitzero"`
}

// OK says that the digest and all its files are valid.
func (h *Hour) OK() bool {
	for r, n := range h.Logs {
		if r != Valid && n > 0 {
			return false
		}
	}
	return h.Result == Valid
}

// GapKind is what kind of time without digests it is.
type GapKind string

// The kinds of gaps.
const (
	// GapBegins: the first digest of a chain lies in the range. It is signed that there is none before it.
	GapBegins GapKind = "begins"
	// GapOff: validation or logging was off. It is signed that a new chain begins after it.
	GapOff GapKind = "off"
	// GapMissing: digests are missing.
	GapMissing GapKind = "missing"
	// GapEnds: there are no more digests. Nothing is signed about it: logging ended, or somebody deleted the last digests.
	GapEnds GapKind = "ends"
	// GapNone: an account and region that has a folder of digests has none in the range.
	GapNone GapKind = "none"
)

// Gap is time of an account and region, in the range, that no digest is about.
type Gap struct {
	Place
	Kind GapKind   `json:"kind"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Fault is something that kept files from being looked at.
type Fault struct {
	Place
	// Err says what, where, why and how to mend it.
	Err error
}

// Item is one result. Exactly one member is set.
type Item struct {
	File  *File
	Hour  *Hour
	Gap   *Gap
	Fault *Fault
}

func placeOf(p trailstore.Place, trail string) Place {
	return Place{Bucket: p.Bucket, Organization: p.Organization, Account: p.Account, Region: p.Region, Trail: trail}
}
