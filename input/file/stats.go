package file

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/input"
)

// stats are the counters of a Report that are nowhere else.
type stats struct {
	listed, skipped, missing, failed, records, bytes atomic.Int64
}

// counting counts the bytes of a file as they are read.
type counting struct {
	file io.Reader
	n    *atomic.Int64
}

func (c counting) Read(p []byte) (int, error) {
	n, err := c.file.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// failed notes what Read is about to return, and returns it.
func (in *Input) failed(err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) && !input.IsFatal(err) {
		in.stats.failed.Add(1)
		in.state.Failed(err)
	}
	return err
}

// polled is when the next scan begins; zero where there is none.
func (in *Input) polled() time.Time {
	if in.deps.Once {
		return time.Time{}
	}
	return in.rescan
}

// Report tells what the input is doing; see input.Reporter. Listed and Skipped count each file once in each scan.
func (in *Input) Report() input.Report {
	r, s := in.state.Report(), &in.stats
	r.Source, r.Unit = strings.Join(in.cfg.Paths, ", "), input.UnitFile
	r.Waiting = -1
	r.Listed, r.Skipped, r.Missing, r.Failed = s.listed.Load(), s.skipped.Load(), s.missing.Load(), s.failed.Load()
	r.Records, r.Bytes = s.records.Load(), s.bytes.Load()
	r.InFlight, r.Read = in.ledger.counts()
	return r
}

var _ input.Reporter = (*Input)(nil)
