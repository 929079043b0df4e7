package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/trailbeat/trailbeat/input"
)

// key is what events are compared by.
type key [16]byte

// id is the _id that the key was made of, if that was in the form of Trailbeat's.
func (k key) id() string { return hex.EncodeToString(k[:]) }

// keyOf makes the key of an _id. plain says that it can be had back.
func keyOf(id string) (k key, plain bool) {
	if len(id) == 2*len(k) && isLowerHex(id) {
		if _, err := hex.Decode(k[:], []byte(id)); err == nil {
			return k, true
		}
	}
	sum := sha256.Sum256([]byte(id))
	copy(k[:], sum[:])
	return k, false
}

func isLowerHex(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// keyOfPlace makes the key of a record that has no _id, as it cannot be mapped: from where it stands, as dead letters are told apart.
func keyOfPlace(rec *input.Record) key {
	var b []byte
	if o := rec.Origin; o != nil {
		for _, part := range []string{o.Path, o.Bucket, o.Key, o.LogGroup, o.LogStream} {
			b = append(append(b, part...), 0xff)
		}
	}
	b = append(append(b, rec.SourceID...), 0xff)
	b = strconv.AppendInt(b, rec.Index, 10)
	k, _ := keyOf(string(append(b, 0xfe)))
	return k
}
