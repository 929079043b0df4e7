package ecs

import (
	"math"
	"strconv"

	"github.com/trailbeat/trailbeat/internal/escape"
)

// Bool is a boolean that may be absent.
type Bool uint8

// The values of Bool. The zero value is Unset: the document does not have the field.
const (
	Unset Bool = iota
	False
	True
)

// BoolOf gives True or False.
func BoolOf(v bool) Bool {
	if v {
		return True
	}
	return False
}

// Long is an integer that may be absent.
type Long struct {
	// Value counts only where Set is true.
	Value int64
	// Set says that the document has the field. The zero Long is absent.
	Set bool
}

// LongOf gives a Long that is set.
func LongOf(v int64) Long { return Long{Value: v, Set: true} }

// GeoPoint is a place on earth that may be absent.
type GeoPoint struct {
	// Lat and Lon are degrees: latitude -90 to 90, longitude -180 to 180. They count only where Set is true.
	Lat, Lon float64
	// Set says that the document has the field. The zero GeoPoint is absent.
	Set bool
}

// PointOf gives a GeoPoint that is set.
func PointOf(lat, lon float64) GeoPoint { return GeoPoint{Lat: lat, Lon: lon, Set: true} }

// RawJSON is one JSON value as text: valid, compact, and written to the document as it is. Empty means absent.
type RawJSON []byte

// MarshalJSON gives the text itself, or null where there is none.
func (r RawJSON) MarshalJSON() ([]byte, error) {
	if len(r) == 0 {
		return []byte("null"), nil
	}
	return r, nil
}

// Member is one member of a JSON object that has no field of its own.
type Member struct {
	Key   string
	Value RawJSON
}

// Each function below appends one member with a comma behind it. The key comes with its quotes and colon, and with the
// opening quote or bracket of the value, so that one append writes them all.

func appendText(dst []byte, key, value string) []byte { return escape.Member(dst, key, value) }

func appendList(dst []byte, key string, values []string) []byte {
	dst = append(dst, key...)
	for _, v := range values {
		dst = escape.Member(dst, `"`, v)
	}
	dst[len(dst)-1] = ']'
	return append(dst, ',')
}

func appendRaw(dst []byte, key string, value RawJSON) []byte {
	dst = append(dst, key...)
	dst = append(dst, value...)
	return append(dst, ',')
}

func appendBool(dst []byte, key string, value Bool) []byte {
	dst = append(dst, key...)
	if value == True {
		return append(dst, `true,`...)
	}
	return append(dst, `false,`...)
}

func appendLong(dst []byte, key string, value Long) []byte {
	dst = append(dst, key...)
	dst = strconv.AppendInt(dst, value.Value, 10)
	return append(dst, ',')
}

// appendGeoPoint leaves a point out that JSON has no words for.
func appendGeoPoint(dst []byte, key string, value GeoPoint) []byte {
	if !value.finite() {
		return dst
	}
	dst = append(dst, key...)
	dst = value.appendJSON(dst)
	return append(dst, ',')
}

func (p GeoPoint) finite() bool {
	sum := p.Lat - p.Lat + p.Lon - p.Lon // NaN as soon as one of them is infinite or NaN
	return !math.IsNaN(sum)
}

func (p GeoPoint) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"lat":`...)
	dst = strconv.AppendFloat(dst, p.Lat, 'f', -1, 64)
	dst = append(dst, `,"lon":`...)
	dst = strconv.AppendFloat(dst, p.Lon, 'f', -1, 64)
	return append(dst, '}')
}

func appendMember(dst []byte, key string, value RawJSON) []byte {
	if len(value) == 0 {
		return dst
	}
	dst = AppendString(dst, key)
	dst = append(dst, ':')
	dst = append(dst, value...)
	return append(dst, ',')
}

// endElement closes an element of a list of objects: the comma behind the last member becomes the brace.
func endElement(dst []byte, body int) []byte {
	if len(dst) == body {
		return append(dst, '}', ',')
	}
	dst[len(dst)-1] = '}'
	return append(dst, ',')
}

// emptied gives a list back with its capacity and without what it pointed to.
func emptied[T any](list []T) []T {
	clear(list)
	return list[:0]
}
