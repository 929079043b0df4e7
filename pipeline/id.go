package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/cloudtrail"
)

// idBytes is how much of the hash becomes the _id. With 128 bits, a billion billion events make a collision of any two as
// likely as one in two: out of reach.
const idBytes = 16

// separator stands between the parts of a hashed text. UTF-8 has no such byte, so no two lists of parts give one text.
const separator = 0xff

// setID makes the _id from what identifies the event: its eventID, and, as one call may be recorded for several accounts
// and regions, these.
func setID(ev *ecs.Event, m *cloudtrail.Mapper) {
	eventID, account, region := m.Identity()
	if eventID == "" {
		return
	}
	var buf [192]byte
	b := append(buf[:0], eventID...)
	b = append(b, separator)
	b = append(b, account...)
	b = append(b, separator)
	b = append(b, region...)
	ev.Meta.ID = hashed(ev, b)
}

// SetObjectID gives ev an _id from where its record stands, if it has none from the record itself: digests and lines that
// are no JSON have no eventID. bucket and key name the object (a file has no bucket), index is the record's position in it.
func SetObjectID(ev *ecs.Event, bucket, key string, index int64) {
	if ev.Meta.ID != "" {
		return
	}
	var buf [512]byte
	b := append(buf[:0], separator) // never equal to the text of an eventID
	b = append(b, bucket...)
	b = append(b, separator)
	b = append(b, key...)
	b = append(b, separator)
	b = strconv.AppendInt(b, index, 10)
	ev.Meta.ID = hashed(ev, b)
}

func hashed(ev *ecs.Event, b []byte) string {
	sum := sha256.Sum256(b)
	var text [2 * idBytes]byte
	hex.Encode(text[:], sum[:idBytes])
	return ev.Arena().Copy(text[:])
}
