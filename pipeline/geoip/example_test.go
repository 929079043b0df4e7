package geoip_test

import (
	"fmt"
	"log"
	"log/slog"
	"net/netip"

	"github.com/trailbeat/trailbeat/pipeline/geoip"
)

func Example() {
	cfg := geoip.DefaultConfig()
	cfg.City = "/var/lib/GeoIP/GeoLite2-City.mmdb"
	cfg.ASN = "/var/lib/GeoIP/GeoLite2-ASN.mmdb"
	db, err := geoip.Open(cfg, slog.Default())
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	info := db.Lookup(netip.MustParseAddr("81.2.69.160"))
	fmt.Println(info.Geo.CityName, info.Geo.RegionISOCode, info.AS.Number)
}
