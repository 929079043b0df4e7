package main

import (
	"slices"
	"strings"
)

// initialisms are written in capitals, as Go does.
var initialisms = []string{
	"api", "arn", "as", "aws", "ec2", "ecs", "iam", "id", "ip", "iso", "mac", "md5", "mfa", "os", "s3", "sha1", "sha256", "sha512",
	"tls", "url", "vpc",
}

// compounds are words that are written as one in field names.
var compounds = map[string]string{
	"cloudtrail": "CloudTrail",
	"cloudwatch": "CloudWatch",
	"eventdata":  "EventData",
}

// textTypes are kept as Go strings.
var textTypes = []string{"keyword", "constant_keyword", "text", "match_only_text", "date", "ip"}

// goName is the exported Go name of one segment: user_agent gives UserAgent.
func goName(segment string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(strings.TrimPrefix(segment, "@"), "_") {
		switch {
		case slices.Contains(initialisms, word):
			b.WriteString(strings.ToUpper(word))
		case compounds[word] != "":
			b.WriteString(compounds[word])
		default:
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// groupType is the name of the struct of a group. The group event gives way to the struct of the whole document.
func groupType(e *entry) string {
	name := strings.ReplaceAll(e.goPath, ".", "")
	if name == "Event" {
		return "EventGroup"
	}
	return name
}

// goType is the Go type that holds the value of an entry.
func goType(e *entry) string {
	switch {
	case e.list():
		return "[]" + groupType(e)
	case e.group():
		return groupType(e)
	case slices.Contains(textTypes, e.Type) && e.array():
		return "[]string"
	case slices.Contains(textTypes, e.Type):
		return "string"
	}
	return map[string]string{
		"boolean": "Bool", "long": "Long", "geo_point": "GeoPoint", "flattened": "RawJSON", "object": "RawJSON",
	}[e.Type]
}
