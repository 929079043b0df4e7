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
	if s, ok := m.tape.String(i); ok {
		return s, true
	}
	return m.escapedText(i)
}

// escapedText is text for strings that do not stand so in the record, and for all other nodes.
func (m *Mapper) escapedText(i int32) (string, bool) {
	if m.tape.Kind(i) != tape.String {
		return "", false
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
	if i != tape.None { // most members of most records are missing: no call for them
		m.move(field, path, i)
	}
}

// setNoted is set for a member of userIdentity, which is noted where this is the time to do so.
func (m *Mapper) setNoted(field *string, path string, i int32) {
	if i != tape.None {
		m.move(field, path, i)
		m.noteField(field, i)
	}
}

// move is set for a node that is there.
func (m *Mapper) move(field *string, path string, i int32) {
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
	switch m.tape.Kind(i) {
	case tape.True:
		return "true"
	case tape.False:
		return "false"
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
	for i := range len(s) {
		switch s[i] {
		case '.':
			return isIPv4(s)
		case ':':
			addr, err := netip.ParseAddr(s)
			return err == nil && addr.Zone() == ""
		}
	}
	return false
}

// isIPv4 tells what netip.ParseAddr takes for an address of four bytes. Nearly every source is one, or the name of a service, of
// which ParseAddr makes an error: this is a fifth of its cost.
func isIPv4(s string) bool {
	fields, digits, value := 1, 0, 0
	for i := range len(s) {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			if digits > 0 && value == 0 {
				return false // a leading zero
			}
			digits++
			if value = value*10 + int(c-'0'); value > 255 {
				return false
			}
		case c == '.' && digits > 0:
			fields, digits, value = fields+1, 0, 0
		default:
			return false
		}
	}
	return fields == 4 && digits > 0
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
func hasAmazonSuffix(s string) bool { return strings.HasSuffix(s, amazonSuffix) }

const amazonSuffix = ".amazonaws.com"

// beforeAmazon is what stands before the first ".amazonaws.com" in s, which ends so. There is no other where no point comes before.
func beforeAmazon(s string) string {
	name := s[:len(s)-len(amazonSuffix)]
	if strings.IndexByte(name, '.') >= 0 {
		name, _, _ = strings.Cut(s, amazonSuffix)
	}
	return name
}
