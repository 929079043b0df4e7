package verify

import (
	"cmp"
	"slices"
	"time"
)

// Verdict is what a whole run comes to.
type Verdict string

// The verdicts, the better ones first.
const (
	// VerdictValid: every file is what CloudTrail delivered, and none is missing.
	VerdictValid Verdict = "valid"
	// VerdictIncomplete: nothing was found to be changed or missing, but not everything is proven: log files that no digest names, or time at
	// the end of the range without digests.
	VerdictIncomplete Verdict = "incomplete"
	// VerdictUnchecked: as VerdictIncomplete, and files or folders could not be read.
	VerdictUnchecked Verdict = "unchecked"
	// VerdictRefuted: files are missing, altered or not signed.
	VerdictRefuted Verdict = "refuted"
)

// Counts are files by their results.
type Counts map[Result]int64

// Total of all results.
func (c Counts) Total() (n int64) {
	for _, v := range c {
		n += v
	}
	return n
}

// PlaceSummary is what was found in one account and region.
type PlaceSummary struct {
	Place
	Digests Counts `json:"digests"`
	Logs    Counts `json:"logs"`
	// Hours are digests, backfill digests left out, and HoursOK those that are valid with all their files.
	Hours   int64 `json:"hours"`
	HoursOK int64 `json:"hours_ok"`
	Bytes   int64 `json:"bytes"`
	// Line is the range in parts of the same length, for a picture.
	Line *Line `json:"-"`
}

// OK says that nothing was found here.
func (p *PlaceSummary) OK() bool {
	return p.Digests[Valid] == p.Digests.Total() && p.Logs[Valid]+p.Logs[Pending] == p.Logs.Total()
}

// Summary adds up the items of a run. Its size grows with the number of accounts and regions, not with that of files. It is for one
// goroutine.
type Summary struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Digests Counts    `json:"digests"`
	Logs    Counts    `json:"logs"`
	Hours   int64     `json:"hours"`
	HoursOK int64     `json:"hours_ok"`
	// Bytes of uncompressed log files.
	Bytes int64 `json:"bytes"`
	// Findings are the files that are neither valid nor pending, the first of them; FindingsLeftOut is how many there were more.
	Findings        []File `json:"findings"`
	FindingsLeftOut int64  `json:"findings_left_out"`
	Gaps            []Gap  `json:"gaps"`
	GapsLeftOut     int64  `json:"gaps_left_out"`
	// Faults are what kept files from being looked at.
	Faults        []FaultText `json:"faults"`
	FaultsLeftOut int64       `json:"faults_left_out"`
	// Places in order.
	Places []*PlaceSummary `json:"places"`

	open   int64 // gaps about which nothing is signed
	mayEnd bool
	most   int
	by     map[Place]*PlaceSummary
}

// FaultText is a Fault for people and programs.
type FaultText struct {
	Place
	Error string `json:"error"`
}

// NewSummary makes a Summary for a run with these options that keeps at most as many findings, gaps and faults.
func NewSummary(cfg Config, most int) *Summary {
	return &Summary{
		From: cfg.From.UTC(), To: cfg.To.UTC(), Digests: Counts{}, Logs: Counts{}, Findings: []File{}, Gaps: []Gap{}, Faults: []FaultText{},
		Places: []*PlaceSummary{}, mayEnd: cfg.MayEnd, most: most, by: map[Place]*PlaceSummary{},
	}
}

func (s *Summary) place(p Place) *PlaceSummary {
	p.Trail = ""
	found := s.by[p]
	if found == nil {
		found = &PlaceSummary{Place: p, Digests: Counts{}, Logs: Counts{}, Line: newLine(s.From, s.To)}
		s.by[p] = found
		at, _ := slices.BinarySearchFunc(s.Places, found, comparePlaces)
		s.Places = slices.Insert(s.Places, at, found)
	}
	return found
}

func comparePlaces(a, b *PlaceSummary) int {
	return cmp.Or(cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Bucket, b.Bucket))
}

// Add takes one item.
func (s *Summary) Add(item Item) {
	switch {
	case item.File != nil:
		s.file(item.File)
	case item.Hour != nil:
		s.hour(item.Hour)
	case item.Gap != nil:
		s.gap(item.Gap)
	case item.Fault != nil:
		if len(s.Faults) < s.most {
			s.Faults = append(s.Faults, FaultText{item.Fault.Place, explain(item.Fault.Err)})
		} else {
			s.FaultsLeftOut++
		}
	}
}

func (s *Summary) file(f *File) {
	p := s.place(f.Place)
	all, own := s.Logs, p.Logs
	if f.Kind != KindLog {
		all, own = s.Digests, p.Digests
	} else {
		s.Bytes += f.Bytes
		p.Bytes += f.Bytes
	}
	all[f.Result]++
	own[f.Result]++
	p.Line.mark(f.From, f.To, f.Result)
	if f.Result == Valid || f.Result == Pending {
		return
	}
	if len(s.Findings) < s.most {
		s.Findings = append(s.Findings, *f)
	} else {
		s.FindingsLeftOut++
	}
}

func (s *Summary) hour(h *Hour) {
	if h.Backfill {
		return
	}
	p := s.place(h.Place)
	s.Hours++
	p.Hours++
	if h.OK() {
		s.HoursOK++
		p.HoursOK++
	}
}

func (s *Summary) gap(g *Gap) {
	s.place(g.Place).Line.gap(g)
	if g.Kind == GapEnds || g.Kind == GapNone {
		s.open++
	}
	if len(s.Gaps) < s.most {
		s.Gaps = append(s.Gaps, *g)
	} else {
		s.GapsLeftOut++
	}
}

// Verdict is what it comes to.
func (s *Summary) Verdict() Verdict {
	has := func(r Result) bool { return s.Digests[r]+s.Logs[r] > 0 }
	switch {
	case has(Missing) || has(Altered) || has(Unsigned):
		return VerdictRefuted
	case has(Unchecked) || len(s.Faults) > 0:
		return VerdictUnchecked
	case has(NotCovered) || s.open > 0 && !s.mayEnd || s.Digests.Total() == 0:
		return VerdictIncomplete
	}
	return VerdictValid
}
