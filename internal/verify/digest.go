package verify

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/trailstore"
)

// The names of the metadata of a digest, and what stands there.
const (
	metaSignature = "signature"
	metaAlgorithm = "signature-algorithm"
	metaBackfill  = "backfill-generation-timestamp"

	signatureAlgorithm = "SHA256withRSA"
	hashAlgorithm      = "SHA-256"
)

// maxDigest is the most bytes of a digest that are read, uncompressed: about 300,000 log files in an hour.
const maxDigest = 128 << 20

// document is a digest file.
type document struct {
	Start             string     `json:"digestStartTime"`
	End               string     `json:"digestEndTime"`
	Bucket            string     `json:"digestS3Bucket"`
	Key               string     `json:"digestS3Object"`
	Fingerprint       string     `json:"digestPublicKeyFingerprint"`
	Algorithm         string     `json:"digestSignatureAlgorithm"`
	NewestEvent       *time.Time `json:"newestEventTime"`
	OldestEvent       *time.Time `json:"oldestEventTime"`
	PreviousBucket    nullable   `json:"previousDigestS3Bucket"`
	PreviousKey       nullable   `json:"previousDigestS3Object"`
	PreviousHash      nullable   `json:"previousDigestHashValue"`
	PreviousHashWith  nullable   `json:"previousDigestHashAlgorithm"`
	PreviousSignature nullable   `json:"previousDigestSignature"`
	LogFiles          logList    `json:"logFiles"`
}

// nullable is a text that may be null, and is not there in what is no digest.
type nullable struct {
	there bool
	text  string // empty for null
}

// UnmarshalJSON is part of json.Unmarshaler; null comes here too.
func (n *nullable) UnmarshalJSON(data []byte) error {
	n.there = true
	return json.Unmarshal(data, &n.text)
}

// logList are the log files that a digest names.
type logList struct {
	there bool
	list  []logEntry
}

// UnmarshalJSON is part of json.Unmarshaler.
func (l *logList) UnmarshalJSON(data []byte) error {
	l.there = true
	return json.Unmarshal(data, &l.list)
}

// logEntry is a log file that a digest names.
type logEntry struct {
	Bucket    string `json:"s3Bucket"`
	Key       string `json:"s3Object"`
	Hash      string `json:"hashValue"`
	Algorithm string `json:"hashAlgorithm"`
}

// digest is a digest file on its way through the chain.
type digest struct {
	trailstore.Digest
	doc        document
	hash       string // SHA-256 of its content, in hex
	bytes      int64
	start, end time.Time
	signature  string // that of the metadata
	algorithm  string
	generated  time.Time // of a backfill digest

	// What is wrong with it so far; Valid where nothing is.
	result Result
	reason Reason
	detail string
	// loaded says that doc is filled, proven that a signature fits.
	loaded, proven bool
	public         *rsa.PublicKey // nil with keyErr
	keyErr         error
}

// mark is what is kept of a digest that was looked at.
type mark struct {
	bucket, key string
	end         time.Time
	proven      bool
}

func (d *digest) fail(result Result, reason Reason, format string, args ...any) {
	d.result, d.reason, d.detail = result, reason, fmt.Sprintf(format, args...)
}

// load reads a digest and looks at its form and place. It never fails: what went wrong is in the digest.
func (v *Verifier) load(ctx context.Context, name trailstore.Digest) *digest {
	d := &digest{Digest: name, start: name.End.Add(-time.Hour), end: name.End, result: Valid}
	file, err := v.cfg.Store.Open(ctx, name.Bucket, name.Key)
	if err != nil {
		if errors.Is(err, trailstore.ErrNotExist) {
			d.fail(Missing, ReasonNotFound, "it was listed, and is not there any more")
		} else {
			d.fail(Unchecked, ReasonUnreadable, "%s", explain(err))
		}
		return d
	}
	defer func() { _ = file.Close() }()
	var content bytes.Buffer
	sum := sha256.New()
	d.bytes, err = v.unpack(file, multi{&content, sum}, maxDigest)
	v.progress.bytes.Add(d.bytes)
	var broken *contentError
	switch {
	case errors.As(err, &broken):
		d.fail(Altered, broken.reason, "%s", broken.Error())
		return d
	case err != nil:
		d.fail(Unchecked, ReasonUnreadable, "%s", explain(err))
		return d
	}
	d.hash = hex.EncodeToString(sum.Sum(nil))
	if err := d.parse(content.Bytes()); err != nil {
		d.fail(Altered, ReasonFormat, "it is no digest: %s", err)
		return d
	}
	d.loaded = true
	d.signature, d.algorithm = file.Metadata[metaSignature], file.Metadata[metaAlgorithm]
	if at := file.Metadata[metaBackfill]; at != "" {
		d.generated, _ = time.Parse(time.RFC3339, at)
	}
	if v.where(d.doc.Bucket) != d.Bucket || d.doc.Key != d.Key {
		d.fail(Altered, ReasonMoved, "it belongs to s3://%s/%s", d.doc.Bucket, d.doc.Key)
		return d
	}
	at := d.end
	if !d.generated.IsZero() {
		at = d.generated
	}
	if d.public, d.keyErr = v.keys.find(ctx, d.Region, d.doc.Fingerprint, at); d.keyErr == nil {
		d.proven = d.fits(d.signature)
	}
	return d
}

// explain is an error in one line, with how to mend it.
func explain(err error) string {
	text := err.Error()
	if _, hint := input.Explain(err); hint != "" && !bytes.Contains([]byte(text), []byte(hint)) {
		text += "; " + hint
	}
	return text
}

func (d *digest) parse(content []byte) (err error) {
	if err := json.Unmarshal(content, &d.doc); err != nil {
		return err
	}
	switch {
	case !d.doc.LogFiles.there:
		return errors.New("logFiles is missing")
	case !d.doc.PreviousSignature.there:
		return errors.New("previousDigestSignature is missing")
	case d.doc.Fingerprint == "":
		return errors.New("digestPublicKeyFingerprint is missing")
	case d.doc.Bucket == "" || d.doc.Key == "":
		return errors.New("digestS3Bucket or digestS3Object is missing")
	}
	start, err := time.Parse(time.RFC3339, d.doc.Start)
	if err != nil {
		return fmt.Errorf("digestStartTime: %w", err)
	}
	end, err := time.Parse(time.RFC3339, d.doc.End)
	if err != nil {
		return fmt.Errorf("digestEndTime: %w", err)
	}
	d.start, d.end = start.UTC(), end.UTC()
	return nil
}

// previous is the place of the digest before, empty where the digest begins a chain.
func (d *digest) previous() (bucket, key string) {
	return d.doc.PreviousBucket.text, d.doc.PreviousKey.text
}

// follows says that d names p as the one before it.
func (v *Verifier) follows(d, p *digest) bool {
	bucket, key := d.previous()
	return key != "" && key == p.Key && v.where(bucket) == p.Bucket
}
