package geoip

import (
	"errors"
	"fmt"
	"time"
)

// Config is the section geoip of the configuration.
type Config struct {
	// City is the path of a City or Enterprise database of MaxMind or DB-IP (GeoLite2-City, GeoIP2-City, GeoIP2-Enterprise, DBIP-City-Lite ...).
	// Empty, the default: no source.geo. A file that does not exist is logged once and looked for at every reload.
	City string `config:"city"`
	// ASN is the path of an ASN or ISP database of MaxMind or DB-IP (GeoLite2-ASN, GeoIP2-ISP ...). Empty, the default: no source.as.
	// Otherwise as City.
	ASN string `config:"asn"`
	// ReloadInterval is how often the files are looked at for a change, by time and size. Default 1m. 0 means never.
	ReloadInterval time.Duration `config:"reload_interval"`
	// CacheSize is the number of addresses remembered, rounded up to a multiple of 8; one takes about 250 bytes. Default 50000.
	// 0 remembers nothing.
	CacheSize int `config:"cache_size"`
}

// DefaultConfig returns the defaults named at the fields of [Config].
func DefaultConfig() Config {
	return Config{ReloadInterval: time.Minute, CacheSize: 50_000}
}

// Validate names everything that is wrong with c, nil if nothing is. It does not look at the files; [Open] does.
func (c Config) Validate() error {
	var errs []error
	if c.ReloadInterval < 0 {
		errs = append(errs, fmt.Errorf("reload_interval: must be >= 0, is %s", c.ReloadInterval))
	}
	if c.CacheSize < 0 || c.CacheSize > 1<<24 {
		errs = append(errs, fmt.Errorf("cache_size: must be 0 to %d, is %d", 1<<24, c.CacheSize))
	}
	return errors.Join(errs...)
}
