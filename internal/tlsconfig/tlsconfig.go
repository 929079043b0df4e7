// Package tlsconfig holds the options ssl of outputs and inputs: how servers are trusted, and how we show who we are. Their names are
// those of Beats.
package tlsconfig

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Config is the group ssl.
type Config struct {
	// Enabled applies this group. Default true. False leaves https hosts with Go's defaults: the system's authorities.
	Enabled bool `config:"enabled"`
	// VerificationMode: full (chain and host name; strict means the same here), certificate (chain only) or none
	// (anything). Default full; empty means full.
	VerificationMode string `config:"verification_mode"`
	// CertificateAuthorities are files, or PEM text, of the authorities to trust instead of the system's. Default none.
	CertificateAuthorities []string `config:"certificate_authorities"`
	// Certificate and Key are files, or PEM text, of a client certificate. Default none.
	Certificate string `config:"certificate"`
	Key         string `config:"key,secret"`
	// KeyPassphrase opens an encrypted Key. Default empty: it is not encrypted.
	KeyPassphrase string `config:"key_passphrase,secret"`
	// SupportedProtocols are of TLSv1.0 to TLSv1.3 and must be neighbours. Default empty: TLSv1.2 and TLSv1.3.
	SupportedProtocols []string `config:"supported_protocols"`
	// CATrustedFingerprint is the SHA-256 of an authority's certificate in hex. If the server shows that authority in its
	// chain, it is trusted. Elasticsearch prints it at its first start. Default empty.
	CATrustedFingerprint string `config:"ca_trusted_fingerprint"`
	// CASHA256 pins public keys: base64 of the SHA-256 of the key, of which one must be in the verified chain. Default none.
	CASHA256 []string `config:"ca_sha256"`
}

var tlsVersions = []struct {
	name    string
	version uint16
}{
	{"TLSv1.0", tls.VersionTLS10}, {"TLSv1.1", tls.VersionTLS11}, {"TLSv1.2", tls.VersionTLS12}, {"TLSv1.3", tls.VersionTLS13},
}

// Default gives the defaults: the group is applied and verifies all.
func Default() Config { return Config{Enabled: true, VerificationMode: "full"} }

// Unverified says that anybody may stand in for the server.
func (c *Config) Unverified() bool { return c.Enabled && c.VerificationMode == "none" }

// Validate checks what can be said without looking at files. Its errors begin with the names of the options.
func (c *Config) Validate() []error {
	if !c.Enabled {
		return nil
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch c.VerificationMode {
	case "", "full", "strict", "certificate", "none":
	default:
		bad("ssl.verification_mode: must be full, strict, certificate or none, is %q", c.VerificationMode)
	}
	if (c.Certificate == "") != (c.Key == "") {
		bad("ssl.certificate: goes together with ssl.key; set both or none")
	}
	if _, _, err := c.versions(); err != nil {
		errs = append(errs, err)
	}
	if c.CATrustedFingerprint != "" {
		if _, err := fingerprint(c.CATrustedFingerprint); err != nil {
			errs = append(errs, err)
		}
	}
	for i, pin := range c.CASHA256 {
		if sum, err := base64.StdEncoding.DecodeString(pin); err != nil || len(sum) != sha256.Size {
			bad("ssl.ca_sha256.%d: must be the base64 form of a SHA-256 sum", i)
		}
	}
	if c.VerificationMode == "none" && (len(c.CASHA256) > 0 || c.CATrustedFingerprint != "") {
		bad("ssl.verification_mode: none makes ca_sha256 and ca_trusted_fingerprint useless; use certificate")
	}
	return errs
}

func (c *Config) versions() (lowest, highest uint16, err error) {
	if len(c.SupportedProtocols) == 0 {
		return tls.VersionTLS12, tls.VersionTLS13, nil
	}
	lowest = tls.VersionTLS13
	wanted := map[uint16]bool{}
	for i, name := range c.SupportedProtocols {
		at := slices.IndexFunc(tlsVersions, func(v struct {
			name    string
			version uint16
		}) bool {
			return v.name == name
		})
		if at < 0 {
			return 0, 0, fmt.Errorf("ssl.supported_protocols.%d: must be TLSv1.0, TLSv1.1, TLSv1.2 or TLSv1.3, is %q", i, name)
		}
		version := tlsVersions[at].version
		wanted[version] = true
		lowest, highest = min(lowest, version), max(highest, version)
	}
	if len(wanted) != int(highest-lowest)+1 {
		return 0, 0, errors.New("ssl.supported_protocols: must have no gap; name the versions in between too")
	}
	return lowest, highest, nil
}

func fingerprint(text string) ([]byte, error) {
	sum, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	if err != nil || len(sum) != sha256.Size {
		return nil, errors.New("ssl.ca_trusted_fingerprint: must be a SHA-256 sum in hex (64 digits)")
	}
	return sum, nil
}

// Client makes the client's side of TLS. It reads the files. An empty host stands for any: it is then the one that the connection is
// made to, which net/http puts there.
func (c *Config) Client(host string) (*tls.Config, error) {
	if !c.Enabled {
		return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}, nil
	}
	conf := &tls.Config{ServerName: host}
	var err error
	if conf.MinVersion, conf.MaxVersion, err = c.versions(); err != nil {
		return nil, err
	}
	if len(c.CertificateAuthorities) > 0 {
		conf.RootCAs = x509.NewCertPool()
		for i, ca := range c.CertificateAuthorities {
			pem, err := pemText(ca)
			if err != nil {
				return nil, fmt.Errorf("ssl.certificate_authorities.%d: %w", i, err)
			}
			if !conf.RootCAs.AppendCertsFromPEM(pem) {
				return nil, fmt.Errorf("ssl.certificate_authorities.%d: holds no certificate in PEM form", i)
			}
		}
	}
	if c.Certificate != "" {
		pair, err := c.clientCertificate()
		if err != nil {
			return nil, err
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	if c.VerificationMode == "none" {
		conf.InsecureSkipVerify = true // asked for by name
		return conf, nil
	}
	if c.VerificationMode != "certificate" && c.CATrustedFingerprint == "" && len(c.CASHA256) == 0 {
		return conf, nil // what Go does by itself is "full"
	}
	v := verifier{roots: conf.RootCAs, pins: c.CASHA256, anyName: c.VerificationMode == "certificate", host: host}
	if host == "" && !v.anyName && c.CATrustedFingerprint == "" {
		conf.VerifyConnection = v.verifyPins // after Go's own check, which knows the host
		return conf, nil
	}
	if c.CATrustedFingerprint != "" {
		if v.trusted, err = fingerprint(c.CATrustedFingerprint); err != nil {
			return nil, err
		}
	}
	// The verifier does what Go would have done, with other rules about names and roots.
	conf.InsecureSkipVerify, conf.VerifyConnection = true, v.verify
	return conf, nil
}

// verifier checks a server's chain where Go's own check does not fit. The host is its own field, as the connection state
// knows none for hosts that are addresses.
type verifier struct {
	roots   *x509.CertPool // nil: the system's
	host    string         // empty: that of the connection
	anyName bool
	trusted []byte // fingerprint of an authority to trust if it is in the chain
	pins    []string
}

func (v verifier) verify(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server showed no certificate")
	}
	host := v.host
	switch {
	case v.anyName:
		host = ""
	case host == "":
		if host = state.ServerName; host == "" {
			return errors.New("the host is an address, whose certificate cannot be checked with ssl.ca_trusted_fingerprint; use ssl.certificate_authorities")
		}
	}
	roots, between := v.roots, x509.NewCertPool()
	for _, cert := range state.PeerCertificates {
		sum := sha256.Sum256(cert.Raw)
		if v.trusted != nil && cert.IsCA && string(sum[:]) == string(v.trusted) {
			if roots == nil {
				roots = x509.NewCertPool()
			} else {
				roots = roots.Clone()
			}
			roots.AddCert(cert)
		}
	}
	for _, cert := range state.PeerCertificates[1:] {
		between.AddCert(cert)
	}
	chains, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: host})
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
	}
	state.VerifiedChains = chains
	return v.verifyPins(state)
}

// verifyPins looks for a pinned key in the chains that were verified.
func (v verifier) verifyPins(state tls.ConnectionState) error {
	if len(v.pins) == 0 {
		return nil
	}
	for _, chain := range state.VerifiedChains {
		for _, cert := range chain {
			sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
			if slices.Contains(v.pins, base64.StdEncoding.EncodeToString(sum[:])) {
				return nil
			}
		}
	}
	return errors.New("no certificate of the server's chain has a key of ssl.ca_sha256")
}

func (c *Config) clientCertificate() (tls.Certificate, error) {
	cert, err := pemText(c.Certificate)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("ssl.certificate: %w", err)
	}
	key, err := pemText(c.Key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("ssl.key: %w", err)
	}
	if c.KeyPassphrase != "" {
		if key, err = decryptKey(key, []byte(c.KeyPassphrase)); err != nil {
			return tls.Certificate{}, fmt.Errorf("ssl.key_passphrase: %w", err)
		}
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("ssl.certificate: loading the pair with ssl.key: %w", err)
	}
	return pair, nil
}

// pemText is text itself if it is PEM, else what the file of that name holds.
func pemText(text string) ([]byte, error) {
	if strings.Contains(text, "-----BEGIN ") {
		return []byte(strings.TrimSpace(text) + "\n"), nil
	}
	data, err := os.ReadFile(text)
	if err != nil {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	return data, nil
}
