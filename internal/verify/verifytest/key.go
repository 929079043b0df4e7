package verifytest

import (
	"context"
	"crypto"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/trailbeat/trailbeat/input/trailstore"
)

// Key is a pair of keys that digests are signed with.
type Key struct {
	Private     *rsa.PrivateKey
	Fingerprint string
}

// NewKey makes a key of 2048 bits, as CloudTrail has them.
func NewKey() (*Key, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	sum := md5.Sum(x509.MarshalPKCS1PublicKey(&private.PublicKey))
	return &Key{private, hex.EncodeToString(sum[:])}, nil
}

// Public is the key as CloudTrail hands it out.
func (k *Key) Public() trailstore.PublicKey {
	return trailstore.PublicKey{
		Fingerprint: k.Fingerprint, Value: x509.MarshalPKCS1PublicKey(&k.Private.PublicKey),
		ValidityStartTime: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), ValidityEndTime: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

// Sign gives the signature of a text, in hex.
func (k *Key) Sign(text string) (string, error) {
	sum := sha256.Sum256([]byte(text))
	raw, err := rsa.SignPKCS1v15(rand.Reader, k.Private, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return hex.EncodeToString(raw), nil
}

// Keys are the public keys of regions, as CloudTrail knows them: one of another region is not found.
type Keys map[string][]*Key

// PublicKeys is part of trailstore.KeySource.
func (k Keys) PublicKeys(_ context.Context, region string, _, _ time.Time) ([]trailstore.PublicKey, error) {
	var list []trailstore.PublicKey
	for _, key := range k[region] {
		list = append(list, key.Public())
	}
	return list, nil
}
