package ecs

import "github.com/trailbeat/trailbeat/internal/escape"

// AppendString appends s to dst as a JSON string, with its quotes. Control characters, quotes and backslashes are
// escaped as encoding/json does without HTML escaping; bytes that are not UTF-8 become U+FFFD.
func AppendString(dst []byte, s string) []byte { return escape.Append(dst, s) }
