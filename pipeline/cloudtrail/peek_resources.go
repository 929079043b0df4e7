package cloudtrail

import (
	"bytes"
	"unsafe"

	"github.com/trailbeat/trailbeat/ecs"
)

// peekedResources are how many resources a Peeker looks at; who has more goes the long way.
const peekedResources = 8

// readResources takes over the list of resources that begins at the first byte of list, whose text is valid. It reports false where
// only the mapping can tell: anything but a list of objects with plain texts, or resources that the mapping may take for one.
func (k *Peeker) readResources(list []byte) bool {
	p := blank(list, 1)
	if list[p] == ']' {
		return true
	}
	for {
		var r ecs.AWSCloudTrailResources
		var ok bool
		if p, ok = resourceAt(list, p, &r); !ok || len(k.resources) == peekedResources {
			return false
		}
		for i := range k.resources {
			if sameKey(&k.resources[i], &r) {
				return false
			}
		}
		k.resources = append(k.resources, r)
		switch p = blank(list, p); list[p] {
		case ',':
			p = blank(list, p+1)
		default:
			return list[p] == ']'
		}
	}
}

// resourceAt reads one object of texts.
func resourceAt(src []byte, p int, r *ecs.AWSCloudTrailResources) (end int, ok bool) {
	if src[p] != '{' {
		return p, false
	}
	for p = blank(src, p+1); ; p = blank(src, p+1) {
		var key, value string
		if key, p, ok = plainText(src, p); !ok {
			return p, false
		}
		if p = blank(src, p); src[p] != ':' {
			return p, false
		}
		if value, p, ok = plainText(src, blank(src, p+1)); !ok || value == "" || value == "-" || value == "none" {
			return p, false
		}
		switch key {
		case "ARN":
			r.ARN = value
		case "accountId":
			r.AccountID = value
		case "type":
			r.Type = value
		case "arn", "account_id":
			return p, false
		}
		if p = blank(src, p); src[p] != ',' {
			return p + 1, src[p] == '}'
		}
	}
}

// plainText is a string without escapes.
func plainText(src []byte, p int) (text string, end int, ok bool) {
	if src[p] != '"' {
		return "", p, false
	}
	n := bytes.IndexByte(src[p+1:], '"')
	if n < 0 {
		return "", p, false
	}
	b := src[p+1 : p+1+n]
	if bytes.IndexByte(b, '\\') >= 0 {
		return "", p, false
	}
	return unsafe.String(unsafe.SliceData(b), len(b)), p + n + 2, true
}

// blank passes over white space. The text is valid, so something comes behind it.
func blank(src []byte, p int) int {
	for src[p] == ' ' || src[p] == '\t' || src[p] == '\n' || src[p] == '\r' {
		p++
	}
	return p
}

// sameKey reports whether the mapping takes two resources for one, by their parts put together.
func sameKey(a, b *ecs.AWSCloudTrailResources) bool {
	if len(a.ARN)+len(a.AccountID)+len(a.Type) != len(b.ARN)+len(b.AccountID)+len(b.Type) {
		return false
	}
	return a.ARN+"_"+a.AccountID+"_"+a.Type == b.ARN+"_"+b.AccountID+"_"+b.Type
}
