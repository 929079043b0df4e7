package audit

import (
	"cmp"
	"encoding/binary"
	"time"
)

// entry is one event of the source, or one document.
type entry struct {
	key key
	// raw is a hash of the record, by which a repair finds it again.
	raw uint64
	// hour is that of the event, in hours since 1970; 0: it has no time.
	hour uint32
	// group is the number of its group.
	group uint32
	// place is the number of its object, 0 for none.
	place uint32
}

// entryBytes is the length of an entry on disk.
const entryBytes = 36

func (e *entry) put(b []byte) {
	copy(b, e.key[:])
	binary.LittleEndian.PutUint64(b[16:], e.raw)
	binary.LittleEndian.PutUint32(b[24:], e.hour)
	binary.LittleEndian.PutUint32(b[28:], e.group)
	binary.LittleEndian.PutUint32(b[32:], e.place)
}

func (e *entry) get(b []byte) {
	copy(e.key[:], b)
	e.raw = binary.LittleEndian.Uint64(b[16:])
	e.hour = binary.LittleEndian.Uint32(b[24:])
	e.group = binary.LittleEndian.Uint32(b[28:])
	e.place = binary.LittleEndian.Uint32(b[32:])
}

// compare orders by the key alone, quickly: keys are evenly spread.
func (e *entry) compare(other *entry) int {
	if c := cmp.Compare(binary.BigEndian.Uint64(e.key[:]), binary.BigEndian.Uint64(other.key[:])); c != 0 {
		return c
	}
	return cmp.Compare(binary.BigEndian.Uint64(e.key[8:]), binary.BigEndian.Uint64(other.key[8:]))
}

func hourOf(t time.Time) uint32 {
	if t.Unix() < 3600 {
		return 0
	}
	return uint32(t.Unix() / 3600)
}

// timeOfHour is zero for an event without a time.
func timeOfHour(hour uint32) time.Time {
	if hour == 0 {
		return time.Time{}
	}
	return time.Unix(int64(hour)*3600, 0).UTC()
}
