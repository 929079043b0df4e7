package trailstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// PublicKey is one that CloudTrail signs the digests of a region with.
type PublicKey struct {
	// Fingerprint as digests name it.
	Fingerprint string
	// Value is an RSA key in DER, as PKCS #1 has it.
	Value []byte
	// ValidityStartTime and ValidityEndTime: digests were signed with it in between. Zero where that is not known.
	ValidityStartTime, ValidityEndTime time.Time
}

// KeySource gives public keys. Safe for concurrent use.
type KeySource interface {
	// PublicKeys gives those with which digests of a region were signed in a span of time, and possibly more.
	PublicKeys(ctx context.Context, region string, from, to time.Time) ([]PublicKey, error)
}

// KeyFile are keys that were kept, for a verification without AWS.
type KeyFile []PublicKey

// PublicKeys gives all of them, whatever the region: a fingerprint is enough to know a key by.
func (f KeyFile) PublicKeys(context.Context, string, time.Time, time.Time) ([]PublicKey, error) {
	return f, nil
}

// ParseKeyFile reads what `aws cloudtrail list-public-keys` prints, of several regions one behind the other where that is so.
func ParseKeyFile(data []byte) (KeyFile, error) {
	type key struct {
		Fingerprint                        string
		Value                              []byte
		ValidityStartTime, ValidityEndTime any
	}
	var list KeyFile
	dec := json.NewDecoder(bytes.NewReader(data))
	for {
		var doc struct{ PublicKeyList []key }
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading public keys: %w; the file must be what `aws cloudtrail list-public-keys` prints", err)
		}
		for _, k := range doc.PublicKeyList {
			list = append(list, PublicKey{k.Fingerprint, k.Value, keyTime(k.ValidityStartTime), keyTime(k.ValidityEndTime)})
		}
	}
	if len(list) == 0 {
		return nil, errors.New("reading public keys: there is none in PublicKeyList; the file must be what `aws cloudtrail list-public-keys` prints")
	}
	return list, nil
}

// keyTime reads a time as the AWS CLI prints it: seconds since 1970 in version 1, ISO 8601 in version 2. Zero for others.
func keyTime(v any) time.Time {
	switch v := v.(type) {
	case float64:
		return time.Unix(int64(v), 0).UTC()
	case string:
		t, _ := time.Parse(time.RFC3339, v)
		return t.UTC()
	}
	return time.Time{}
}

// Format writes keys so that ParseKeyFile reads them.
func (f KeyFile) Format() ([]byte, error) {
	type key struct {
		Fingerprint                        string
		Value                              []byte
		ValidityStartTime, ValidityEndTime time.Time
	}
	var doc struct{ PublicKeyList []key }
	for _, k := range f {
		doc.PublicKeyList = append(doc.PublicKeyList, key(k))
	}
	data, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing public keys: %w", err)
	}
	return append(data, '\n'), nil
}
