package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"github.com/klauspost/compress/gzip"
)

// File is a log file as CloudTrail writes it: one container of records, gzip.
type File struct {
	// Name is the path of the file. Empty until Corpus.WriteTo was called.
	Name string
	// Packed is its content.
	Packed []byte
	// Unpacked is the number of bytes before compression, Records that of its records.
	Unpacked, Records int
}

// Corpus is a set of files of one size. All eventIDs in it differ.
type Corpus struct {
	// Label names it in tables.
	Label string
	Files []File
	// Unpacked and Records are the sums over all files.
	Unpacked, Records int
}

// smallRecords is how many records a file of the small corpus has. AWS writes files of a few hundred records at most in
// quiet accounts.
const smallRecords = 100

// Source is where records come from.
type Source struct {
	// Name says it in tables: "reference data" or "test cases".
	Name    string
	records [][]byte
}

// Open reads the records that a corpus is grown from: the reference data, which TRAILBEAT_SHARED names, or where that is
// not there, the test cases of the repository. root is the directory of the repository.
func Open(root string) (*Source, error) {
	shared := os.Getenv("TRAILBEAT_SHARED")
	if shared == "" {
		shared = filepath.Join(root, "..", "shared")
	}
	files, err := filepath.Glob(filepath.Join(shared, "real", "cloudtrail", "*.json"))
	if err != nil {
		return nil, fmt.Errorf("looking for reference data in %q: %w", shared, err)
	}
	src := &Source{Name: "reference data"}
	if len(files) == 0 {
		src.Name = "test cases"
		if files, err = testCases(root); err != nil {
			return nil, err
		}
	}
	for _, name := range files {
		if err := src.read(name); err != nil {
			return nil, err
		}
	}
	if len(src.records) == 0 {
		return nil, fmt.Errorf("reading records below %q: there is none; run this in the repository, or set TRAILBEAT_SHARED", root)
	}
	return src, nil
}

// testCases are the inputs below testdata.
func testCases(root string) ([]string, error) {
	cases, err := filepath.Glob(filepath.Join(root, "testdata", "cloudtrail", "*", "input.json"))
	if err != nil {
		return nil, fmt.Errorf("looking for test cases: %w", err)
	}
	err = filepath.WalkDir(filepath.Join(root, "testdata", "samples"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (filepath.Ext(path) == ".json" || filepath.Ext(path) == ".gz") {
			cases = append(cases, path)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return cases, err
}

// read takes the records of one file: those of a container, or the one that it is. Those without an eventID are left out,
// as they could not be told apart once they were grown.
func (s *Source) read(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if filepath.Ext(name) == ".gz" {
		if data, err = gunzip(data); err != nil {
			return fmt.Errorf("unpacking %q: %w", name, err)
		}
	}
	var container struct{ Records []json.RawMessage }
	if json.Unmarshal(data, &container) != nil {
		return nil // not JSON: a test case of its own, and no record to grow from
	}
	if container.Records == nil {
		container.Records = []json.RawMessage{data}
	}
	for _, rec := range container.Records {
		var compact bytes.Buffer
		if json.Compact(&compact, rec) == nil && eventID(compact.Bytes()) != "" {
			s.records = append(s.records, compact.Bytes())
		}
	}
	return nil
}

// eventID is that of the record, empty where it has none that is a text.
func eventID(rec []byte) string {
	var r struct {
		EventID   string `json:"eventID"`
		EventName string `json:"eventName"`
	}
	if json.Unmarshal(rec, &r) != nil || r.EventName == "" {
		return ""
	}
	return r.EventID
}

// Small grows files of 100 records each, until they hold unpacked bytes together.
func (s *Source) Small(unpacked int) *Corpus {
	return s.grow(fmt.Sprintf("files of %d records, %.3g MB in all", smallRecords, float64(unpacked)/1e6), unpacked, func(f *File) bool { return f.Records == smallRecords })
}

// Large grows one file of that many unpacked bytes.
func (s *Source) Large(unpacked int) *Corpus {
	return s.grow(fmt.Sprintf("one file of %.3g MB", float64(unpacked)/1e6), unpacked, func(*File) bool { return false })
}

// grow repeats the records with other eventIDs, the same in every run. A file ends where full says so, or at the end.
func (s *Source) grow(label string, unpacked int, full func(*File) bool) *Corpus {
	c := &Corpus{Label: label}
	random := rand.New(rand.NewPCG(1, 2)) // fixed: every run measures the same bytes
	var text bytes.Buffer
	var f File
	finish := func() {
		text.WriteString("]}")
		f.Unpacked, f.Packed = text.Len(), pack(text.Bytes())
		c.Files = append(c.Files, f)
		c.Unpacked += f.Unpacked
		c.Records += f.Records
		text.Reset()
		f = File{}
	}
	for n := 0; c.Unpacked+text.Len() < unpacked; n++ {
		rec := s.records[n%len(s.records)]
		if text.Len() == 0 {
			text.WriteString(`{"Records":[`)
		} else {
			text.WriteByte(',')
		}
		id := fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", random.Uint32(), random.Uint32()>>16, random.Uint32()>>20, random.Uint32()>>20, random.Uint64()>>16)
		text.Write(bytes.Replace(rec, []byte(`"eventID":"`+eventID(rec)+`"`), []byte(`"eventID":"`+id+`"`), 1))
		f.Records++
		if full(&f) {
			finish()
		}
	}
	if f.Records > 0 {
		finish()
	}
	return c
}

// Copies is how often each file is on disk, under a directory of its own: so often that a shipper that reads all of them has 40 MB,
// beside which its start weighs little.
func (c *Corpus) Copies() int {
	const enough, most = 40_000_000, 40
	return min(max(4, (enough+c.Unpacked-1)/max(1, c.Unpacked)), most)
}

// WriteTo writes the files into dir, several copies of each, and sets their names to those of the first.
func (c *Corpus) WriteTo(dir string) error {
	for n := range c.Copies() {
		sub := filepath.Join(dir, strconv.Itoa(n))
		if err := os.Mkdir(sub, 0o700); err != nil {
			return fmt.Errorf("writing the corpus: %w", err)
		}
		for i := range c.Files {
			f := &c.Files[i]
			// Other copies are other files to the input, which knows a file by more than its name.
			name := filepath.Join(sub, fmt.Sprintf("111122223333_CloudTrail_us-east-1_20260102T%02d%02dZ_%d%08d.json.gz", i/60%24, i%60, n, i))
			if err := os.WriteFile(name, f.Packed, 0o600); err != nil {
				return fmt.Errorf("writing the corpus: %w", err)
			}
			if n == 0 {
				f.Name = name
			}
		}
	}
	return nil
}

// pack compresses as CloudTrail does, at gzip's usual level.
func pack(data []byte) []byte {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	_, _ = z.Write(data) // a buffer takes everything
	_ = z.Close()
	return buf.Bytes()
}

func gunzip(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	_, err = out.ReadFrom(z)
	return out.Bytes(), err
}
