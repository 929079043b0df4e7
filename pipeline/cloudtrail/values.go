package cloudtrail

import (
	"net/netip"
	"slices"
	"strings"
	"unsafe"

	"github.com/trailbeat/trailbeat/pipeline/internal/tape"
)

// Pipeline is the name that error.message gives the pipeline, as the cluster would.
const Pipeline = "logs-aws.cloudtrail-8.9.0"

// The tags that error.message names a failed step by.
const (
	tagJSON           = "json_event_original_to_json_5e54dc16"
	tagEventTime      = "date_event_time"
	tagEntities       = "script_actor_target_mapping"
	tagCreationDate   = "date_session_creation_date"
	tagServiceActor   = "script_service_actor"
	tagSessionName    = "grok_session_name"
	tagUserAgent      = "user_agent_original"
	tagDigestDate     = "date_digest"
	tagCategorization = "script_categorization"
)

// fail notes a failure in the words that the cluster uses.
func (m *Mapper) fail(processor, tag, reason string) {
	msg := "Processor " + processor + " with tag " + tag + " in pipeline " + Pipeline + " failed with message: " + reason
	m.ev.Error.Message = append(m.ev.Error.Message, msg)
}

// text is the string at node i.
func (m *Mapper) text(i int32) (string, bool) {
	if i == tape.None || m.tape.Kind(i) != tape.String {
		return "", false
	}
	if !m.tape.Escaped(i) {
		return view(m.tape.Raw(i)), true
	}
	m.scratch = m.tape.AppendText(m.scratch[:0], i)
	return m.arena.Copy(m.scratch), true
}

// is reports whether node i is the string s.
func (m *Mapper) is(i int32, s string) bool {
	got, ok := m.text(i)
	return ok && got == s
}

// set moves the value at node i, if there is one, to a field that holds text. A value of another type goes to the
// document as it is, as in the cluster, where the index then has its say.
func (m *Mapper) set(field *string, path string, i int32) {
	if i == tape.None {
		return
	}
	if s, ok := m.text(i); ok {
		*field = s
		return
	}
	m.put(path, i)
}

// has reports whether the document has the field at path, be it of another type than text.
func (m *Mapper) has(path, text string) bool {
	if text != "" {
		return true
	}
	_, found := m.ev.Get(path)
	return found
}

// put sets path to the value at node i, whatever its type.
func (m *Mapper) put(path string, i int32) { m.ev.PutRaw(path, m.json(i, tape.None)) }

// json is the value at node i as compact JSON without what is pruned, and without the member skip. It is not copied where
// it stands so in the record.
func (m *Mapper) json(i, skip int32) []byte {
	if skip == tape.None {
		if raw, ok := m.tape.JSON(i); ok {
			return raw
		}
	}
	return m.arena.KeepBytes(m.tape.AppendJSON(m.arena.Buffer(), i, skip))
}

// javaText is the value at node i as Java's toString gives it.
func (m *Mapper) javaText(i int32) string {
	if s, ok := m.text(i); ok {
		return s
	}
	return m.arena.Keep(m.tape.AppendJava(m.arena.Buffer(), i, tape.None))
}

// javaType is the name of the Java class that the value at node i has in the cluster.
func (m *Mapper) javaType(i int32) string {
	switch m.tape.Kind(i) {
	case tape.String:
		return "java.lang.String"
	case tape.True, tape.False:
		return "java.lang.Boolean"
	case tape.Int:
		return "java.lang.Integer"
	case tape.Float:
		return "java.lang.Double"
	case tape.Array:
		return "java.util.ArrayList"
	}
	return "java.util.HashMap"
}

// pruneInput takes from the tags what the mapping takes for nothing anywhere.
func (m *Mapper) pruneInput() {
	m.ev.Tags = slices.DeleteFunc(m.ev.Tags, func(tag string) bool { return tag == "" || tag == "-" || tag == "none" })
}

// appendUnique appends s to list unless it is there, or nothing.
func appendUnique(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// isIP tells addresses as the cluster does: no zone, no leading zeros.
func isIP(s string) bool {
	if len(s) < 2 || len(s) > 45 || s[0] > 'f' {
		return false
	}
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Zone() == ""
}

// view is b as a string, without a copy. b must not change while the string lives.
func view(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}

// bytesOf is s as bytes, without a copy. They must not be changed.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// hasAmazonSuffix reports whether s is a host of AWS.
func hasAmazonSuffix(s string) bool { return strings.HasSuffix(s, ".amazonaws.com") }
