package file

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"
)

// cleanEvery is the pause between two looks for entries of files that are gone.
const cleanEvery = time.Hour

// clean forgets files that are gone for long enough. It runs between two scans, once an hour at most; the time of the last
// look is in the store, so that short runs do not each look at everything.
func (in *Input) clean() {
	if !in.cfg.CleanRemoved {
		return
	}
	now := time.Now()
	var last int64
	if _, err := in.deps.Store.Get(cleanKey, &last); err != nil || now.Unix()-last < int64(cleanEvery/time.Second) {
		return
	}
	err := in.deps.Store.Put(cleanKey, now.Unix())
	if err == nil && last > 0 {
		err = in.deps.Store.Each(keyPrefix, func(key string, value json.RawMessage) error { return in.cleanOne(key, value, now) })
	}
	if err != nil {
		in.log.Warn("forgetting removed files failed", "error.message", err.Error())
	}
}

func (in *Input) cleanOne(key string, value json.RawMessage, now time.Time) error {
	if in.ledger.busy(key) {
		return nil
	}
	_, err := os.Stat(strings.TrimPrefix(key, keyPrefix))
	gone := errors.Is(err, fs.ErrNotExist)
	var s state
	if err := json.Unmarshal(value, &s); err != nil || !gone && s.Gone == 0 {
		return nil
	}
	switch {
	case !gone:
		s.Gone = 0
	case s.Gone == 0 && in.cfg.CleanRemovedAfter > 0:
		s.Gone = now.Unix()
	case now.Sub(time.Unix(s.Gone, 0)) >= in.cfg.CleanRemovedAfter:
		return in.deps.Store.Delete(key)
	default:
		return nil
	}
	return in.deps.Store.Put(key, s)
}
