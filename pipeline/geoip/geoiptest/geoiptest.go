// Package geoiptest writes small MaxMind databases for tests.
package geoiptest

import (
	"cmp"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/stretchr/testify/require"
)

// City is a record of a City database. An empty member is left out of the record.
type City struct {
	Continent    string // English name
	CountryISO   string
	Country      string // English name
	Subdivisions []Subdivision
	City         string    // English name
	Location     []float64 // latitude and longitude, or nil
}

// Subdivision is a region of a country; the largest comes first.
type Subdivision struct{ ISO, Name string }

// ASN is a record of an ASN database.
type ASN struct {
	Number       uint32
	Organization string
}

// WriteCity writes a City database to path. The keys of nets are prefixes ("81.2.69.0/24", "2001:db8::/32"); a longer one overrides a
// shorter one. Private and other reserved networks are allowed. An existing file is replaced at once, as by a rename.
func WriteCity(t testing.TB, path string, nets map[string]City) {
	t.Helper()
	records := map[string]mmdbtype.DataType{}
	for prefix, c := range nets {
		records[prefix] = c.record()
	}
	Write(t, path, "GeoLite2-City", records)
}

// WriteASN writes an ASN database to path, as WriteCity does.
func WriteASN(t testing.TB, path string, nets map[string]ASN) {
	t.Helper()
	records := map[string]mmdbtype.DataType{}
	for prefix, a := range nets {
		r := mmdbtype.Map{}
		if a.Number != 0 {
			r["autonomous_system_number"] = mmdbtype.Uint32(a.Number)
		}
		put(r, "autonomous_system_organization", a.Organization)
		records[prefix] = r
	}
	Write(t, path, "GeoLite2-ASN", records)
}

// Write writes a database of any type.
func Write(t testing.TB, path, databaseType string, nets map[string]mmdbtype.DataType) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: databaseType, IncludeReservedNetworks: true, RecordSize: 24})
	require.NoError(t, err)
	prefixes := make([]netip.Prefix, 0, len(nets))
	byPrefix := map[netip.Prefix]mmdbtype.DataType{}
	for text, record := range nets {
		p, err := netip.ParsePrefix(text)
		require.NoError(t, err)
		prefixes, byPrefix[p] = append(prefixes, p), record
	}
	slices.SortFunc(prefixes, func(a, b netip.Prefix) int { // wide ones first, so that narrow ones override them
		return cmp.Or(cmp.Compare(a.Bits(), b.Bits()), a.Addr().Compare(b.Addr()))
	})
	for _, p := range prefixes {
		network := &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
		require.NoError(t, tree.Insert(network, byPrefix[p]), p)
	}
	out, err := os.Create(path + ".new")
	require.NoError(t, err)
	_, err = tree.WriteTo(out)
	require.NoError(t, err)
	require.NoError(t, out.Close())
	require.NoError(t, os.Rename(out.Name(), path))
}

func (c City) record() mmdbtype.Map {
	r := mmdbtype.Map{}
	named := func(name, iso string) mmdbtype.Map {
		m := mmdbtype.Map{}
		put(m, "iso_code", iso)
		if name != "" {
			m["names"] = mmdbtype.Map{"de": mmdbtype.String("(de) " + name), "en": mmdbtype.String(name)}
		}
		return m
	}
	place := func(key, name, iso string) {
		if m := named(name, iso); len(m) > 0 {
			r[mmdbtype.String(key)] = m
		}
	}
	place("continent", c.Continent, "")
	place("country", c.Country, c.CountryISO)
	place("city", c.City, "")
	var subdivisions mmdbtype.Slice
	for _, s := range c.Subdivisions {
		subdivisions = append(subdivisions, named(s.Name, s.ISO))
	}
	if len(subdivisions) > 0 {
		r["subdivisions"] = subdivisions
	}
	if len(c.Location) == 2 {
		r["location"] = mmdbtype.Map{"latitude": mmdbtype.Float64(c.Location[0]), "longitude": mmdbtype.Float64(c.Location[1])}
	}
	return r
}

func put(m mmdbtype.Map, key, value string) {
	if value != "" {
		m[mmdbtype.String(key)] = mmdbtype.String(value)
	}
}
