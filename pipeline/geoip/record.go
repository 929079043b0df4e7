package geoip

import (
	"math"
	"net/netip"
	"strings"

	"github.com/oschwald/geoip2-golang/v2"
)

// findGeo reads where ip is from a City or an Enterprise database: both answer City, which decodes less than Enterprise does. An unknown address
// gives the zero Geo. It says false, and gives nothing, where the database cannot answer: an IPv6 address in one of IPv4 only, a damaged record.
func findGeo(reader *geoip2.Reader, ip netip.Addr) (Geo, bool) {
	r, err := reader.City(ip)
	if err != nil {
		return Geo{}, false
	}
	g := Geo{
		ContinentName:  r.Continent.Names.English,
		CountryISOCode: r.Country.ISOCode,
		CountryName:    r.Country.Names.English,
		CityName:       r.City.Names.English,
	}
	if n := len(r.Subdivisions); n > 0 {
		last := &r.Subdivisions[n-1] // they go from the largest to the smallest
		g.RegionName = last.Names.English
		if g.CountryISOCode != "" && last.ISOCode != "" {
			g.RegionISOCode = g.CountryISOCode + "-" + last.ISOCode
		}
	}
	if r.Location.HasCoordinates() {
		g.Location = Location{Lat: *r.Location.Latitude, Lon: *r.Location.Longitude, Set: true}
	}
	return g, true
}

// findAS reads whose network ip belongs to, as findGeo does.
func findAS(reader *geoip2.Reader, ip netip.Addr) (AS, bool) {
	var number uint
	var organization string
	switch named := reader.Metadata().DatabaseType; {
	case strings.Contains(named, "Enterprise"): // DB-IP's ISP databases have this form, with the two values among the traits
		r, err := reader.Enterprise(ip)
		if err != nil {
			return AS{}, false
		}
		number, organization = r.Traits.AutonomousSystemNumber, r.Traits.AutonomousSystemOrganization
	case strings.Contains(named, "ISP"):
		r, err := reader.ISP(ip)
		if err != nil {
			return AS{}, false
		}
		number, organization = r.AutonomousSystemNumber, r.AutonomousSystemOrganization
	default:
		r, err := reader.ASN(ip)
		if err != nil {
			return AS{}, false
		}
		number, organization = r.AutonomousSystemNumber, r.AutonomousSystemOrganization
	}
	if number > math.MaxUint32 { // AS numbers have 32 bits
		return AS{}, false
	}
	return AS{Number: uint32(number), Organization: organization}, true
}
