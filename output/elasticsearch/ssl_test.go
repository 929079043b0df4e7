package elasticsearch

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// authority issues certificates for a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{cert, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

// issue makes a certificate, with the authority's own behind it in the chain.
func (a *authority) issue(t *testing.T, change func(*x509.Certificate)) (pair tls.Certificate, certPEM, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	keyPEM = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	pair, err = tls.X509KeyPair([]byte(certPEM+a.pem), []byte(keyPEM))
	require.NoError(t, err)
	return pair, certPEM, keyPEM
}

func loopback(c *x509.Certificate)    { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }
func anotherHost(c *x509.Certificate) { c.DNSNames = []string{"es.example"} }
func outOfDate(c *x509.Certificate)   { loopback(c); c.NotAfter = time.Now().Add(-time.Minute) }
func secureFake(t *testing.T, conf *tls.Config) string {
	t.Helper()
	server := httptest.NewUnstartedServer(newFake(t))
	server.TLS = conf
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func TestTrust(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, []byte(ca.pem), 0o600))
	sum := sha256.Sum256(ca.cert.Raw)
	print := hex.EncodeToString(sum[:])
	keySum := sha256.Sum256(ca.cert.RawSubjectPublicKeyInfo)
	pin := base64.StdEncoding.EncodeToString(keySum[:])
	otherPin := base64.StdEncoding.EncodeToString(make([]byte, 32))

	for _, test := range []struct {
		name  string
		cert  func(*x509.Certificate)
		ssl   func(*SSLConfig)
		fails string
	}{
		{"unknown authority", loopback, func(*SSLConfig) {}, "certificate signed by unknown authority"},
		{"authority from a file", loopback, func(c *SSLConfig) { c.CertificateAuthorities = []string{file} }, ""},
		{"authority inline", loopback, func(c *SSLConfig) { c.CertificateAuthorities = []string{"\n  " + ca.pem} }, ""},
		{"another authority", loopback, func(c *SSLConfig) { c.CertificateAuthorities = []string{stranger.pem} }, "unknown authority"},
		{"another host", anotherHost, func(c *SSLConfig) { c.CertificateAuthorities = []string{file} }, "127.0.0.1"},
		{"another host, strict", anotherHost, func(c *SSLConfig) { c.CertificateAuthorities, c.VerificationMode = []string{file}, "strict" }, "127.0.0.1"},
		{"another host, certificate", anotherHost, func(c *SSLConfig) { c.CertificateAuthorities, c.VerificationMode = []string{file}, "certificate" }, ""},
		{"another authority, certificate", loopback, func(c *SSLConfig) {
			c.CertificateAuthorities, c.VerificationMode = []string{stranger.pem}, "certificate"
		}, "unknown authority"},
		{"out of date, certificate", outOfDate, func(c *SSLConfig) { c.CertificateAuthorities, c.VerificationMode = []string{file}, "certificate" }, "expired"},
		{"none", outOfDate, func(c *SSLConfig) { c.VerificationMode = "none" }, ""},
		{"fingerprint", loopback, func(c *SSLConfig) { c.CATrustedFingerprint = strings.ToUpper(print) }, ""},
		{"fingerprint, another host", anotherHost, func(c *SSLConfig) { c.CATrustedFingerprint = print }, "127.0.0.1"},
		{"fingerprint of another", loopback, func(c *SSLConfig) { c.CATrustedFingerprint = strings.Repeat("ab", 32) }, "unknown authority"},
		{"pin", loopback, func(c *SSLConfig) { c.CertificateAuthorities, c.CASHA256 = []string{file}, []string{otherPin, pin} }, ""},
		{"pin of another", loopback, func(c *SSLConfig) { c.CertificateAuthorities, c.CASHA256 = []string{file}, []string{otherPin} }, "ssl.ca_sha256"},
		{"pin, another host", anotherHost, func(c *SSLConfig) { c.CertificateAuthorities, c.CASHA256 = []string{file}, []string{pin} }, "127.0.0.1"},
		{"not enabled", loopback, func(c *SSLConfig) { c.Enabled, c.VerificationMode = false, "none" }, "unknown authority"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pair, _, _ := ca.issue(t, test.cert)
			address := secureFake(t, &tls.Config{Certificates: []tls.Certificate{pair}})
			out := open(t, address, func(c *Config) { test.ssl(&c.SSL) })
			defer out.Close()
			_, err := out.Server(t.Context())
			if test.fails == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.fails)
		})
	}
}

func TestClientCertificate(t *testing.T) {
	ca := newAuthority(t)
	pair, _, _ := ca.issue(t, loopback)
	_, cert, key := ca.issue(t, func(*x509.Certificate) {})
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	address := secureFake(t, &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})

	with := open(t, address, func(c *Config) {
		c.SSL.CertificateAuthorities, c.SSL.Certificate, c.SSL.Key = []string{ca.pem}, cert, key
	})
	defer with.Close()
	_, err := with.Server(t.Context())
	require.NoError(t, err)

	without := open(t, address, func(c *Config) { c.SSL.CertificateAuthorities = []string{ca.pem} })
	defer without.Close()
	_, err = without.Server(t.Context())
	require.Error(t, err)
}

func TestProtocolVersions(t *testing.T) {
	ca := newAuthority(t)
	pair, _, _ := ca.issue(t, loopback)
	address := secureFake(t, &tls.Config{Certificates: []tls.Certificate{pair}, MaxVersion: tls.VersionTLS12})
	out := open(t, address, func(c *Config) {
		c.SSL.CertificateAuthorities, c.SSL.SupportedProtocols = []string{ca.pem}, []string{"TLSv1.3"}
	})
	defer out.Close()
	_, err := out.Server(t.Context())
	require.ErrorContains(t, err, "protocol version")
}

func TestFilesThatAreMissing(t *testing.T) {
	for want, ssl := range map[string]SSLConfig{
		"ssl.certificate_authorities.0: reading the file":                 {Enabled: true, CertificateAuthorities: []string{"no/such/file"}},
		"ssl.certificate_authorities.0: holds no certificate in PEM form": {Enabled: true, CertificateAuthorities: []string{"-----BEGIN NOTHING-----"}},
		"ssl.certificate: reading the file":                               {Enabled: true, Certificate: "no/such/file", Key: "no/such/file"},
	} {
		conf := DefaultConfig()
		conf.Hosts, conf.SSL = []string{"https://localhost"}, ssl
		_, err := New(conf, Options{})
		require.ErrorContains(t, err, want)
	}
}
