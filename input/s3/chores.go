package s3

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trailbeat/trailbeat/input/aws"
)

// maxChores bounds the remembered chores. What comes beyond is left in the bucket, and said.
const maxChores = 10_000

// addChore notes what is to be done with an object that was read. It is called with the lock.
func (l *ledger) addChore(o object) bool {
	if len(l.after) >= maxChores && l.after[o.Key] == nil {
		l.log.Error("an object was read but will not be copied or deleted, as too many wait for that already: do it by hand, or mend what the other errors say",
			"aws.s3.object.key", o.Key)
		return false
	}
	l.after[o.Key] = &chore{ETag: o.ETag}
	l.changed[afterPrefix+o.Key] = *l.after[o.Key]
	return true
}

// nextChore reserves a chore that is due. Where there is none, it says how long to wait.
func (l *ledger) nextChore(now time.Time) (key string, c chore, wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait = time.Hour
	if l.closing {
		return "", chore{}, wait, false
	}
	for _, key := range slices.Sorted(maps.Keys(l.after)) {
		if l.busy[afterPrefix+key] {
			continue
		}
		c := l.after[key]
		if c.Next.After(now) {
			wait = min(wait, c.Next.Sub(now))
			continue
		}
		l.busy[afterPrefix+key] = true
		return key, *c, 0, true
	}
	return "", chore{}, wait, false
}

// nextChore reserves a chore that is due in any of the ledgers.
func (in *Input) nextChore(now time.Time) (l held, key string, c chore, wait time.Duration, ok bool) {
	wait = time.Hour
	if in.shared != nil {
		wait = in.shared.every // there may be other ledgers by then
	}
	for _, l := range in.ledgers() {
		key, c, w, ok := l.nextChore(now)
		if ok {
			return l, key, c, 0, true
		}
		wait = min(wait, w)
	}
	return held{}, "", chore{}, wait, false
}

// endChore notes how a chore went.
func (l *ledger) endChore(key string, c chore, cause error, now time.Time, interval time.Duration) error {
	l.mu.Lock()
	delete(l.busy, afterPrefix+key)
	if cause == nil {
		delete(l.after, key)
		l.changed[afterPrefix+key] = nil
	} else {
		c.Tries++
		c.Error = shorten(cause)
		c.Next = now.Add(min(interval<<min(c.Tries-1, 16), maxBackoff))
		l.after[key] = &c
		l.changed[afterPrefix+key] = c
	}
	l.mu.Unlock()
	return l.flush()
}

// openChores counts those that were not tried yet, and all.
func (l *ledger) openChores() (untried, all int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.after {
		if c.Tries == 0 {
			untried++
		}
	}
	return untried, len(l.after)
}

// doChores copies and deletes objects that are done, until ctx ends.
func (in *Input) doChores(ctx context.Context) {
	for ctx.Err() == nil {
		l, key, c, wait, ok := in.nextChore(time.Now())
		if !ok {
			timer := time.NewTimer(wait)
			select {
			case <-in.wake:
			case <-timer.C:
			case <-ctx.Done():
			}
			timer.Stop()
			continue
		}
		in.poke() // there may be more, for others
		err := in.doChore(ctx, key, &c)
		if ctx.Err() != nil {
			return // it is done again after the next start
		}
		if err != nil {
			in.stats.choresFailed.Add(1)
			in.state.Failed(err)
			if in.choreFaults.Note(whatChore, err, time.Now()) {
				in.log.Error("an object was read but not put away, it is tried again", "aws.s3.object.key", key, "error.message", err.Error())
			}
		}
		if err := l.endChore(key, c, err, time.Now(), in.cfg.BucketListInterval); err != nil {
			in.stored(err)
			if in.shared == nil {
				return
			}
		}
		in.poke()
	}
}

func (in *Input) poke() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// doChore copies and deletes one object. An object that is gone or was overwritten is left alone.
func (in *Input) doChore(ctx context.Context, key string, c *chore) error {
	gone := func(err error) bool {
		class := aws.ClassOf(err)
		if class != aws.ClassNoKey && class != aws.ClassChanged {
			return false
		}
		in.log.Warn("an object changed after it was read, it is left alone", "aws.s3.object.key", key, "error.message", err.Error())
		return true
	}
	if in.backup != "" && !c.Copied {
		if err := in.api.Copy(ctx, key, c.ETag, in.backup, in.cfg.BackupToBucketPrefix+key); err != nil {
			if gone(err) {
				return nil
			}
			return err
		}
		c.Copied = true
		in.stats.copied.Add(1)
	}
	if !in.cfg.deletes() {
		return nil
	}
	o, err := in.api.Head(ctx, key)
	if err == nil && c.ETag != "" && o.ETag != c.ETag {
		err = &aws.Error{
			Call: aws.Call{Doing: "deleting object", Target: "s3://" + in.bucket.Name + "/" + key}, Class: aws.ClassChanged,
			Err: fmt.Errorf("its ETag was %s and is now %s", c.ETag, o.ETag),
		}
	}
	if err != nil {
		if gone(err) {
			return nil
		}
		return err
	}
	if err := in.api.Delete(ctx, key); err != nil {
		return err
	}
	in.stats.deleted.Add(1)
	return nil
}
