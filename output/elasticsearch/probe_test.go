package elasticsearch

import (
	"crypto/tls"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/stack"
)

// table renders steps for comparison, with the address of the host left out.
func table(steps []Step) []string {
	var lines []string
	for _, s := range steps {
		name := s.Name
		if host, rest, found := strings.Cut(name, " "); found && strings.Contains(host, ":") {
			name = rest
		}
		switch {
		case s.Err != nil:
			name += ": ERROR"
		case s.Skipped:
			name += ": skipped"
		default:
			name += ": ok"
		}
		lines = append(lines, name)
	}
	return lines
}

func TestProbeOfEngines(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		out := open(t, engine.URL)
		defer out.Close()
		before := []string{"parse url: ok", "dial up: ok", "talk to server: ok", "data stream logs-aws.cloudtrail-default: ERROR", "may create documents: skipped"}
		assert.Equal(t, before, table(out.Test(t.Context())))
		setup(t, engine, oneNode())
		steps := out.Test(t.Context())
		assert.Equal(t, "data stream logs-aws.cloudtrail-default: ok", table(steps)[3])
		assert.Equal(t, `will be made by template "trailbeat-logs-aws.cloudtrail"`, steps[3].Detail)
	})
}

func TestProbeOfHosts(t *testing.T) {
	dead := httptest.NewServer(nil)
	dead.Close()
	f := newFake(t)
	out := open(t, "", func(c *Config) { c.Hosts, c.RequireDataStream = []string{dead.URL, f.URL}, false })
	defer out.Close()
	steps := out.Test(t.Context())
	assert.Equal(t, []string{
		"parse url: ok", "dial up: ERROR",
		"parse url: ok", "dial up: ok", "talk to server: ok",
		"data stream logs-aws.cloudtrail-default: skipped", "may create documents: skipped",
	}, table(steps))
}

func TestProbeOfTLS(t *testing.T) {
	ca := newAuthority(t)
	pair, _, _ := ca.issue(t, loopback)
	address := secureFake(t, &tls.Config{Certificates: []tls.Certificate{pair}})
	out := open(t, address)
	defer out.Close()
	steps := out.Test(t.Context())
	require.Equal(t, []string{"parse url: ok", "dial up: ok", "tls: ERROR"}, table(steps))
	assert.ErrorContains(t, steps[2].Err, "ssl.certificate_authorities")

	out = open(t, address, func(c *Config) { c.SSL.CertificateAuthorities = []string{ca.pem} })
	defer out.Close()
	assert.Equal(t, "tls: ok", table(out.Test(t.Context()))[2])

	f := newFake(t)
	out = open(t, strings.Replace(f.URL, "http", "https", 1))
	defer out.Close()
	steps = out.Test(t.Context())
	require.Error(t, steps[2].Err)
	assert.ErrorContains(t, steps[2].Err, "does not speak TLS")
}
