package cloudtrail

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/trailbeat/trailbeat/pipeline/internal/tape"
)

// eventTime sets @timestamp. It looks at the member as it came, before the pruning: an empty time is a fault, a null one
// is not there.
func (m *Mapper) eventTime() {
	i := m.rec.eventTime
	if i == tape.None || m.tape.Kind(i) == tape.Null {
		return
	}
	if s, ok := m.date(i, tagEventTime, "eventTime", false); ok {
		m.ev.Timestamp = s
	}
}

// creationDate is when the session's credentials were issued.
func (m *Mapper) creationDate(i int32) {
	if s, ok := m.date(i, tagCreationDate, "userIdentity.sessionContext.attributes.creationDate", true); ok {
		m.ev.AWS.CloudTrail.UserIdentity.SessionContext.CreationDate = s
	}
}

// date reads the time at node i and writes it with milliseconds and in UTC. What is no time is a failure that leaves the
// rest of the mapping alone. basic allows the form without separators too.
func (m *Mapper) date(i int32, tag, field string, basic bool) (string, bool) {
	if i == tape.None {
		return "", false
	}
	text := m.javaText(i)
	// Nearly every time of CloudTrail is written yyyy-MM-ddTHH:mm:ssZ and lacks only the fraction.
	if isPlainTime(text) {
		return view(append(append(m.arena.Grab(len(text)+4), text[:19]...), ".000Z"...)), true
	}
	at, ok := parseISO8601(text)
	if !ok && basic {
		at, ok = parseBasic(text)
	}
	if !ok {
		m.fail("date", tag, "unable to parse date ["+text+"] of "+field)
		return "", false
	}
	m.scratch = at.UTC().AppendFormat(m.scratch[:0], "2006-01-02T15:04:05.000Z")
	return m.arena.Copy(m.scratch), true
}

// isPlainTime tells yyyy-MM-ddTHH:mm:ssZ with a day that is in every month.
func isPlainTime(s string) bool {
	if len(s) != 20 {
		return false
	}
	// Eight characters at a time. What differs from the pattern must not be above the highest digit there, nothing where the pattern
	// has no digit: with what is missing to 0x7f added, no byte may reach its highest bit.
	b := bytesOf(s)
	const highest = 0x8080808080808080
	date := binary.LittleEndian.Uint64(b) ^ 0x2d30302d30303030         // 0000-00-
	hours := binary.LittleEndian.Uint64(b[8:]) ^ 0x30303a3030543030    // 00T00:00
	seconds := binary.LittleEndian.Uint64(b[12:]) ^ 0x5a30303a30303a30 // 0:00:00Z
	above := date | hours | seconds | (date + 0x7f767e7f76767676) | (hours + 0x767a7f767d7f767d) | (seconds + 0x7f767a7f767a7f76)
	month, day, hour := 10*(b[5]&15)+b[6]&15, 10*(b[8]&15)+b[9]&15, 10*(b[11]&15)+b[12]&15
	return above&highest == 0 && month-1 < 12 && day-1 < 28 && hour < 24
}

// reader takes a time apart from left to right.
type reader struct {
	s  string
	ok bool
}

func (r *reader) more() bool { return r.ok && r.s != "" }

// number reads exactly n digits.
func (r *reader) number(n int) int {
	if !r.ok || len(r.s) < n {
		r.ok = false
		return 0
	}
	v, err := strconv.ParseUint(r.s[:n], 10, 32)
	if err != nil {
		r.ok = false
	}
	r.s = r.s[n:]
	return int(v)
}

// skip reads c if it is next.
func (r *reader) skip(c byte) bool {
	if r.more() && r.s[0] == c {
		r.s = r.s[1:]
		return true
	}
	return false
}

// nanos reads a fraction of a second of one to nine digits.
func (r *reader) nanos() int {
	n, digits := 0, 0
	for r.more() && '0' <= r.s[0] && r.s[0] <= '9' && digits < 9 {
		n = n*10 + int(r.s[0]-'0')
		r.s = r.s[1:]
		digits++
	}
	if digits == 0 {
		r.ok = false
	}
	for ; digits < 9; digits++ {
		n *= 10
	}
	return n
}

// zone reads what is left as an offset from UTC in seconds. Nothing is UTC.
func (r *reader) zone() int {
	if !r.more() || r.s == "Z" {
		r.s = ""
		return 0
	}
	sign := 1
	switch {
	case r.skip('+'):
	case r.skip('-'):
		sign = -1
	default:
		r.ok = false
		return 0
	}
	offset := r.number(2) * 3600
	if r.more() {
		r.skip(':')
		offset += r.number(2) * 60
	}
	if r.more() || offset > 18*3600 {
		r.ok = false
	}
	return sign * offset
}

// parseISO8601 reads what the cluster's ISO8601 format reads: a date down to any unit, a time down to any unit, a point or
// a comma before the fraction, an offset.
func parseISO8601(s string) (time.Time, bool) {
	r := &reader{s, true}
	year, month, day := r.number(4), 1, 1
	if r.skip('-') {
		month = r.number(2)
		if r.skip('-') {
			day = r.number(2)
		}
	}
	var hour, minute, second, nanos, offset int
	if r.more() {
		if !r.skip('T') {
			return time.Time{}, false
		}
		if r.more() {
			hour = r.number(2)
		}
		if r.skip(':') {
			minute = r.number(2)
			if r.skip(':') {
				second = r.number(2)
				if r.skip('.') || r.skip(',') {
					nanos = r.nanos()
				}
			}
		}
		offset = r.zone()
	}
	return r.time(year, month, day, hour, minute, second, nanos, offset)
}

// parseBasic reads yyyyMMddTHHmmss with or without a fraction, and an offset.
func parseBasic(s string) (time.Time, bool) {
	r := &reader{s, true}
	year, month, day := r.number(4), r.number(2), r.number(2)
	if !r.skip('T') {
		return time.Time{}, false
	}
	hour, minute, second, nanos := r.number(2), r.number(2), r.number(2), 0
	if r.skip('.') {
		nanos = r.nanos()
	}
	if r.s == "" {
		return time.Time{}, false // this form names its offset
	}
	return r.time(year, month, day, hour, minute, second, nanos, r.zone())
}

func (r *reader) time(year, month, day, hour, minute, second, nanos, offset int) (time.Time, bool) {
	if !r.ok || r.s != "" || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	if t.Day() != day {
		return time.Time{}, false
	}
	return t.Add(-time.Duration(offset) * time.Second), true
}
