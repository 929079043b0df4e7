package cloudtrail

import (
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
		m.scratch = append(append(m.scratch[:0], text[:19]...), ".000Z"...)
		return m.arena.Copy(m.scratch), true
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
	if len(s) != 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[19] != 'Z' {
		return false
	}
	for i := range 19 {
		switch i {
		case 4, 7, 10, 13, 16:
		default:
			if s[i] < '0' || s[i] > '9' {
				return false
			}
		}
	}
	month, day := s[5:7], s[8:10]
	return month >= "01" && month <= "12" && day >= "01" && day <= "28" && s[11:13] <= "23" && s[14] <= '5' && s[17] <= '5'
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
