package bench

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/trailbeat/trailbeat/pipeline/geoip/geoiptest"
)

// MakeGeoDatabases writes city.mmdb and asn.mmdb into dir: invented places for every second network of 16 bits, so that look-ups walk
// through a tree of some size and half of the addresses are unknown.
func MakeGeoDatabases(dir string) (err error) {
	cities, networks := map[string]geoiptest.City{}, map[string]geoiptest.ASN{}
	for n := 0; n < 1<<16; n += 2 {
		prefix := fmt.Sprintf("%d.%d.0.0/16", n>>8, n&255)
		cities[prefix] = geoiptest.City{
			Continent: "Europe", CountryISO: "SE", Country: "Sweden", City: fmt.Sprintf("Town %d", n%5000),
			Subdivisions: []geoiptest.Subdivision{{ISO: "E", Name: fmt.Sprintf("County %d", n%40)}},
			Location:     []float64{float64(n%180) - 90, float64(n%360) - 180},
		}
		networks[prefix] = geoiptest.ASN{Number: uint32(64512 + n%1000), Organization: fmt.Sprintf("Network %d", n%1000)}
	}
	t := &failure{}
	defer func() {
		if r := recover(); r != nil {
			if r != any(t) {
				panic(r)
			}
			err = fmt.Errorf("writing GeoIP databases: %s", t.said)
		}
	}()
	geoiptest.WriteCity(t, filepath.Join(dir, "city.mmdb"), cities)
	geoiptest.WriteASN(t, filepath.Join(dir, "asn.mmdb"), networks)
	return nil
}

// failure lets a helper of tests run outside of one. It panics with itself where a test would end.
type failure struct {
	testing.TB
	said string
}

func (f *failure) Helper()                           {}
func (f *failure) Errorf(format string, args ...any) { f.said = fmt.Sprintf(format, args...) }
func (f *failure) FailNow()                          { panic(f) }
