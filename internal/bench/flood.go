package bench

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/trailbeat/trailbeat/input/records"
	"github.com/trailbeat/trailbeat/pipeline"
	"github.com/trailbeat/trailbeat/pipeline/geoip"
)

// Flood is input that a cache or a parser cannot like.
type Flood struct {
	// Name of the row in the table, Key what it is chosen by.
	Name, Key string
	// Records is how many there are.
	Records int
	// record makes the one with the number n out of a usual one.
	record func(to, usual []byte, n int) []byte
	geo    bool
}

// Floods are what the goals name: user agents, addresses and callers that never come again, and records as large as CloudTrail makes
// them. scale is the share of their records that is made: 1 for all.
func Floods(scale float64) []Flood {
	count := func(n int) int { return max(1, int(float64(n)*scale)) }
	return []Flood{
		{Name: "user agents, all different", Key: "agents", Records: count(100_000), record: func(to, usual []byte, n int) []byte {
			return replaceText(to, usual, "userAgent", floodAgent(n))
		}},
		{Name: "addresses, all different, two GeoIP databases", Key: "addresses", Records: count(1_000_000), geo: true, record: func(to, usual []byte, n int) []byte {
			return replaceText(to, usual, "sourceIPAddress", floodAddress(n))
		}},
		{Name: "callers, all different", Key: "callers", Records: count(200_000), record: floodCaller},
		{Name: "records of 256 KB, small values", Key: "large-small", Records: count(4000), record: func(to, usual []byte, n int) []byte {
			return inflate(to, usual, n, 12)
		}},
		{Name: "records of 256 KB, one of long texts", Key: "large-long", Records: count(4000), record: func(to, usual []byte, n int) []byte {
			return inflate(to, usual, n, 20_000)
		}},
	}
}

// FloodResult compares a flood with usual records, in turns.
type FloodResult struct {
	Flood *Flood
	// PerByte is what a byte of the flood costs, a usual one being 1: of all, and of the tenth of the flood that was dearest. PerRecord is the
	// same by record.
	PerByte, WorstPerByte, PerRecord float64
	// Heap is what is in use after a tenth of the flood and at its end, in bytes, garbage taken away.
	HeapBefore, HeapAfter uint64
	// System is the memory taken from the system at the end, whatever for.
	System uint64
}

// floodPart is how many bytes of records are mapped between two looks at the clock.
const floodPart = 4 << 20

// RunFlood maps a flood, and as many bytes of usual records between its parts. geo names the directory of two databases, which
// MakeGeoDatabases wrote.
func (s *Source) RunFlood(f *Flood, geo string) (*FloodResult, error) {
	conf := pipeline.Config{PreserveOriginalEvent: true}
	if f.geo {
		db := geoip.DefaultConfig()
		db.City, db.ASN = geo+"/city.mmdb", geo+"/asn.mmdb"
		conf.GeoIP = &db
	}
	p, err := pipeline.New(conf)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	m := &mapper{pipeline: p, reader: records.NewReader(nil, records.Options{})}
	usual := s.floodText(func(to, rec []byte, _ int) []byte { return append(to, rec...) }, 0, -1, nil)
	if _, err := m.clock(usual.text); err != nil { // what is loaded once, and the agents that are not new
		return nil, err
	}
	out := &FloodResult{Flood: f}
	type part struct{ flood, usual float64 } // seconds by byte
	var parts []part
	var floodSeconds, usualSeconds, floodBytes, usualBytes float64
	var text floodText
	usualRecords := 0
	var mem runtime.MemStats
	for n := 0; n < f.Records; n += text.records {
		text = s.floodText(f.record, n, f.Records, text.text)
		u, err := m.clock(usual.text)
		if err != nil {
			return nil, err
		}
		t, err := m.clock(text.text)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{t / float64(len(text.text)), u / float64(len(usual.text))})
		floodSeconds, usualSeconds = floodSeconds+t, usualSeconds+u
		floodBytes, usualBytes = floodBytes+float64(len(text.text)), usualBytes+float64(len(usual.text))
		usualRecords += usual.records
		if out.HeapBefore == 0 && (n+text.records)*10 >= f.Records {
			runtime.GC()
			runtime.ReadMemStats(&mem)
			out.HeapBefore = mem.HeapAlloc
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&mem)
	out.HeapAfter, out.System = mem.HeapAlloc, mem.Sys
	out.PerByte = floodSeconds / floodBytes / (usualSeconds / usualBytes)
	out.PerRecord = floodSeconds / float64(f.Records) / (usualSeconds / float64(usualRecords))
	tenth := max(1, len(parts)/10)
	for i := 0; i+tenth <= len(parts); i += tenth {
		var flood, usual float64
		for _, p := range parts[i : i+tenth] {
			flood, usual = flood+p.flood, usual+p.usual
		}
		out.WorstPerByte = max(out.WorstPerByte, flood/usual)
	}
	runtime.KeepAlive(m)
	return out, nil
}

type floodText struct {
	text    []byte
	records int
}

// floodText makes a container of records from the number from on, up to the number end (-1: no end) and about floodPart bytes.
func (s *Source) floodText(record func(to, usual []byte, n int) []byte, from, end int, buf []byte) floodText {
	text := append(buf[:0], `{"Records":[`...)
	n := from
	for ; len(text) < floodPart && n != end; n++ {
		if n > from {
			text = append(text, ',')
		}
		text = record(text, s.records[n%len(s.records)], n)
	}
	return floodText{append(text, "]}"...), n - from}
}

// clock maps a file that is not packed and gives the processor time in seconds.
func (m *mapper) clock(text []byte) (float64, error) {
	start := cpuTime()
	_, err := m.file(text, func([]byte) {})
	return (cpuTime() - start).Seconds(), err
}

// replaceText appends usual with another text as its member key.
func replaceText(to, usual []byte, key, value string) []byte {
	before, rest, found := bytes.Cut(usual, []byte(`"`+key+`":"`))
	if !found { // a record without one gets one
		to = append(append(append(to, '{', '"'), key...), `":"`...)
		to = append(append(to, value...), '"', ',')
		return append(to, usual[1:]...)
	}
	_, after, _ := bytes.Cut(rest, []byte(`",`))
	to = append(append(append(to, before...), '"'), key...)
	to = append(append(append(to, `":"`...), value...), `",`...)
	return append(to, after...)
}

// floodAgent is one of the kinds of agents that AWS sees, with a part that differs in each.
func floodAgent(n int) string {
	switch n % 5 {
	case 0:
		return fmt.Sprintf("aws-cli/2.17.%d md/awscrt#0.21.2 ua/2.0 os/macos#23.6.0 md/arch#x86_64 lang/python#3.12.6 cfg/retry-mode#standard md/command#s3.cp/%d", n%90, n)
	case 1:
		return fmt.Sprintf("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.%d.%d Safari/537.36", n/100, n%100)
	case 2:
		return fmt.Sprintf("APN/1.0 HashiCorp/1.0 Terraform/1.%d.2 (+https://www.terraform.io) terraform-provider-aws/5.%d (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOARCH#amd64", n%12, n)
	case 3:
		return fmt.Sprintf("Boto3/1.34.%d md/Botocore#1.34.%d ua/2.0 os/linux#5.10.%d md/arch#x86_64 lang/python#3.11.6 session/%x", n%150, n%150, n%230, n)
	default:
		return fmt.Sprintf("Mozilla/5.0 (Linux; Android 9; SM-G9%dF Build/PPR1.%d) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0.4430.82 Mobile Safari/537.36", n%70, n)
	}
}

// floodAddress spreads the numbers over all addresses of IPv4, each once.
func floodAddress(n int) string {
	v := uint32(n) * 2654435761 // odd, so no two numbers meet
	return fmt.Sprintf("%d.%d.%d.%d", v>>24, v>>16&255, v>>8&255, v&255)
}

// floodCaller gives the identity of a record a member that no other has, so that nothing of an identity before it is of use.
func floodCaller(to, usual []byte, n int) []byte {
	before, rest, found := bytes.Cut(usual, []byte(`"userIdentity":{"`))
	if !found { // nobody called
		return append(to, usual...)
	}
	to = fmt.Appendf(append(to, before...), `"userIdentity":{"flood":"%d","`, n)
	return append(to, rest...)
}

// inflate makes a record 256 KB large, with request parameters whose values are about size bytes long.
func inflate(to, usual []byte, n, size int) []byte {
	const large = 256_000
	start := len(to)
	to = append(to, `{"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/flood","items":[`...)
	value := strings.Repeat("value of a tag, ", size/16+1)[:size]
	for i := 0; len(to)-start < large-len(usual); i++ {
		if i > 0 {
			to = append(to, ',')
		}
		to = fmt.Appendf(to, `{"key":"name-%d-%d","value":"%s","count":%d,"enabled":true}`, n, i, value, i)
	}
	to = append(to, `]},`...)
	// The record's own parameters get another name, which nobody knows.
	return append(to, bytes.Replace(usual[1:], []byte(`"requestParameters":`), []byte(`"otherParameters":`), 1)...)
}

// WriteFloods runs all floods, or those of only by their keys, and writes their table. It names those whose bytes cost more than most times the usual ones.
func (s *Source) WriteFloods(w io.Writer, only string, scale, most float64, geo string) (over []string, err error) {
	if err := MakeGeoDatabases(geo); err != nil {
		return nil, err
	}
	fmt.Fprintln(w, "\n| flood | records | cost of a byte, usual = 1 | the dearest tenth | cost of a record | MB in use after a tenth, at the end | MB from the system |")
	fmt.Fprintln(w, "|---|---:|---:|---:|---:|---:|---:|")
	for _, f := range Floods(scale) {
		if only != "" && !strings.Contains(","+only+",", ","+f.Key+",") {
			continue
		}
		r, err := s.RunFlood(&f, geo)
		if err != nil {
			return nil, fmt.Errorf("mapping a flood of %s: %w", f.Name, err)
		}
		const mb = 1e6
		fmt.Fprintf(w, "| %s | %d | %.2f | %.2f | %.2f | %.1f, %.1f | %.0f |\n", f.Name, f.Records, r.PerByte, r.WorstPerByte, r.PerRecord,
			float64(r.HeapBefore)/mb, float64(r.HeapAfter)/mb, float64(r.System)/mb)
		if r.PerByte > most {
			over = append(over, fmt.Sprintf("%s: a byte costs %.2f times the usual, at most %.1f is wanted", f.Name, r.PerByte, most))
		}
	}
	return over, nil
}
