package cloudtrail

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shaken are the texts, and many more with a character or two of theirs changed, taken out or doubled.
func shaken(n int, characters string, texts ...string) []string {
	random := rand.New(rand.NewPCG(3, 4))
	all := texts
	for range n {
		b := []byte(texts[random.IntN(len(texts))])
		for range 1 + random.IntN(2) {
			at := random.IntN(len(b))
			switch c := characters[random.IntN(len(characters))]; random.IntN(4) {
			case 0:
				b = append(b[:at:at], b[min(at+1, len(b)-1):]...)
			case 1:
				b = append(b[:at+1:at+1], b[at:]...)
			default:
				b[at] = c
			}
		}
		all = append(all, string(b))
	}
	return all
}

// What is an address is what the standard library takes for one, but for zones.
func TestIsIP(t *testing.T) {
	addresses := 0
	for _, s := range shaken(30_000, "0129.:a%/ ", "203.0.113.7", "255.255.255.255", "0.0.0.0", "10.20.30.40", "1.2.3", "ec2.amazonaws.com", "2001:db8::1",
		"::ffff:1.2.3.4", "fe80::1%eth0", "AWS Internal", "deadbeef", "1.2.3.4.5", "..", "1.2.3.", "a:b.c", "1.2:3") {
		addr, err := netip.ParseAddr(s)
		want := err == nil && addr.Zone() == ""
		require.Equal(t, want, isIP(s), "%q", s)
		if want {
			addresses++
		}
	}
	assert.Greater(t, addresses, 1000)
}

// The usual time is read as any other would be.
func TestPlainTime(t *testing.T) {
	plain := 0
	for _, s := range shaken(60_000, "0123456789-:TZz/ \x80\xff", "2023-07-10T11:45:00Z", "1999-12-28T23:59:59Z", "2024-01-01T00:00:00Z", "2024-02-29T00:00:00Z",
		"2024-10-19T20:09:40Z") {
		if !isPlainTime(s) {
			continue
		}
		plain++
		at, ok := parseISO8601(s)
		require.True(t, ok, "%q", s)
		require.Equal(t, s, at.Format(time.RFC3339))
	}
	assert.Greater(t, plain, 1000)
	for day := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() == 2024; day = day.Add(7*time.Hour + 59*time.Second) {
		require.Equal(t, day.Day() <= 28, isPlainTime(day.Format(time.RFC3339)), "%v", day)
	}
}

func TestBeforeAmazon(t *testing.T) {
	for _, s := range []string{"ec2.amazonaws.com", ".amazonaws.com", "a.b.amazonaws.com", "a.amazonaws.com.amazonaws.com", ".amazonaws.com.amazonaws.com"} {
		want, _, _ := strings.Cut(s, ".amazonaws.com")
		assert.Equal(t, want, beforeAmazon(s), s)
	}
}
