package cloudtrail

import (
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/internal/tape"
)

// consoleLogin writes how somebody signed in at the console.
func (m *Mapper) consoleLogin() {
	if !m.is(m.rec.eventName, "ConsoleLogin") || !m.tape.Is(m.rec.additionalEventData, tape.Object) {
		return
	}
	to := &m.ev.AWS.CloudTrail.ConsoleLogin.AdditionalEventData
	yes := func(name string) ecs.Bool {
		switch i := m.tape.Member(m.rec.additionalEventData, name); {
		case i == tape.None:
			return ecs.Unset
		case m.is(i, "No"):
			return ecs.False
		}
		return ecs.True
	}
	to.MobileVersion = yes("MobileVersion")
	to.MFAUsed = yes("MFAUsed")
	m.set(&to.LoginTo, "aws.cloudtrail.console_login.additional_eventdata.login_to", m.tape.Member(m.rec.additionalEventData, "LoginTo"))
}

// digest writes the members of a digest file, which is known by nothing but them.
func (m *Mapper) digest() {
	d := &m.rec.digest
	if !d.any {
		return
	}
	ev := m.ev
	m.setAccount(d.accountID)
	if ev.File.Path == "" {
		m.set(&ev.File.Path, "file.path", d.object)
	}
	b := append(m.digestBuf[:0], '{')
	add := func(name string, value []byte) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, `":`...)
		b = append(b, value...)
	}
	date := func(name, member string, i int32) (string, bool) {
		s, ok := m.date(i, tagDigestDate, member, false)
		if ok {
			m.scratch = ecs.AppendString(m.scratch[:0], s)
			add(name, m.scratch)
		}
		return s, ok
	}
	move := func(name string, i int32) {
		if i != tape.None {
			add(name, m.json(i, tape.None))
		}
	}
	if s, ok := date("end_time", "digestEndTime", d.endTime); ok {
		ev.Timestamp = s
	}
	date("start_time", "digestStartTime", d.startTime)
	date("newest_event_time", "newestEventTime", d.newest)
	date("oldest_event_time", "oldestEventTime", d.oldest)
	move("s3_bucket", d.bucket)
	move("signature_algorithm", d.algorithm)
	if d.fingerprint != tape.None {
		move("public_key_fingerprint", d.fingerprint)
	} else {
		move("public_key_fingerprint", d.fingerprintOld)
	}
	move("previous_s3_bucket", d.previousBucket)
	move("previous_s3_object", d.previousObject)
	move("previous_hash_value", d.previousHash)
	move("previous_hash_algorithm", d.previousHashAlgorithm)
	move("previous_signature", d.previousSignature)
	move("log_files", d.logFiles)
	if d.previousHash != tape.None {
		ev.Related.Hash = appendUnique(ev.Related.Hash, m.javaText(d.previousHash))
	}
	m.digestBuf = append(b, '}')
	if len(m.digestBuf) > 2 {
		ev.AWS.CloudTrail.Flattened.Digest = bytesOf(m.arena.Copy(m.digestBuf))
	}
}

// insight keeps the details of an insight, whatever retain says.
func (m *Mapper) insight() {
	if i := m.rec.insightDetails; i != tape.None {
		m.ev.AWS.CloudTrail.Flattened.InsightDetails = m.json(i, tape.None)
	}
}

// tls writes how the connection was protected. Some services write the name of the member where its value belongs; then
// nothing in there can be believed.
func (m *Mapper) tls() {
	if m.rec.tlsDetails == tape.None {
		return
	}
	ev := m.ev
	version := m.rec.tls.version
	if m.is(version, "tlsVersion") {
		return
	}
	if s, ok := m.text(version); ok {
		if strings.HasPrefix(s, "TLSv") { // nearly always, and known without a search
			ev.TLS.VersionProtocol, ev.TLS.Version = "tls", s[len("TLSv"):]
		} else if protocol, number, found := strings.Cut(s, "v"); found {
			ev.TLS.VersionProtocol, ev.TLS.Version = m.lower(protocol), number
		} else {
			ev.TLS.Version = s
		}
	} else {
		m.set(&ev.TLS.Version, "tls.version", version)
	}
	m.set(&ev.TLS.Cipher, "tls.cipher", m.rec.tls.cipher)
	m.set(&ev.TLS.Client.ServerName, "tls.client.server_name", m.rec.tls.server)
	m.set(&ev.AWS.CloudTrail.TLSDetails.KeyExchange, "aws.cloudtrail.tls_details.key_exchange", m.rec.tls.keyExchange)
}

// lower is s in lower case. What CloudTrail sends costs no allocation.
func (m *Mapper) lower(s string) string {
	switch s {
	case "TLS", "tls":
		return "tls"
	case "Success":
		return "success"
	case "Failure":
		return "failure"
	}
	return strings.ToLower(s)
}
