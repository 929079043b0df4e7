package s3

import "time"

// The things that fail, in words.
const (
	whatListing = "folders could not be listed"
	whatObject  = "objects could not be read"
	whatFull    = "passes ended early, as too many objects could not be read"
	whatForeign = "folders hold too many objects with names that are not those of CloudTrail"
	whatChore   = "objects that were read could not be copied or deleted"
)

// note counts what went wrong, and makes Read tell it where its kind was not told yet.
func (in *Input) note(what string, err error) {
	in.state.Failed(err)
	if in.faults.Note(what, err, time.Now()) {
		in.outlet.Tell(err)
	}
}

// endFaults tells what was hidden in a pass, and what is over.
func (in *Input) endFaults() {
	say, over := in.faults.Pass(time.Now(), in.deps.Once)
	if !in.deps.Once { // Close counts what was not put away
		more, also := in.choreFaults.Pass(time.Now(), false)
		say, over = append(say, more...), append(over, also...)
	}
	for _, err := range say {
		in.outlet.Tell(err)
	}
	for _, key := range over {
		in.log.Info("a kind of fault did not show in the last pass any more", "what", key.What, "error.type", key.Kind)
	}
}

// each gives the errors that errors.Join put together.
func each(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error }) // what is wrapped further down belongs to one error
	switch {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	}
	var list []error
	for _, one := range joined.Unwrap() {
		list = append(list, each(one)...)
	}
	return list
}
