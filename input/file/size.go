package file

import (
	"context"
	"errors"
	"time"

	"github.com/trailbeat/trailbeat/input"
)

// errEndless says that a stream is among what is read.
var errEndless = errors.New("a stream has no size")

// Size is the size of the files that are not done; see input.Sized. Of one that was read in part it is all that is left, or the whole
// where it is packed and has to be read again up to there.
func (in *Input) Size(ctx context.Context) (int64, error) {
	total := int64(0)
	for _, path := range in.cfg.Paths {
		if path == "-" {
			return 0, errEndless
		}
	}
	for f := range in.find.all() {
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case f.err != nil:
			continue // Read tells it
		case f.stream:
			return 0, errEndless
		}
		if d := in.cfg.IgnoreOlder; d > 0 && time.Since(f.info.ModTime()) > d {
			continue
		}
		var old state
		known, err := in.deps.Store.Get(keyPrefix+f.path, &old)
		if err != nil {
			return 0, err
		}
		if known && old.same(f.info) && (old.Done || old.Error != "" && !in.deps.Once) {
			continue
		}
		size := f.info.Size()
		if known && old.Records > 0 && old.Lines && !old.Packed {
			size = max(0, size-old.Offset)
		}
		total += size
	}
	return total, nil
}

var _ input.Sized = (*Input)(nil)
