package geoip

import (
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oschwald/geoip2-golang/v2"
)

// DB answers look-ups. It is safe for concurrent use. Make one with [Open] and end it with [DB.Close].
type DB struct {
	cacheSize int
	state     atomic.Pointer[state]
	failures  atomic.Uint64

	mu        sync.Mutex // guards the files
	city, asn *file

	stop chan struct{}
	once sync.Once
	done sync.WaitGroup
}

// state is what a look-up uses, swapped as a whole: the cache never holds answers of another database. Readers of the former state go on with it.
type state struct {
	city, asn *geoip2.Reader
	cache     *cache
}

// Open loads the databases of cfg. A file that does not exist is logged and gives no values until it is there; one that is broken or of the wrong
// type ([ErrType]) is an error. A nil log discards.
func Open(cfg Config, log *slog.Logger) (*DB, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("opening GeoIP databases: %w", err)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	db := &DB{
		cacheSize: cfg.CacheSize,
		city:      &file{kind: cityKind, path: cfg.City, log: log},
		asn:       &file{kind: asnKind, path: cfg.ASN, log: log},
		stop:      make(chan struct{}),
	}
	for _, f := range []*file{db.city, db.asn} {
		loaded, err := f.refresh()
		if err != nil && !absent(err) {
			return nil, fmt.Errorf("opening %s: %w", f.kind.option, err)
		}
		f.tell(loaded, err)
	}
	db.swap()
	if cfg.ReloadInterval > 0 && (cfg.City != "" || cfg.ASN != "") {
		db.done.Go(func() { db.watch(cfg.ReloadInterval) })
	}
	return db, nil
}

// Close ends the reloading. Look-ups under way, and later ones, still answer. It may be called more than once and returns nil.
func (db *DB) Close() error {
	db.once.Do(func() { close(db.stop) })
	db.done.Wait()
	return nil
}

func (db *DB) watch(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-db.stop:
			return
		case <-ticker.C:
			db.Reload()
		}
	}
}

// Reload looks at the files now and loads what changed. It is called every Config.ReloadInterval; a caller may do so at any time.
func (db *DB) Reload() {
	db.mu.Lock()
	defer db.mu.Unlock()
	changed := false
	for _, f := range []*file{db.city, db.asn} {
		loaded, err := f.refresh()
		f.tell(loaded, err)
		changed = changed || loaded
	}
	if changed {
		db.swap()
	}
}

func (db *DB) swap() {
	s := &state{city: db.city.reader, asn: db.asn.reader}
	if s.city != nil || s.asn != nil {
		s.cache = newCache(db.cacheSize)
	}
	db.state.Store(s)
}

// Lookup returns what the databases know of ip. An invalid address, and one that no database knows, gives the zero Info.
func (db *DB) Lookup(ip netip.Addr) Info {
	s := db.state.Load()
	if !ip.IsValid() || s.city == nil && s.asn == nil {
		return Info{}
	}
	key := cacheKey(ip)
	if info := s.cache.get(&key); info != nil {
		return *info
	}
	ip = ip.WithZone("").Unmap()
	var info Info
	var answered bool
	if s.city != nil {
		if info.Geo, answered = findGeo(s.city, ip); !answered {
			db.failures.Add(1)
		}
	}
	if s.asn != nil {
		if info.AS, answered = findAS(s.asn, ip); !answered {
			db.failures.Add(1)
		}
	}
	s.cache.put(&key, info)
	return info
}

// Failures is the number of look-ups, not counting repeats from the cache, that a database could not answer: a damaged record, or an IPv6 address in
// a database of IPv4 only. An address that is merely unknown is no failure.
func (db *DB) Failures() uint64 { return db.failures.Load() }
