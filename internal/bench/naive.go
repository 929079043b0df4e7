package bench

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net"
	"strings"
	"time"
)

// Naive maps files as one would write it without a thought of speed: the standard library's gzip, encoding/json into
// maps, documents as nested maps, json.Marshal. It makes 40 of the mapping's fields.
type Naive struct{ body bytes.Buffer }

// Map turns the content of a log file into the body of a bulk request, and gives it with the number of records. The body
// is valid until the next call.
func (n *Naive) Map(packed []byte) ([]byte, int, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, 0, err
	}
	data, err := io.ReadAll(z)
	if err != nil {
		return nil, 0, err
	}
	var container struct{ Records []json.RawMessage }
	if err := json.Unmarshal(data, &container); err != nil {
		return nil, 0, err
	}
	n.body.Reset()
	for _, raw := range container.Records {
		var rec map[string]any
		if err := json.Unmarshal(raw, &rec); err != nil {
			return nil, 0, err
		}
		action, err := json.Marshal(map[string]any{"create": map[string]any{"_index": index, "_id": text(rec, "eventID")}})
		if err != nil {
			return nil, 0, err
		}
		doc, err := json.Marshal(naiveDocument(rec, raw))
		if err != nil {
			return nil, 0, err
		}
		n.body.Write(action)
		n.body.WriteByte('\n')
		n.body.Write(doc)
		n.body.WriteByte('\n')
	}
	return n.body.Bytes(), len(container.Records), nil
}

// index is the data stream that all documents go to.
const index = "logs-aws.cloudtrail-default"

func naiveDocument(rec map[string]any, raw []byte) map[string]any {
	doc := map[string]any{}
	move := func(to string, path ...string) {
		if s := text(rec, path...); s != "" {
			put(doc, to, s)
		}
	}
	put(doc, "event.original", string(raw))
	put(doc, "event.kind", "event")
	put(doc, "cloud.provider", "aws")
	if s, ok := date(text(rec, "eventTime")); ok {
		put(doc, "@timestamp", s)
	}
	move("event.action", "eventName")
	move("event.provider", "eventSource")
	move("event.id", "eventID")
	put(doc, "event.outcome", "success")
	if text(rec, "errorCode") != "" || text(rec, "errorMessage") != "" {
		put(doc, "event.outcome", "failure")
	}
	move("cloud.region", "awsRegion")
	move("cloud.account.id", "recipientAccountId")
	move("cloud.account.id", "userIdentity", "accountId")
	if service, ok := strings.CutSuffix(text(rec, "eventSource"), ".amazonaws.com"); ok {
		put(doc, "cloud.service.name", service)
	}
	move("source.address", "sourceIPAddress")
	if ip := net.ParseIP(text(rec, "sourceIPAddress")); ip != nil {
		move("source.ip", "sourceIPAddress")
	}
	move("user_agent.original", "userAgent")
	move("user.id", "userIdentity", "principalId")
	move("user.name", "userIdentity", "userName")
	if kind := text(rec, "userIdentity", "type"); kind == "AssumedRole" || kind == "FederatedUser" {
		move("user.name", "userIdentity", "sessionContext", "sessionIssuer", "userName")
	}
	move("tls.cipher", "tlsDetails", "cipherSuite")
	move("tls.client.server_name", "tlsDetails", "clientProvidedHostHeader")

	const ct = "aws.cloudtrail."
	move(ct+"event_version", "eventVersion")
	move(ct+"event_type", "eventType")
	move(ct+"event_category", "eventCategory")
	move(ct+"request_id", "requestID")
	move(ct+"recipient_account_id", "recipientAccountId")
	move(ct+"shared_event_id", "sharedEventID")
	move(ct+"vpc_endpoint_id", "vpcEndpointId")
	move(ct+"error_code", "errorCode")
	move(ct+"error_message", "errorMessage")
	move(ct+"session_credential_from_console", "sessionCredentialFromConsole")
	if b, ok := rec["readOnly"].(bool); ok {
		put(doc, ct+"read_only", b)
	}
	if b, ok := rec["managementEvent"].(bool); ok {
		s := "false"
		if b {
			s = "true"
		}
		put(doc, ct+"management_event", s)
	}

	const ui = ct + "user_identity."
	move(ui+"type", "userIdentity", "type")
	move(ui+"arn", "userIdentity", "arn")
	move(ui+"access_key_id", "userIdentity", "accessKeyId")
	move(ui+"invoked_by", "userIdentity", "invokedBy")

	const sc = ui + "session_context."
	move(sc+"mfa_authenticated", "userIdentity", "sessionContext", "attributes", "mfaAuthenticated")
	if s, ok := date(text(rec, "userIdentity", "sessionContext", "attributes", "creationDate")); ok {
		put(doc, sc+"creation_date", s)
	}
	move(sc+"session_issuer.type", "userIdentity", "sessionContext", "sessionIssuer", "type")
	move(sc+"session_issuer.principal_id", "userIdentity", "sessionContext", "sessionIssuer", "principalId")
	move(sc+"session_issuer.arn", "userIdentity", "sessionContext", "sessionIssuer", "arn")
	move(sc+"session_issuer.account_id", "userIdentity", "sessionContext", "sessionIssuer", "accountId")
	return doc
}

// text is the string at path, empty where there is none or one that stands for nothing.
func text(rec map[string]any, path ...string) string {
	for _, name := range path[:len(path)-1] {
		rec, _ = rec[name].(map[string]any)
	}
	s, _ := rec[path[len(path)-1]].(string)
	if s == "-" || s == "none" {
		return ""
	}
	return s
}

// put sets the field with the dotted name, and makes the groups on the way.
func put(doc map[string]any, name string, v any) {
	for {
		group, rest, found := strings.Cut(name, ".")
		if !found {
			doc[name] = v
			return
		}
		next, ok := doc[group].(map[string]any)
		if !ok {
			next = map[string]any{}
			doc[group] = next
		}
		doc, name = next, rest
	}
}

func date(s string) (string, bool) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return "", false
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z"), true
}
