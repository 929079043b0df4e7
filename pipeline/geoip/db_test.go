package geoip_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/locked"
	"github.com/trailbeat/trailbeat/pipeline/geoip"
	"github.com/trailbeat/trailbeat/pipeline/geoip/geoiptest"
)

var (
	boxford = geoiptest.City{
		Continent: "Europe", CountryISO: "GB", Country: "United Kingdom",
		Subdivisions: []geoiptest.Subdivision{{ISO: "ENG", Name: "England"}, {ISO: "WBK", Name: "West Berkshire"}},
		City:         "Boxford", Location: []float64{51.75, -1.25},
	}
	boxfordGeo = geoip.Geo{
		ContinentName: "Europe", CountryISOCode: "GB", CountryName: "United Kingdom",
		RegionISOCode: "GB-WBK", RegionName: "West Berkshire", CityName: "Boxford",
		Location: geoip.Location{Lat: 51.75, Lon: -1.25, Set: true},
	}
)

// databases writes one database of each kind into a new folder.
func databases(t testing.TB) geoip.Config {
	t.Helper()
	dir := t.TempDir()
	cfg := geoip.DefaultConfig()
	cfg.City, cfg.ASN = filepath.Join(dir, "city.mmdb"), filepath.Join(dir, "asn.mmdb")
	geoiptest.WriteCity(t, cfg.City, map[string]geoiptest.City{
		"81.2.69.0/24":   boxford,
		"81.2.69.192/28": {Continent: "Europe", CountryISO: "GB", Country: "United Kingdom"},
		"2001:41d0::/32": {Continent: "Europe", CountryISO: "FR", Country: "France", Location: []float64{0, 0}},
		"9.9.9.0/24":     {Continent: "North America"},
		"7.7.7.0/24":     {CountryISO: "US", Subdivisions: []geoiptest.Subdivision{{Name: "Nameless"}}},
		"6.6.6.0/24":     {Country: "Codeless", Subdivisions: []geoiptest.Subdivision{{ISO: "XX"}}},
	})
	geoiptest.WriteASN(t, cfg.ASN, map[string]geoiptest.ASN{
		"81.2.69.0/24":   {Number: 20712, Organization: "Andrews & Arnold Ltd"},
		"2001:41d0::/32": {Number: 16276},
		"8.8.8.0/24":     {Organization: "Only a name"},
	})
	return cfg
}

func open(t testing.TB, cfg geoip.Config, log *slog.Logger) *geoip.DB {
	t.Helper()
	db, err := geoip.Open(cfg, log)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestLookup(t *testing.T) {
	arnold := geoip.AS{Number: 20712, Organization: "Andrews & Arnold Ltd"}
	france := geoip.Info{
		Geo: geoip.Geo{ContinentName: "Europe", CountryISOCode: "FR", CountryName: "France", Location: geoip.Location{Set: true}},
		AS:  geoip.AS{Number: 16276},
	}
	cases := []struct {
		name, ip string
		want     geoip.Info
	}{
		{"all members, the last subdivision", "81.2.69.160", geoip.Info{Geo: boxfordGeo, AS: arnold}},
		{"mapped into IPv6", "::ffff:81.2.69.160", geoip.Info{Geo: boxfordGeo, AS: arnold}},
		{"country only", "81.2.69.193", geoip.Info{Geo: geoip.Geo{ContinentName: "Europe", CountryISOCode: "GB", CountryName: "United Kingdom"}, AS: arnold}},
		{"IPv6, a place at 0 0", "2001:41d0::1", france},
		{"a zone is ignored", "2001:41d0::1%eth0", france},
		{"continent only", "9.9.9.9", geoip.Info{Geo: geoip.Geo{ContinentName: "North America"}}},
		{"region without a code", "7.7.7.7", geoip.Info{Geo: geoip.Geo{CountryISOCode: "US", RegionName: "Nameless"}}},
		{"region code without a country code", "6.6.6.6", geoip.Info{Geo: geoip.Geo{CountryName: "Codeless"}}},
		{"AS only", "8.8.8.8", geoip.Info{AS: geoip.AS{Organization: "Only a name"}}},
		{"private", "10.1.2.3", geoip.Info{}},
		{"loopback", "::1", geoip.Info{}},
		{"unknown", "1.1.1.1", geoip.Info{}},
	}
	for _, size := range []int{0, 1, 50_000} {
		cfg := databases(t)
		cfg.CacheSize = size
		db := open(t, cfg, nil)
		for _, c := range cases {
			t.Run(fmt.Sprintf("%s, cache %d", c.name, size), func(t *testing.T) {
				ip := netip.MustParseAddr(c.ip)
				require.Equal(t, c.want, db.Lookup(ip))
				require.Equal(t, c.want, db.Lookup(ip), "again, from the cache")
			})
		}
		require.Zero(t, db.Lookup(netip.Addr{}), "an invalid address")
		require.Zero(t, db.Failures())
	}
}

// TestDatabaseTypes reads each form of record through the type of database that has it.
func TestDatabaseTypes(t *testing.T) {
	flat := mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": mmdbtype.String("Example Net")}
	traits := mmdbtype.Map{"traits": flat}
	country := mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String("SE"), "confidence": mmdbtype.Uint16(99)}, "traits": flat}
	geo, as := geoip.Info{Geo: geoip.Geo{CountryISOCode: "SE"}}, geoip.Info{AS: geoip.AS{Number: 64500, Organization: "Example Net"}}
	cases := []struct {
		option, named string
		record        mmdbtype.Map
		want          geoip.Info
		err           string
	}{
		{"city", "GeoIP2-City", country, geo, ""},
		{"city", "GeoIP2-City-Europe", country, geo, ""},
		{"city", "DBIP-City-Lite", country, geo, ""},
		{"city", "GeoIP2-Enterprise", country, geo, ""},
		{"city", "DBIP-Location-ISP (compat=Enterprise)", country, geo, ""},
		{"city", "GeoIP2-Country", country, geoip.Info{}, `wrong type of database: it is "GeoIP2-Country", give geoip.city a file whose type holds City or Enterprise`},
		{"city", "Homemade-City", country, geoip.Info{}, `wrong type of database: "Homemade-City" is not known, give geoip.city a database of MaxMind or DB-IP`},
		{"city", "Homemade", country, geoip.Info{}, `it is "Homemade", give geoip.city a file whose type holds City or Enterprise`},
		{"asn", "GeoLite2-ASN", flat, as, ""},
		{"asn", "DBIP-ASN-Lite (compat=GeoLite2-ASN)", flat, as, ""},
		{"asn", "GeoIP2-ISP", flat, as, ""},
		{"asn", "DBIP-ISP (compat=Enterprise)", traits, as, ""},
		{"asn", "GeoIP2-Enterprise", traits, geoip.Info{}, `it is "GeoIP2-Enterprise", give geoip.asn a file whose type holds ASN or ISP`},
		{"asn", "Homemade-ASN", flat, geoip.Info{}, `"Homemade-ASN" is not known, give geoip.asn a database of MaxMind or DB-IP`},
	}
	for _, c := range cases {
		t.Run(c.option+" "+c.named, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "some.mmdb")
			geoiptest.Write(t, path, c.named, map[string]mmdbtype.DataType{"192.0.2.0/24": c.record})
			cfg := geoip.Config{City: path}
			if c.option == "asn" {
				cfg = geoip.Config{ASN: path}
			}
			if c.err != "" {
				_, err := geoip.Open(cfg, nil)
				require.ErrorIs(t, err, geoip.ErrType)
				require.ErrorContains(t, err, c.err)
				return
			}
			db := open(t, cfg, nil)
			require.Equal(t, c.want, db.Lookup(netip.MustParseAddr("192.0.2.1")))
			require.Zero(t, db.Lookup(netip.MustParseAddr("198.51.100.1")), "unknown")
			require.Zero(t, db.Failures())
		})
	}
}

// TestFailures counts what a database cannot answer; the other database still answers.
func TestFailures(t *testing.T) {
	cfg := databases(t)
	word := mmdbtype.String("not a map")
	geoiptest.Write(t, cfg.City, "GeoLite2-City", map[string]mmdbtype.DataType{
		"81.2.69.0/24": mmdbtype.Map{"continent": mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String("Europe")}}, "country": word},
	})
	db := open(t, cfg, nil)
	ip := netip.MustParseAddr("81.2.69.160")
	require.Equal(t, geoip.Info{AS: geoip.AS{Number: 20712, Organization: "Andrews & Arnold Ltd"}}, db.Lookup(ip), "no half of a record")
	require.EqualValues(t, 1, db.Failures())
	db.Lookup(ip)
	require.EqualValues(t, 1, db.Failures(), "a repeat comes from the cache")

	for _, named := range []string{"GeoLite2-ASN", "GeoIP2-ISP", "DBIP-ISP (compat=Enterprise)"} {
		flat := mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint64(1 << 32)}
		geoiptest.Write(t, cfg.ASN, named, map[string]mmdbtype.DataType{
			"192.0.2.0/24":    mmdbtype.Map{"autonomous_system_number": flat["autonomous_system_number"], "traits": flat},
			"198.51.100.0/24": word,
		})
		db = open(t, geoip.Config{ASN: cfg.ASN}, nil)
		require.Zero(t, db.Lookup(netip.MustParseAddr("192.0.2.1")), "a number of more than 32 bits")
		require.Zero(t, db.Lookup(netip.MustParseAddr("198.51.100.1")))
		require.EqualValues(t, 2, db.Failures(), named)
	}
}

// TestOnlyIPv4 asks a database of IPv4 only.
func TestOnlyIPv4(t *testing.T) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoLite2-ASN", IPVersion: 4, RecordSize: 24, IncludeReservedNetworks: true})
	require.NoError(t, err)
	_, network, err := net.ParseCIDR("192.0.2.0/24")
	require.NoError(t, err)
	require.NoError(t, tree.Insert(network, mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64500)}))
	var content bytes.Buffer
	_, err = tree.WriteTo(&content)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "four.mmdb")
	require.NoError(t, os.WriteFile(path, content.Bytes(), 0o600))

	db := open(t, geoip.Config{ASN: path}, nil)
	require.EqualValues(t, 64500, db.Lookup(netip.MustParseAddr("192.0.2.1")).AS.Number)
	require.EqualValues(t, 64500, db.Lookup(netip.MustParseAddr("::ffff:192.0.2.1")).AS.Number)
	require.Zero(t, db.Failures())
	require.Zero(t, db.Lookup(netip.MustParseAddr("2001:db8::1")))
	require.EqualValues(t, 1, db.Failures())
}

func TestNoDatabases(t *testing.T) {
	db := open(t, geoip.DefaultConfig(), nil)
	require.Zero(t, db.Lookup(netip.MustParseAddr("81.2.69.160")))
}

func TestOneDatabase(t *testing.T) {
	cfg := databases(t)
	cfg.City = ""
	require.Zero(t, open(t, cfg, nil).Lookup(netip.MustParseAddr("81.2.69.160")).Geo)
	cfg = databases(t)
	cfg.ASN = ""
	require.Equal(t, geoip.Info{Geo: boxfordGeo}, open(t, cfg, nil).Lookup(netip.MustParseAddr("81.2.69.160")))
}

func TestOpenErrors(t *testing.T) {
	good := databases(t)
	broken := filepath.Join(t.TempDir(), "broken.mmdb")
	require.NoError(t, os.WriteFile(broken, []byte("not a database"), 0o600))
	empty := filepath.Join(t.TempDir(), "empty.mmdb")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	cases := []struct {
		name string
		cfg  geoip.Config
		want string
	}{
		{"swapped", geoip.Config{City: good.ASN}, `is "GeoLite2-ASN", give geoip.city a file whose type holds City or Enterprise`},
		{"swapped", geoip.Config{ASN: good.City}, `is "GeoLite2-City", give geoip.asn a file whose type holds ASN or ISP`},
		{"broken", geoip.Config{City: broken}, "not a complete MaxMind database"},
		{"empty", geoip.Config{ASN: empty}, "not a complete MaxMind database"},
		{"a folder", geoip.Config{ASN: t.TempDir()}, "is a directory"},
		{"bad values", geoip.Config{ReloadInterval: -1, CacheSize: -1}, "reload_interval: must be >= 0, is -1ns\ncache_size: must be 0 to 16777216, is -1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := geoip.Open(c.cfg, nil)
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := geoip.Open(geoip.Config{City: good.ASN}, nil)
	require.ErrorIs(t, err, geoip.ErrType)
	require.NoError(t, geoip.DefaultConfig().Validate())
}

// lines counts the log lines that hold text.
func lines(log *locked.Buffer, text string) int { return strings.Count(log.String(), text) }

func TestReload(t *testing.T) {
	ip := netip.MustParseAddr("81.2.69.160")
	synctest.Test(t, func(t *testing.T) {
		var log locked.Buffer
		cfg := databases(t)
		modern := time.Now()
		touch := func(path string) { // the bubble's clock and the file system's have nothing to do with each other
			modern = modern.Add(time.Hour)
			require.NoError(t, os.Chtimes(path, modern, modern))
		}
		path := cfg.City
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.Remove(path))
		db := open(t, cfg, slog.New(slog.NewTextHandler(&log, nil)))
		pass := func() { time.Sleep(3*cfg.ReloadInterval + time.Second); synctest.Wait() }

		pass()
		require.Zero(t, db.Lookup(ip).Geo)
		require.NotZero(t, db.Lookup(ip).AS, "the other database serves")
		require.Equal(t, 1, lines(&log, "not loaded"), "an absent file is said once:\n%s", &log)

		require.NoError(t, os.WriteFile(path, content, 0o600))
		pass()
		require.Equal(t, boxfordGeo, db.Lookup(ip).Geo, "an answer from the cache of before would be empty")
		require.Equal(t, 2, lines(&log, "GeoIP database loaded"), "one line for each database:\n%s", &log)

		require.NoError(t, os.WriteFile(path, content[:len(content)/2], 0o600))
		touch(path)
		pass()
		require.Equal(t, boxfordGeo, db.Lookup(ip).Geo, "a broken file leaves the former in place")
		require.Equal(t, 2, lines(&log, "not loaded"), "a broken file is said once:\n%s", &log)

		geoiptest.WriteASN(t, path, nil)
		touch(path)
		pass()
		require.Equal(t, boxfordGeo, db.Lookup(ip).Geo)
		require.Equal(t, 1, lines(&log, "wrong type"))

		require.NoError(t, os.Remove(path))
		pass()
		require.Equal(t, boxfordGeo, db.Lookup(ip).Geo, "so does a file that is gone")

		geoiptest.WriteCity(t, path, map[string]geoiptest.City{"81.2.69.0/24": {Country: "Elsewhere"}})
		touch(path)
		pass()
		require.Equal(t, geoip.Geo{CountryName: "Elsewhere"}, db.Lookup(ip).Geo)
		require.NoError(t, db.Close())
		require.Equal(t, "Elsewhere", db.Lookup(ip).Geo.CountryName, "still answers")
	})
}

func TestConcurrentLookupsAndReloads(t *testing.T) {
	cfg := databases(t)
	cfg.CacheSize = 64 // so that entries are given up all the time
	db := open(t, cfg, nil)
	stop := make(chan struct{})
	var readers, writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			now := time.Now().Add(time.Duration(i) * time.Hour)
			if os.Chtimes(cfg.City, now, now) == nil {
				db.Reload()
			}
			runtime.Gosched()
		}
	})
	for range 4 {
		readers.Go(func() {
			for i := range 3_000 {
				last := byte(i % 180)
				info := db.Lookup(netip.AddrFrom4([4]byte{81, 2, 69, last}))
				if info.Geo != boxfordGeo || info.AS.Number != 20712 {
					t.Errorf("81.2.69.%d: %+v", last, info)
					return
				}
				if info := db.Lookup(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})); info != (geoip.Info{}) {
					t.Errorf("private address: %+v", info)
					return
				}
			}
		})
	}
	readers.Wait()
	close(stop)
	writer.Wait()
}

// TestManyAddresses looks up a million addresses: what is kept stays within the cache's size.
func TestManyAddresses(t *testing.T) {
	cfg := databases(t)
	cfg.CacheSize = 1000
	db := open(t, cfg, nil)
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	for i := range n {
		db.Lookup(netip.AddrFrom4([4]byte{81, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	require.Less(t, heap()-before, int64(1<<20))
	runtime.KeepAlive(db)
}

func TestHitAllocatesNothing(t *testing.T) {
	db := open(t, databases(t), nil)
	ip := netip.MustParseAddr("81.2.69.160")
	db.Lookup(ip)
	require.Zero(t, testing.AllocsPerRun(100, func() { db.Lookup(ip) }))
}

func BenchmarkLookup(b *testing.B) {
	for _, size := range []int{0, 50_000} {
		cfg := databases(b)
		cfg.CacheSize = size
		db := open(b, cfg, nil)
		ip := netip.MustParseAddr("81.2.69.160")
		b.Run(map[bool]string{true: "hit", false: "without cache"}[size > 0], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				db.Lookup(ip)
			}
		})
	}
	cfg := databases(b)
	cfg.ASN, cfg.CacheSize = "", 0
	city := open(b, cfg, nil)
	b.Run("City only, without cache", func(b *testing.B) {
		ip := netip.MustParseAddr("81.2.69.160")
		b.ReportAllocs()
		for b.Loop() {
			city.Lookup(ip)
		}
	})
	db := open(b, databases(b), nil)
	b.Run("unique addresses", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			db.Lookup(netip.AddrFrom4([4]byte{81, byte(i >> 16), byte(i >> 8), byte(i)}))
		}
	})
}
