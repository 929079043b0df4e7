package verify

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input/trailstore"
)

// StringToSign is what CloudTrail signs of a digest: the end of its time as the digest has it, its place in S3, the SHA-256 of its
// uncompressed content in hex, and the signature of the digest before it, empty for the first of a chain.
func StringToSign(end, bucket, key, hash, previousSignature string) string {
	if previousSignature == "" {
		previousSignature = "null"
	}
	return end + "\n" + bucket + "/" + key + "\n" + hash + "\n" + previousSignature
}

// endOfKey is to the hour, which keys are asked for at most.
const endOfKey = "2006010215"

// errKeyUnknown says that there is no such public key.
var errKeyUnknown = errors.New("there is no such public key")

// errKeyUnusable says that a public key is no RSA key.
var errKeyUnusable = errors.New("the public key cannot be used")

// keyring are the public keys of all regions, which are asked for as digests come that need them. Safe for concurrent use.
type keyring struct {
	source   trailstore.KeySource
	from, to time.Time

	mu      sync.Mutex
	regions map[string]*regionKeys
}

type regionKeys struct {
	mu    sync.Mutex
	keys  map[string]trailstore.PublicKey
	asked map[string]bool // spans that were asked for
	err   error           // what the first question failed with
}

func newKeyring(source trailstore.KeySource, from, to time.Time) *keyring {
	return &keyring{source: source, from: from, to: to, regions: map[string]*regionKeys{}}
}

// find gives a key. at is when the digest was signed, as far as that is known.
func (k *keyring) find(ctx context.Context, region, fingerprint string, at time.Time) (*rsa.PublicKey, error) {
	k.mu.Lock()
	r := k.regions[region]
	if r == nil {
		r = &regionKeys{keys: map[string]trailstore.PublicKey{}, asked: map[string]bool{}}
		k.regions[region] = r
	}
	k.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	// Keys change now and then, and one may be asked for on the hour that it does: two hours more, as the AWS CLI does it.
	for _, span := range [][2]time.Time{{k.from.Add(-time.Hour), k.to.Add(2 * time.Hour)}, {at.Add(-time.Hour), at.Add(2 * time.Hour)}} {
		if _, ok := r.keys[fingerprint]; ok {
			break
		}
		name := span[0].Format(endOfKey) + span[1].Format(endOfKey)
		if r.asked[name] || r.err != nil {
			continue
		}
		r.asked[name] = true
		found, err := k.source.PublicKeys(ctx, region, span[0], span[1])
		if err != nil {
			r.err = err
			break
		}
		for _, key := range found {
			r.keys[key.Fingerprint] = key
		}
	}
	key, ok := r.keys[fingerprint]
	switch {
	case !ok && r.err != nil:
		return nil, r.err
	case !ok:
		return nil, fmt.Errorf("%w in %s: %s", errKeyUnknown, region, fingerprint)
	}
	public, err := x509.ParsePKCS1PublicKey(key.Value)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errKeyUnusable, fingerprint, err)
	}
	return public, nil
}

// used gives all keys that were seen.
func (k *keyring) used() trailstore.KeyFile {
	k.mu.Lock()
	defer k.mu.Unlock()
	seen := map[string]bool{}
	var list trailstore.KeyFile
	for _, r := range k.regions {
		r.mu.Lock()
		for _, key := range r.keys {
			if !seen[key.Fingerprint] {
				seen[key.Fingerprint] = true
				list = append(list, key)
			}
		}
		r.mu.Unlock()
	}
	return list
}

// fits says whether a signature, in hex, is that of the digest.
func (d *digest) fits(signature string) bool {
	raw, err := hex.DecodeString(signature)
	if err != nil || len(raw) == 0 {
		return false
	}
	sum := sha256.Sum256([]byte(StringToSign(d.doc.End, d.doc.Bucket, d.doc.Key, d.hash, d.doc.PreviousSignature.text)))
	return rsa.VerifyPKCS1v15(d.public, crypto.SHA256, sum[:], raw) == nil
}

// judge says what a digest is, now that the next one is known, nil where there is none. The signature in its metadata was looked at when
// it was loaded; the one that the next digest names counts as much.
func (v *Verifier) judge(d, next *digest) {
	if !d.loaded || d.result != Valid {
		return
	}
	own, named := d.proven, ""
	if next != nil && v.follows(next, d) {
		named = next.doc.PreviousSignature.text
		if d.keyErr == nil && !own {
			d.proven = d.fits(named)
		}
		// What a proven digest says of the one before it counts more than anything that is said there.
		if hash := next.doc.PreviousHash.text; next.proven && hash != d.hash && next.doc.PreviousHashWith.text == hashAlgorithm {
			d.proven = false
			d.fail(Altered, ReasonHash, "its SHA-256 is %s, the next digest says %s", d.hash, hash)
			return
		}
	}
	if d.keyErr != nil {
		v.judgeKey(d)
		return
	}
	proof := ""
	if d.proven && !own {
		proof = "; the next digest proves its content"
	}
	unkept := v.cfg.Downloaded && d.signature == "" && d.algorithm == ""
	switch {
	case unkept && d.proven:
	case unkept && named != "":
		d.fail(Altered, ReasonSignature, "the signature that the next digest names does not fit")
	case unkept:
		d.fail(Unsigned, ReasonNoSignature, "no digest follows that names its signature, and its metadata were not kept: "+
			"put the output of `aws s3api head-object` into a file of its name and %s", trailstore.MetadataSuffix)
	case d.signature == "" || d.algorithm == "":
		d.fail(Unsigned, ReasonNoSignature, "its metadata hold no signature or no signature-algorithm%s", proof)
	case d.algorithm != signatureAlgorithm:
		d.fail(Unsigned, ReasonAlgorithm, "its metadata name the algorithm %q%s", d.algorithm, proof)
	case d.doc.Algorithm != signatureAlgorithm:
		d.fail(Unsigned, ReasonAlgorithm, "it names the algorithm %q%s", d.doc.Algorithm, proof)
	case !d.proven:
		d.fail(Altered, ReasonSignature, "the signature does not fit")
	case !own:
		d.fail(Unsigned, ReasonSignature, "the signature in its metadata does not fit%s", proof)
	case d.Backfill && d.generated.IsZero():
		d.fail(Unsigned, ReasonNoSignature, "its metadata hold no %s", metaBackfill)
	}
}

func (v *Verifier) judgeKey(d *digest) {
	switch {
	case errors.Is(d.keyErr, errKeyUnknown):
		d.fail(Unsigned, ReasonKey, "CloudTrail has no public key %q in %s", d.doc.Fingerprint, d.Region)
	case errors.Is(d.keyErr, errKeyUnusable):
		d.fail(Unsigned, ReasonKeyUnusable, "%s", d.keyErr)
	default:
		d.fail(Unchecked, ReasonUnreadable, "%s", explain(d.keyErr))
	}
}
