package awstest

import (
	"context"

	"github.com/trailbeat/trailbeat/input/aws"
)

// Steps gives what the Check of an input reports, a line a step.
func Steps(ctx context.Context, check func(context.Context, func(aws.Step))) (list []string) {
	check(ctx, func(s aws.Step) {
		switch {
		case s.Err != nil:
			list = append(list, s.Name+": FAILED "+s.Err.Error())
		case s.Skipped:
			list = append(list, s.Name+": skipped "+s.Detail)
		default:
			list = append(list, s.Name+": "+s.Detail)
		}
	})
	return list
}
