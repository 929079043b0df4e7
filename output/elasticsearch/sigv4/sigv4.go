// Package sigv4 signs requests for Amazon OpenSearch Service, whose domains take the identities of AWS instead of passwords.
//
// It stands around the transport of output/elasticsearch (Options.Wrap), so that it sees each request as it goes out: after
// the choice of the host and after compression, both of which the signature covers. It is a package of its own, as it
// brings the AWS SDK, which nobody else needs to write to a cluster.
//
// A Signer is safe for concurrent use. Its cost is one SHA-256 over each body.
package sigv4

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
)

// Config says what is signed for.
type Config struct {
	// Region of the domain. Empty: that of the environment or the shared configuration of AWS.
	Region string
	// Service is "es" (a domain) or "aoss" (a serverless collection). Empty: "es".
	Service string
	// Credentials, where they do not come from the SDK's chain (environment, shared files, web identity, container,
	// instance). Nil: the chain.
	Credentials aws.CredentialsProvider
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// Signer signs requests.
type Signer struct {
	region, service string
	credentials     aws.CredentialsProvider
	now             func() time.Time
	v4              *v4.Signer
}

// ErrNoRegion says that neither the configuration nor the environment names the region.
var ErrNoRegion = errors.New("aws.sigv4.region: is not set, and the environment of AWS names no region either; set it to that of the domain")

// New makes a Signer. It may read the files of the SDK's chain, and asks nobody for credentials yet.
func New(ctx context.Context, conf Config) (*Signer, error) {
	s := &Signer{region: conf.Region, service: conf.Service, credentials: conf.Credentials, now: conf.Now, v4: v4.NewSigner()}
	if s.service == "" {
		s.service = "es"
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.credentials == nil || s.region == "" {
		loaded, err := config.LoadDefaultConfig(ctx, config.WithRegion(conf.Region))
		if err != nil {
			return nil, fmt.Errorf("loading the AWS configuration for aws.sigv4: %w", err)
		}
		s.region = loaded.Region
		if s.credentials == nil {
			s.credentials = loaded.Credentials
		}
	}
	if s.region == "" {
		return nil, ErrNoRegion
	}
	return s, nil
}

// Wrap puts the signature before next.
func (s *Signer) Wrap(next http.RoundTripper) http.RoundTripper {
	return &transport{signer: s, next: next}
}

type transport struct {
	signer *Signer
	next   http.RoundTripper
}

// RoundTrip signs a copy of the request. It has closed the body when it fails.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	signed, err := t.signer.sign(req)
	if err != nil {
		if req.Body != nil {
			err = errors.Join(err, req.Body.Close())
		}
		return nil, err
	}
	return t.next.RoundTrip(signed)
}

func (s *Signer) sign(req *http.Request) (*http.Request, error) {
	credentials, err := s.credentials.Retrieve(req.Context())
	if err != nil {
		return nil, fmt.Errorf("getting AWS credentials to sign the request: %w", err)
	}
	out := req.Clone(req.Context())
	sum, err := hashBody(out)
	if err != nil {
		return nil, fmt.Errorf("reading the request to sign it: %w", err)
	}
	// Serverless collections demand this header, domains take it.
	out.Header.Set("X-Amz-Content-Sha256", sum)
	// What else stands for an identity would contradict the signature.
	out.Header.Del("Authorization")
	// Serverless collections refuse a signature that covers the length of the body, so it is made on a copy without.
	bare := out.Clone(req.Context())
	bare.Body, bare.ContentLength = nil, 0
	bare.Header.Del("Content-Length")
	if err := s.v4.SignHTTP(req.Context(), credentials, bare, sum, s.service, s.region, s.now()); err != nil {
		return nil, fmt.Errorf("signing the request: %w", err)
	}
	// The signature leaves out the usual port, so the request must too.
	out.Host = bare.Host
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		if value := bare.Header.Get(name); value != "" {
			out.Header.Set(name, value)
		}
	}
	return out, nil
}

// hashBody gives the hash of the body, and leaves the body to be read. A body that can be read only once is kept in memory.
func hashBody(req *http.Request) (string, error) {
	sum := sha256.New()
	switch {
	case req.Body == nil || req.Body == http.NoBody:
	case req.GetBody != nil:
		again, err := req.GetBody()
		if err != nil {
			return "", err
		}
		_, err = io.Copy(sum, again)
		if err := errors.Join(err, again.Close()); err != nil {
			return "", err
		}
	default:
		text, err := io.ReadAll(req.Body)
		if err := errors.Join(err, req.Body.Close()); err != nil {
			return "", err
		}
		sum.Write(text)
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
