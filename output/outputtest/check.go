package outputtest

import (
	"errors"
	"fmt"
	"strings"
)

// CheckDelivered reports how the documents of a finished run break the promise of at-least-once delivery that is once
// in effect. want lists the _ids of all events that the run was given (an _id may stand there more than once), stored is
// what the output holds, dead lists the _ids of the dead letters. It is nil when every wanted _id is stored once and not
// dead, or dead and not stored, and nothing else is anywhere.
//
// A dead letter that is there twice is no fault: a batch that came back after a crash may be judged again.
func CheckDelivered(want []string, stored []Document, dead []string) error {
	count := make(map[string]int, len(stored))
	for _, d := range stored {
		count[d.ID]++
	}
	isDead := make(map[string]bool, len(dead))
	for _, id := range dead {
		isDead[id] = true
	}
	wanted := make(map[string]bool, len(want))
	var lost, twice, both []string
	for _, id := range want {
		if wanted[id] {
			continue
		}
		wanted[id] = true
		switch n := count[id]; {
		case n == 0 && !isDead[id]:
			lost = append(lost, id)
		case n > 0 && isDead[id]:
			both = append(both, id)
		case n > 1:
			twice = append(twice, id)
		}
	}
	var foreign []string
	for _, d := range stored {
		if !wanted[d.ID] {
			foreign = append(foreign, d.ID)
		}
	}
	for _, id := range dead {
		if !wanted[id] {
			foreign = append(foreign, id)
		}
	}
	return errors.Join(
		complain("lost: neither stored nor dead-lettered", lost),
		complain("stored more than once", twice),
		complain("stored and dead-lettered", both),
		complain("stored or dead-lettered, but never sent", foreign),
	)
}

func complain(what string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	const most = 5
	shown := ids[:min(len(ids), most)]
	return fmt.Errorf("%d documents %s: %s", len(ids), what, strings.Join(shown, ", "))
}
