package file

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// name is the name of a file that this output wrote.
type name struct {
	file   string // without directory
	day    string // YYYYMMDD
	number int    // counts up within a day, whatever the compression
	gzip   bool
}

func newName(filename, day string, number int, gzip bool) name {
	n := name{day: day, number: number, gzip: gzip}
	n.file = fmt.Sprintf("%s-%s-%04d.ndjson", filename, day, number)
	if gzip {
		n.file += ".gz"
	}
	return n
}

// list finds the files of the output in the directory, the oldest first.
func list(dir, filename string) ([]name, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	pattern := regexp.MustCompile(`^` + regexp.QuoteMeta(filename) + `-(\d{8})-(\d{4,9})\.ndjson(\.gz)?$`)
	var names []name
	for _, entry := range entries {
		m := pattern.FindStringSubmatch(entry.Name())
		if m == nil || !entry.Type().IsRegular() {
			continue
		}
		number, err := strconv.Atoi(m[2])
		if err != nil {
			continue
		}
		names = append(names, name{file: entry.Name(), day: m[1], number: number, gzip: m[3] != ""})
	}
	slices.SortFunc(names, func(a, b name) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.number, b.number), cmp.Compare(a.file, b.file))
	})
	return names, nil
}

// next is the name for a new file. A clock that was set back does not bring a new file before the old ones.
func next(names []name, filename string, now time.Time, gzip bool) name {
	day, number := now.UTC().Format("20060102"), 1
	if len(names) > 0 {
		if last := names[len(names)-1]; last.day >= day {
			day, number = last.day, last.number+1
		}
	}
	return newName(filename, day, number, gzip)
}
