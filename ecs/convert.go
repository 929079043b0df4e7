package ecs

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"time"
)

// dateLayout is how the mapping writes dates: UTC, milliseconds.
const dateLayout = "2006-01-02T15:04:05.000Z"

// putField sets a declared field, or says why v does not fit.
func (e *Event) putField(number int, v any) error {
	f := &table[number]
	var reason string
	switch p := e.member(number).(type) {
	case *string:
		var s string
		if s, reason = textOf(f.Type, v); reason == "" {
			*p = s
		}
	case *[]string:
		var list []string
		if list, reason = listOf(f.Type, v, (*p)[:0:0]); reason == "" {
			*p = list
		}
	case *Bool:
		var b Bool
		if b, reason = boolOf(v); reason == "" {
			*p = b
		}
	case *Long:
		var n Long
		if n, reason = longOf(v); reason == "" {
			*p = n
		}
	case *GeoPoint:
		var g GeoPoint
		if g, reason = pointOf(v); reason == "" {
			*p = g
		}
	case *RawJSON:
		var raw RawJSON
		if raw, reason = objectOf(v); reason == "" {
			*p = raw
		}
	case *[]AWSCloudTrailResources:
		var list []AWSCloudTrailResources
		if list, reason = resourcesOf(v); reason == "" {
			*p = list
		}
	default:
		reason = "it belongs to the objects of a list; put the list"
	}
	if reason != "" {
		return &TypeError{f.Name, f.Type, reason}
	}
	e.extra.remove(f.Name)
	return nil
}

func textOf(kind string, v any) (s, reason string) {
	switch v := v.(type) {
	case string:
		return v, textProblem(kind, v)
	case time.Time:
		if kind == "date" {
			return v.UTC().Format(dateLayout), ""
		}
	case netip.Addr:
		if kind == "ip" && v.IsValid() {
			return v.String(), ""
		}
	}
	return "", fmt.Sprintf("it takes a string, not %T", v)
}

// textProblem says why s is no value of that type; empty where it is one, or where s is empty and so means absent.
func textProblem(kind, s string) string {
	switch {
	case s == "":
		return ""
	case kind == "ip":
		if addr, err := netip.ParseAddr(s); err != nil || addr.Zone() != "" {
			return fmt.Sprintf("%q is no IP address", s)
		}
	case kind == "date":
		if _, err := time.Parse(time.RFC3339Nano, s); err != nil {
			return fmt.Sprintf("%q is no date; write it like 2024-01-31T10:20:30.000Z", s)
		}
	}
	return ""
}

func listOf(kind string, v any, list []string) (_ []string, reason string) {
	switch v := v.(type) {
	case []string:
		for _, s := range v {
			if reason := textProblem(kind, s); reason != "" {
				return nil, reason
			}
		}
		return append(list, v...), ""
	case []any:
		for _, item := range v {
			s, reason := textOf(kind, item)
			if reason != "" {
				return nil, "element: " + reason
			}
			list = append(list, s)
		}
		return list, ""
	}
	s, reason := textOf(kind, v)
	if reason != "" {
		return nil, fmt.Sprintf("it takes a list of strings: %s", reason)
	}
	if s == "" {
		return list, ""
	}
	return append(list, s), ""
}

func boolOf(v any) (Bool, string) {
	switch v := v.(type) {
	case bool:
		return BoolOf(v), ""
	case Bool:
		return v, ""
	case string:
		switch v {
		case "true":
			return True, ""
		case "false":
			return False, ""
		}
		return Unset, fmt.Sprintf("%q is neither true nor false", v)
	}
	return Unset, fmt.Sprintf("it takes a bool, not %T", v)
}

func longOf(v any) (Long, string) {
	switch v := v.(type) {
	case Long:
		return v, ""
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			return Long{}, fmt.Sprintf("%s is no whole number of 64 bits", v)
		}
		return LongOf(n), ""
	}
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return LongOf(r.Int()), ""
	case r.CanUint():
		if r.Uint() <= math.MaxInt64 {
			return LongOf(int64(r.Uint())), ""
		}
	case r.CanFloat():
		f := r.Float()
		if f == math.Trunc(f) && f >= math.MinInt64 && f < math.MaxInt64 {
			return LongOf(int64(f)), ""
		}
	default:
		return Long{}, fmt.Sprintf("it takes an integer, not %T", v)
	}
	return Long{}, fmt.Sprintf("%v is no whole number of 64 bits", v)
}

func pointOf(v any) (GeoPoint, string) {
	point, ok := v.(GeoPoint)
	if !ok {
		raw, err := encode(v)
		if err != nil {
			return GeoPoint{}, err.Error()
		}
		var p struct{ Lat, Lon *float64 }
		if json.Unmarshal(raw, &p) != nil || p.Lat == nil || p.Lon == nil {
			return GeoPoint{}, fmt.Sprintf("it takes a GeoPoint or an object with the numbers lat and lon, not %T", v)
		}
		point = PointOf(*p.Lat, *p.Lon)
	}
	if point.Set && (!point.finite() || math.Abs(point.Lat) > 90 || math.Abs(point.Lon) > 180) {
		return GeoPoint{}, fmt.Sprintf("latitude %v, longitude %v is no place on earth", point.Lat, point.Lon)
	}
	return point, ""
}

func objectOf(v any) (RawJSON, string) {
	raw, err := encode(v)
	if err != nil {
		return nil, err.Error()
	}
	if raw[0] != '{' {
		return nil, fmt.Sprintf("it takes an object, not %T", v)
	}
	return raw, ""
}

func resourcesOf(v any) ([]AWSCloudTrailResources, string) {
	if list, ok := v.([]AWSCloudTrailResources); ok {
		return list, ""
	}
	raw, err := encode(v)
	if err != nil {
		return nil, err.Error()
	}
	var objects []json.RawMessage
	if json.Unmarshal(raw, &objects) != nil {
		return nil, fmt.Sprintf("it takes a list of objects, not %T", v)
	}
	list := make([]AWSCloudTrailResources, 0, len(objects))
	for _, object := range objects {
		members, ok := split(RawJSON(object))
		if !ok {
			return nil, "it takes a list of objects, and an element is something else"
		}
		var r AWSCloudTrailResources
		for _, m := range members {
			r.set(m)
		}
		list = append(list, r)
	}
	return list, ""
}

// set puts a member where it belongs. What is no string, or has no field, goes to Extra.
func (g *AWSCloudTrailResources) set(m Member) {
	var s string
	if json.Unmarshal(m.Value, &s) == nil && s != "" {
		switch m.Key {
		case "account_id":
			g.AccountID = s
			return
		case "arn":
			g.ARN = s
			return
		case "type":
			g.Type = s
			return
		}
	}
	g.Extra = append(g.Extra, m)
}
