package aws

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

// SSL says how servers are trusted.
type SSL struct {
	// Enabled applies this group. Default true. False leaves connections with Go's defaults: the system's authorities.
	Enabled bool `config:"enabled"`
	// VerificationMode: full (chain and host name; strict means the same here), certificate (chain only) or none, which
	// accepts anybody and is warned of. Default and empty: full.
	VerificationMode string `config:"verification_mode"`
	// CertificateAuthorities are files, or PEM text, of the authorities to trust instead of the system's. Default none.
	CertificateAuthorities []string `config:"certificate_authorities"`
	// Certificate and Key are files, or PEM text, of a client certificate, for proxies and gateways. Default none.
	Certificate string `config:"certificate"`
	Key         string `config:"key,secret"`
}

func (c SSL) validate(bad func(string, ...any)) {
	if !c.Enabled {
		return
	}
	switch c.VerificationMode {
	case "", "full", "strict", "certificate", "none":
	default:
		bad("ssl.verification_mode: must be full, strict, certificate or none, is %q", c.VerificationMode)
	}
	if (c.Certificate == "") != (c.Key == "") {
		bad("ssl.certificate: goes together with ssl.key; set both or none")
	}
}

// apply fills the client's side of TLS. It reads the files.
func (c SSL) apply(conf *tls.Config) error {
	if !c.Enabled {
		return nil
	}
	if len(c.CertificateAuthorities) > 0 {
		conf.RootCAs = x509.NewCertPool()
		for i, ca := range c.CertificateAuthorities {
			text, err := pemText(ca)
			if err != nil {
				return fmt.Errorf("ssl.certificate_authorities.%d: %w", i, err)
			}
			if !conf.RootCAs.AppendCertsFromPEM(text) {
				return fmt.Errorf("ssl.certificate_authorities.%d: holds no certificate in PEM form", i)
			}
		}
	}
	if c.Certificate != "" {
		cert, err := pemText(c.Certificate)
		if err != nil {
			return fmt.Errorf("ssl.certificate: %w", err)
		}
		key, err := pemText(c.Key)
		if err != nil {
			return fmt.Errorf("ssl.key: %w", err)
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return fmt.Errorf("ssl.certificate: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	switch c.VerificationMode {
	case "none":
		conf.InsecureSkipVerify = true // asked for by name
	case "certificate":
		roots := conf.RootCAs
		conf.InsecureSkipVerify = true // the chain is verified below, without the name
		conf.VerifyConnection = func(state tls.ConnectionState) error { return verifyChain(state, roots) }
	}
	return nil
}

func verifyChain(state tls.ConnectionState, roots *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server showed no certificate")
	}
	between := x509.NewCertPool()
	for _, cert := range state.PeerCertificates[1:] {
		between.AddCert(cert)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
	}
	return nil
}

// pemText gives what stands in the option, or in the file that it names.
func pemText(option string) ([]byte, error) {
	if strings.HasPrefix(strings.TrimSpace(option), "-----BEGIN") {
		return []byte(option), nil
	}
	text, err := os.ReadFile(option)
	if err != nil {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	return text, nil
}
