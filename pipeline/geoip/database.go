package geoip

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/oschwald/geoip2-golang/v2"
)

// ErrType says that a database is of another kind than the option that names it asks for.
var ErrType = errors.New("wrong type of database")

// kind is what a database must be.
type kind struct {
	option string   // name of the option that holds its path
	wanted string   // for messages
	types  []string // words of which one occurs in the database's type
}

var (
	cityKind = kind{option: "geoip.city", wanted: "City", types: []string{"City", "Enterprise"}}
	asnKind  = kind{option: "geoip.asn", wanted: "ASN", types: []string{"ASN", "ISP"}}
)

// stamp tells a changed file.
type stamp struct {
	modified time.Time
	size     int64
}

// file is a database on disk and what was last made of it. It has one user at a time.
type file struct {
	kind   kind
	path   string
	seen   stamp
	reader *geoip2.Reader // nil: none yet
	told   string         // the last problem that was logged, so that each is logged once
	log    *slog.Logger
}

// refresh loads the file if it changed since it was last looked at. It says whether reader is new. A problem leaves reader as it was.
func (f *file) refresh() (bool, error) {
	if f.path == "" {
		return false, nil
	}
	stat, err := os.Stat(f.path)
	if err != nil {
		f.seen = stamp{}
		return false, fmt.Errorf("looking at %s database: %w", f.kind.wanted, err)
	}
	// The stamp is taken before the content: a change while it is read shows at the next look.
	now := stamp{stat.ModTime(), stat.Size()}
	if now == f.seen {
		return false, nil
	}
	f.seen = now
	reader, err := load(f.kind, f.path)
	if err != nil {
		return false, err
	}
	f.reader = reader
	return true, nil
}

// tell logs the outcome of refresh, a problem only when it is another one than before.
func (f *file) tell(loaded bool, err error) {
	switch {
	case err != nil:
		if f.told == err.Error() {
			return
		}
		f.told = err.Error()
		consequence := "no values from it until the file is there"
		if f.reader != nil {
			consequence = "the database loaded before stays in use"
		}
		f.log.Warn("GeoIP database not loaded", "geoip.option", f.kind.option, "file.path", f.path, "error.message", err.Error(), "consequence", consequence)
	case loaded:
		f.told = ""
		metadata := f.reader.Metadata()
		f.log.Info("GeoIP database loaded", "geoip.option", f.kind.option, "file.path", f.path,
			"geoip.database_type", metadata.DatabaseType, "geoip.build_time", metadata.BuildTime().UTC())
	}
}

// absent says whether err is that there is no file.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// load reads a database and checks its type.
func load(k kind, path string) (*geoip2.Reader, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s database: %w", k.wanted, err)
	}
	reader, err := geoip2.OpenBytes(data)
	unknown, isUnknown := errors.AsType[geoip2.UnknownDatabaseTypeError](err)
	if err != nil && !isUnknown {
		return nil, fmt.Errorf("reading %s database %q: not a complete MaxMind database, fetch it again: %w", k.wanted, path, err)
	}
	named := unknown.DatabaseType
	if !isUnknown {
		named = reader.Metadata().DatabaseType
	}
	fits := slices.ContainsFunc(k.types, func(word string) bool { return strings.Contains(named, word) })
	switch {
	case !fits:
		return nil, fmt.Errorf("reading %s database %q: %w: it is %q, give %s a file whose type holds %s",
			k.wanted, path, ErrType, named, k.option, strings.Join(k.types, " or "))
	case isUnknown: // the name promises the right form, but geoip2 reads only the types that it has a list of
		return nil, fmt.Errorf("reading %s database %q: %w: %q is not known, give %s a database of MaxMind or DB-IP", k.wanted, path, ErrType, named, k.option)
	}
	return reader, nil
}
